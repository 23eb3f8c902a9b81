// The view of the matrix: filters, the grid, the line below it, the panel.
const FILTERS = ['who', 'item', 'role', 'access', 'risk', 'kind', 'server'];
const readFilters = (query, diff) => {
  const f = {diff, unfolded: new Set(), fold: query.get('fold') !== '0', only: query.get('only') !== '0', cell: query.get('cell') || ''};
  for (const k of FILTERS) f[k] = query.get(k) || '';
  return f;
};
const writeFilters = (f) => {
  const q = new URLSearchParams();
  for (const k of FILTERS) if (f[k]) q.set(k, f[k]);
  if (!f.fold) q.set('fold', '0');
  if (f.diff && !f.only) q.set('only', '0');
  if (f.cell) q.set('cell', f.cell);
  const text = q.toString();
  return '#/matrix' + (f.diff ? '/diff' : '') + (text ? '?' + text : '');
};
const cellName = (c, it) => enc(c.p.length ? c.p[0] : 'class ' + (c.i + 1)) + '/' + it.href.slice('#/who/'.length);

const matrixView = (query, diff) => {
  const f = readFilters(query, diff && DIFF);
  let g, grid, at = null, map = null;
  const holder = h('div.holder'), readout = h('p.readout'), spoken = h('span.sr', {role: 'status', 'aria-live': 'polite'}), panel = h('aside.panel', {'aria-label': 'Panel', tabindex: '-1'});
  const start = matchMedia('(pointer: coarse)').matches ? 'Tap a cell to see why.' : 'Point at a cell, or move with the arrow keys. Enter explains it' + (f.diff ? ', n goes to the next that changes.' : ', n goes to the next that is open.');
  const save = (push) => setHash(writeFilters(f), push);

  const on = {
    point: (r, c, aloud) => {
      const row = g.rows[r], col = g.columns[c];
      clear(readout).append(mark(used(col.c, row.it).a), ' ', nm(col.c.name), col.n > 1 ? ' +' + (col.n - 1) : '', h('span.dim', ' ', list2(col.c.roles)), ' \u2192 ', nm(row.it.n), row.items.length > 1 ? ' and ' + (row.items.length - 1) + ' more' : '', ': ', h('b', pieces(spokenCell(spot(f, row, col), row, col), true)));
      if (aloud) spoken.textContent = label(col.c) + ', ' + plain(row.it.n) + ': ' + spokenCell(spot(f, row, col), row, col);
    },
    choose: (r, c, byKey) => {
      at = [r, c];
      f.cell = cellName(g.columns[c].c, g.rows[r].it);
      save(true);
      fillPanel(byKey);
      grid.choose(r, c);
    },
    next: (r, c, by) => {
      const n = g.rows.length * g.columns.length;
      for (let i = 1, k = r * g.columns.length + c; i <= n; i++) {
        k = (k + by + n) % n;
        const row = g.rows[Math.floor(k / g.columns.length)], col = g.columns[k % g.columns.length];
        if (f.diff ? changeOf(col.c, row.it) : used(col.c, row.it).a === ALLOWED || used(col.c, row.it).a === UNGUARDED) return [Math.floor(k / g.columns.length), k % g.columns.length];
      }
      return null;
    },
    unfold: (row) => { for (const it of row.items) f.unfolded.add(it.key); draw(); },
    view: (v) => map && map.view(v),
  };
  const close = () => {
    const back = at;
    at = null;
    f.cell = '';
    save(true);
    grid.choose(-1);
    fillPanel();
    if (back) grid.focus(...back);
  };
  const fillPanel = (focus) => {
    clear(panel);
    panel.classList.toggle('sheet', !!at);
    map = null;
    if (!at) {
      map = mapBox(f, g, grid);
      add(panel, [keyOf(), map && map.el, lookFirst(f), D.byRole.length && h('section', h('p.dim.small', 'Who is not declared: ask by role, as in ', a('#/reach/role/' + enc([...roles.keys()][0] || '*'), 'what a role can reach'), '.'))]);
      return;
    }
    const {heading, el} = explainCell(f, g.rows[at[0]], g.columns[at[1]], close);
    add(panel, [el]);
    if (focus) heading.focus();
  };
  panel.addEventListener('keydown', (e) => { if (e.key === 'Escape' && at) close(); });
  holder.addEventListener('keydown', (e) => { if (e.key === 'Escape' && at) close(); });

  const find = () => {
    if (!f.cell) return null;
    for (let r = 0; r < g.rows.length; r++) for (let c = 0; c < g.columns.length; c++) {
      for (const of of g.columns[c].classes) for (const it of g.rows[r].items) {
        if (f.cell === of.cellName?.get(it.i) || cellName(of, it) === f.cell) return [r, c];
      }
    }
    return null;
  };
  const draw = () => {
    g = buildGrid(f);
    clear(holder);
    clear(readout).append(start);
    if (!g.rows.length || !g.columns.length) {
      const nothing = f.access === 'unguarded' ? 'Nothing is unguarded: a policy is asked about every call.' : f.diff && f.only && !Object.values(f).some((v) => v && typeof v === 'string') ? 'No access changed.' : 'No cell is like that.';
      holder.append(h('p.empty', nothing, ' ', h('button.link', {type: 'button', onclick: () => { for (const k of FILTERS) f[k] = ''; location.hash = writeFilters(f); }}, 'Clear the filters')));
      grid = {choose: () => {}, focus: () => {}};
      at = null;
    } else {
      grid = (g.rows.length * g.columns.length <= SMALL ? tableGrid : canvasGrid)(f, g, on);
      holder.append(grid.box);
      at = find();
    }
    fillPanel();
    requestAnimationFrame(() => { grid.start && grid.start(); if (at) grid.choose(...at); });
  };

  const select = (name, text, options) => {
    const el = h('select', {'aria-label': text, onchange: () => { f[name] = el.value; f.cell = ''; save(true); draw(); }}, options.map(([v, t]) => h('option', {value: v, selected: v === f[name]}, t)));
    return el;
  };
  let typing = 0;
  const field = (name, text, hint) => h('input', {type: 'search', 'aria-label': text, placeholder: hint, value: f[name] || null, oninput: (e) => {
    f[name] = e.target.value;
    clearTimeout(typing);
    typing = setTimeout(() => { f.cell = ''; save(false); draw(); }, 120);
  }});
  const toggle = (name, text) => {
    const el = h('button.toggle', {type: 'button', 'aria-pressed': String(f[name]), onclick: () => { f[name] = !f[name]; f.unfolded.clear(); el.setAttribute('aria-pressed', String(f[name])); save(true); draw(); }}, text);
    return el;
  };
  const bar = h('div.tools', {role: 'group', 'aria-label': 'Filters'}, field('item', 'Filter tools', 'Tool name'), field('who', 'Filter principals', 'Principal'),
    roles.size > 1 && select('role', 'role', [['', 'any role'], ...[...roles.keys()].filter((r) => roles.get(r)).sort().map((r) => [r, plain(r)])]),
    select('access', 'access', ACCESSES), select('risk', 'risk', [['', 'any risk'], ...[...RISKS, 'other'].filter((r) => D.items.some((it) => it.band === r)).map((r) => [r, RISK[r]])]),
    D.classes.some((c) => c.agent) && select('kind', 'kind of principal', [['', 'everybody'], ['agents', 'agents and workloads'], ['people', 'people']]),
    many && select('server', 'server', [['', 'any server'], ...D.servers.map((s) => [s.name, plain(s.name)])]),
    toggle('fold', 'Fold equal rows'), f.diff && toggle('only', 'Only what changes'), DIFF && a(f.diff ? '#/matrix' : '#/matrix/diff', f.diff ? 'The whole matrix' : 'What changes'));
  draw();
  return view('.matrix', diff ? 'What changes in the matrix' : 'Matrix', h('h1.sr', 'Matrix'), h('div.left', bar, holder, h('div.foot', readout, spoken)), panel);
};
