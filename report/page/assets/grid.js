// What the matrix shows: rows of items and columns of classes that look alike, after filters.
const SMALL = 2000, WIDE = 24;

// lookAt is the same for what cannot be told apart by eye, of list and use together.
const looks = (() => {
  const seen = new Map();
  return D.variants.map((of) => {
    const [x, y] = of.map((n) => D.cells[n]), key = [x.a, y.a].join();
    if (!seen.has(key)) seen.set(key, seen.size);
    return [seen.get(key), x.c, y.c];
  });
})();
const lookAt = (c, it) => {
  const [id, x, y] = looks[c.row[it.i]];
  return x < 0 && y < 0 ? id : id + ':' + c.cs[x] + ':' + c.cs[y];
};
const deltaAt = (f, c, it) => {
  const x = f.diff && changeOf(c, it);
  return x ? (x.list ? x.list.change : '') + '/' + (x.use ? x.use.change + x.use.was : '') : '';
};
const matches = {
  '': () => true,
  may: (l, u) => u.a > 0,
  always: (l, u) => u.a === ALLOWED,
  condition: (l, u) => u.a === CONDITIONAL,
  unguarded: (l, u) => u.a === UNGUARDED || l.a === UNGUARDED,
  hidden: (l, u) => u.a > 0 && l.a === DENIED,
  shown: (l, u) => u.a === DENIED && l.a > 0,
};
const ACCESSES = [['', 'any access'], ['may', 'may use'], ['always', 'always'], ['condition', 'on a condition'], ['unguarded', 'unguarded'], ['hidden', 'callable, but hidden'], ['shown', 'shown, not callable']];

const buildGrid = (f) => {
  const test = matches[f.access] || matches[''];
  const wants = (c, it) => test(listed(c, it), used(c, it)) && (!f.diff || !f.only || changeOf(c, it));
  const words = (s) => s.toLowerCase().split(/\s+/).filter(Boolean);
  const who = words(f.who), item = words(f.item);
  let cols = classes.filter((c) => (!f.role || c.roles.includes(f.role)) && (!f.kind || (f.kind === 'agents') === c.agent) &&
    who.every((w) => c.p.some((p) => p.toLowerCase().includes(w)) || (c.name + ' ' + c.roles.join(' ') + ' ' + c.k).toLowerCase().includes(w)));
  let items = D.items.filter((it) => (!f.risk || it.band === f.risk) && (!f.server || it.server === f.server) && item.every((w) => it.n.toLowerCase().includes(w)));
  const asked = f.access || (f.diff && f.only);
  if (asked) {
    items = items.filter((it) => cols.some((c) => wants(c, it)) || (f.diff && f.only && !f.access && itemChange.has(it.key)));
    if (!f.only || f.access) cols = cols.filter((c) => items.some((it) => wants(c, it)));
  }
  // Columns that look alike, where there are many.
  let groups = cols.map((c) => [c]);
  if (cols.length > WIDE) {
    const whole = items.length === D.items.length && !f.diff;
    const ids = new Map();
    const id = (c) => { if (!ids.has(c.row)) ids.set(c.row, ids.size); return ids.get(c.row); };
    const same = groupBy(cols, (c) => c.k + ' ' + (whole ? id(c) + ' ' + c.cs : items.map((it) => lookAt(c, it) + deltaAt(f, c, it)).join()));
    groups = [...same.values()];
  }
  const columns = groups.map((g) => ({classes: g, c: g[0], n: g.reduce((n, c) => n + c.n, 0)}));
  // Rows by band; those that reach furthest first.
  const bands = [];
  for (const band of [...RISKS, 'other']) {
    const of = items.filter((it) => it.band === band);
    if (!of.length) continue;
    const rows = [...groupBy(of, (it) => (f.fold && !f.unfolded.has(it.key) ? columns.map((col) => lookAt(col.c, it) + deltaAt(f, col.c, it)).join() + (f.diff && itemChange.has(it.key) ? it.key : '') : it.key)).values()]
      .map((g) => ({items: g, it: g[0], rank: columns.reduce((n, col) => n + (used(col.c, g[0]).a ? (col.c.agent ? 1e4 : 1) * (used(col.c, g[0]).a === CONDITIONAL ? 1 : 2) * (col.c.n || 1) : 0), 0)}));
    rows.sort((x, y) => y.rank - x.rank || x.it.i - y.it.i);
    bands.push({band, n: of.length, rows});
  }
  const rows = bands.flatMap((b) => b.rows);
  return {bands, rows, columns, items: items.length, classes: cols.length, dim: asked ? (row, col) => !wants(col.c, row.it) : () => false};
};

// spot is what a cell looks like.
const spot = (f, row, col) => {
  const l = listed(col.c, row.it), u = used(col.c, row.it);
  const x = f.diff ? changeOf(col.c, row.it) : null;
  const change = x ? (x.use || x.list).change : '';
  return {
    l, u, x, sign: change === 'widened' ? 'plus' : change === 'narrowed' ? 'minus' : change ? 'other' : '', faint: f.diff && !x,
    tone: u.a === UNGUARDED ? 'u' : TONE[row.it.band], bar: l.a > 0, alarm: u.a > 0 && l.a === DENIED && row.it.tool,
  };
};
const SIGNS = {plus: 'widened: ', minus: 'narrowed: ', other: 'changed: '};
const spokenCell = (s, row, col) => (s.sign ? SIGNS[s.sign] : '') + sentenceOf(col.c, row.it);

// tableGrid is the whole matrix as a table.
const tableGrid = (f, g, on) => {
  const narrow = g.columns.length > WIDE || innerWidth < 820;
  const table = h('table.grid' + (narrow ? '.narrow' : ''), {role: 'grid', 'aria-label': 'Who may do what', 'aria-rowcount': g.rows.length + 1, 'aria-colcount': g.columns.length + 1});
  const heads = h('tr', h('td.corner', h('span', summaryOf(g))));
  g.columns.forEach((col, i) => heads.append(columnHead(col, g.columns[i - 1], narrow)));
  table.append(h('thead', heads));
  let r = 0;
  const cells = [];
  for (const b of g.bands) {
    const body = h('tbody', h('tr.band', h('th', {scope: 'rowgroup', colspan: g.columns.length + 1}, bandHead(b))));
    for (const row of b.rows) {
      const at = r++;
      const line = h('tr', h('th', {scope: 'row'}, rowHead(f, row, on)));
      cells.push(g.columns.map((col, i) => {
        const s = spot(f, row, col);
        const td = h('td' + cellClass(s, g.dim(row, col)), {tabindex: '-1', 'aria-label': spokenCell(s, row, col)}, s.sign ? h('span.sign', {'aria-hidden': 'true'}, s.sign === 'plus' ? '+' : s.sign === 'minus' ? '\u2212' : '~') : mark(s.u.a), s.bar && h('span.listed', {'aria-hidden': 'true'}));
        td.dataset.r = at;
        td.dataset.c = i;
        line.append(td);
        return td;
      }));
      body.append(line);
    }
    table.append(body);
  }
  const box = h('div.scroll', table);
  table.style.setProperty('--cw', Math.round(Math.min(100, Math.max(66, (innerWidth - (innerWidth > 1180 ? 400 : 320) - 290) / g.columns.length))) + 'px');
  let now = null, chosen = null;
  const focus = (r, c, quiet) => {
    if (now) now.tabIndex = -1;
    now = cells[r][c];
    now.tabIndex = 0;
    if (!quiet) now.focus();
  };
  if (cells.length && cells[0].length) focus(0, 0, true);
  const of = (e) => { const td = e.target.closest('td[data-r]'); return td && [+td.dataset.r, +td.dataset.c]; };
  table.addEventListener('click', (e) => { const at = of(e); if (at) { focus(...at, true); on.choose(...at); } });
  table.addEventListener('pointerover', (e) => { const at = of(e); if (at) on.point(...at); });
  table.addEventListener('focusin', (e) => { const at = of(e); if (at) { focus(...at, true); on.point(...at, true); } });
  gridKeys(box, g, () => now && [+now.dataset.r, +now.dataset.c], focus, on, () => Math.max(1, Math.floor(box.clientHeight / 30) - 3));
  return {box, focus, choose: (r, c) => {
    if (chosen) chosen.removeAttribute('aria-selected');
    chosen = r < 0 ? null : cells[r][c];
    if (chosen) { chosen.setAttribute('aria-selected', 'true'); focus(r, c, true); chosen.scrollIntoView({block: 'nearest', inline: 'nearest'}); }
  }};
};

const cellClass = (s, dim) => '.t' + s.u.a + '.' + s.tone + (s.alarm ? '.alarm' : '') + (s.sign ? '.' + s.sign : '') + (s.faint || dim ? '.faint' : '');
const summaryOf = (g) => [count(g.items, 'item') + ' in ' + count(g.rows.length, 'row'), h('br'), count(g.classes, 'class', 'classes') + ' in ' + count(g.columns.length, 'column')];
const bandHead = (b) => [chip(TONE[b.band], BANDS[b.band], ' ', h('b', String(b.n)))];
const rowHead = (f, row, on) => {
  const x = f.diff && itemChange.get(row.it.key);
  return [cut(row.it.n, innerWidth < 820 ? (row.items.length > 1 ? 11 : 14) : many ? 22 : 26), many && innerWidth >= 820 && h('span.dim.small', ' ', cut(row.it.server, 10)), x ? chip('d', {added: 'new', hints: 'hint changed', schema: 'schema changed'}[x.change] || x.change + ' changed') : null,
    row.items.length > 1 ? h('button.link', {type: 'button', tabindex: '-1', 'aria-label': 'and ' + (row.items.length - 1) + ' more that are equal: unfold', onclick: () => on.unfold(row)},
      h('span.wide', 'and ' + (row.items.length - 1) + ' more'), h('span.short', '+' + (row.items.length - 1))) : null];
};
const columnTitle = (col) => {
  const c = col.c, extra = col.n - 1;
  if (col.classes.length > 1 || !c.p.length) return [h('span', '\u00d7' + col.n + ' '), cut(c.roles.join(', ') || 'no role', 24)];
  return [cut(c.p[0], 14), extra > 0 ? ' +' + extra : ''];
};
const columnHead = (col, before, narrow) => {
  const c = col.c, first = !before || before.c.agent !== c.agent;
  return h('th' + (c.agent ? '.agent' : '') + (first ? '.first' : ''), {scope: 'col'}, first && h('span.kind', c.agent ? 'Agents' : 'People'),
    h('span.who', columnTitle(col)), !narrow && (c.roles.length ? c.roles : ['no role']).slice(0, 3).map((r) => h('span.roles', cut(r, 22))), c.agent && h('span.sr', ' ' + c.k));
};

// gridKeys moves the focus by keys, as the ARIA practices have it for grids.
const gridKeys = (box, g, where, focus, on, page) => box.addEventListener('keydown', (e) => {
  const at = where();
  if (!at || e.target.closest('button')) return;
  const rows = g.rows.length - 1, cols = g.columns.length - 1, far = e.ctrlKey || e.metaKey;
  let [r, c] = at;
  switch (e.key) {
    case 'ArrowUp': r--; break;
    case 'ArrowDown': r++; break;
    case 'ArrowLeft': c--; break;
    case 'ArrowRight': c++; break;
    case 'Home': c = 0; if (far) r = 0; break;
    case 'End': c = cols; if (far) r = rows; break;
    case 'PageUp': r -= page(); break;
    case 'PageDown': r += page(); break;
    case 'Enter': case ' ': e.preventDefault(); return on.choose(r, c, true);
    case 'n': case 'N': {
      if (far || e.altKey) return;
      const to = on.next(r, c, e.key === 'n' ? 1 : -1);
      if (!to) return;
      [r, c] = to;
      break;
    }
    default: return;
  }
  e.preventDefault();
  focus(Math.min(Math.max(r, 0), rows), Math.min(Math.max(c, 0), cols));
});
