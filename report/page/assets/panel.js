// The panel beside the matrix: how to read it, where to look, or why a cell is what it is.
const keyOf = () => h('section', h('h2', 'How to read it'), h('ul.legend',
  [[mark(ALLOWED), 'always'], [mark(CONDITIONAL), 'on a condition'], [mark(UNGUARDED), 'unguarded'], [mark(DENIED), 'no'], [h('span.listed.still'), 'bar below: shown in lists'],
    [h('span.swatch.d'), 'destructive'], [h('span.swatch.w'), 'changes something'], [h('span.swatch.r'), 'reads'], [h('span.swatch.alarm'), 'callable, but hidden']].map(([m, t]) => h('li', m, ' ', t))));

// lookFirst says what destructive tools are open, equal sets of people on one line.
const lookFirst = (f) => {
  const opens = new Map();
  for (const it of D.items) {
    if (it.band !== 'destructive' && !f.diff) continue;
    const of = classes.filter((c) => (f.diff ? changeOf(c, it)?.use?.change === 'widened' : used(c, it).a === ALLOWED || used(c, it).a === UNGUARDED));
    if (!of.length) continue;
    const key = of.map((c) => c.i).join() + (f.diff ? '' : used(of[0], it).a);
    if (!opens.has(key)) opens.set(key, {of, items: []});
    opens.get(key).items.push(it);
  }
  const list1 = [...opens.values()].sort((x, y) => y.of.some((c) => c.agent) - x.of.some((c) => c.agent) || (y.items[0].band === 'destructive') - (x.items[0].band === 'destructive') || y.of.reduce((n, c) => n + c.n, 0) - x.of.reduce((n, c) => n + c.n, 0));
  return h('section', h('h2', f.diff ? 'What is open after it' : 'Look here first'), list1.length ? list1.slice(0, 8).map(({of, items}) => h('p.' + TONE[items[0].band], mark(used(of[0], items[0]).a), ' ',
    more(items.map(itemLink), 3), f.diff ? ': ' : used(of[0], items[0]).a === UNGUARDED ? ' unguarded: ' : ' with any arguments: ', holders(of, 4)))
    : h('p.dim', f.diff ? 'Nothing that is shown opens.' : 'Nobody may call a destructive tool with any arguments.'));
};

const mapBox = (f, g, grid) => {
  if (g.columns.length <= WIDE) return null;
  const w = g.columns.length, ht = g.rows.length, canvas = h('canvas.map', {width: w, height: ht, role: 'img', 'aria-label': 'All of the matrix in small'});
  const p = palette(), ctx = canvas.getContext('2d');
  g.rows.forEach((row, y) => g.columns.forEach((col, x) => {
    const s = spot(f, row, col);
    if (!s.u.a) return;
    ctx.fillStyle = s.u.a === ALLOWED ? p[s.tone] : p[s.tone + '1'];
    ctx.fillRect(x, y, 1, 1);
  }));
  const frame = h('span.view', {'aria-hidden': 'true'}), box = h('div.mapbox', canvas, frame);
  canvas.addEventListener('click', (e) => {
    const r = canvas.getBoundingClientRect();
    grid.to && grid.to((e.clientX - r.left) / r.width, (e.clientY - r.top) / r.height);
  });
  return {el: h('section', h('h2', 'All of it'), h('p.dim.small', ht + ' rows by ' + w + ' columns. ' + (grid.to ? 'Click to go there.' : '')), box), view: (v) => {
    frame.style.left = 100 * v.x / v.width + '%';
    frame.style.top = 100 * v.y / v.height + '%';
    frame.style.width = Math.min(100, 100 * v.w / v.width) + '%';
    frame.style.height = Math.min(100, 100 * v.ht / v.height) + '%';
  }};
};

const commandOf = (c, it) => {
  const who = c.p.length ? shell(c.p[0]) : '--role ' + shell(c.roles.join(','));
  return 'mcpolicy explain ' + who + ' ' + shell(it.n) + ' ' + it.u + (many ? ' --server ' + shell(it.server) : '');
};

const explainCell = (f, row, col, close) => {
  const c = col.c, it = row.it, l = listed(c, it), u = used(c, it), w = witness(c, it), x = f.diff ? changeOf(c, it) : null;
  const heading = h('h2', {tabindex: '-1'}, nm(c.name), ' \u2192 ', nm(it.n));
  const rules = [...new Set([...(u.r || []), ...(l.r || [])])];
  const change = x && (x.use || x.list);
  return {heading, el: [h('section', h('div.top', heading, h('button.close', {type: 'button', onclick: close, 'aria-label': 'Close'}, '\u00d7')),
    h('p', kindChip(c), c.roles.map((r) => chip('', nm(r))), riskChip(it), col.n > 1 && chip('', col.classes.length > 1 || !c.p.length ? '\u00d7' + col.n + ' principals' : 'and ' + count(col.n - 1, 'other principal'))),
    row.items.length > 1 ? h('details.fold', h('summary', 'and ' + count(row.items.length - 1, 'item') + ' more'), h('p', list(row.items.slice(1).map(itemLink)))) : null),
  h('section', h('dl.' + TONE[it.band], h('dt', 'List'), h('dd', l.a === CONDITIONAL ? ['shown when', conditionBox(condition(l))] : l.a ? [mark(l.a), ' shown'] : [mark(l.a), u.a ? h('span.hidden', ' hidden') : ' not shown']),
    h('dt', it.u[0].toUpperCase() + it.u.slice(1)), h('dd', inWords(u)),
    change && [h('dt', 'Before'), h('dd', change.from === 'conditional' ? ['only when', conditionBox(change.was || '')] : change.from)])),
  change && (change.gained || change.lost || (change.rules || []).length) ? h('section', h('h3', 'What the change does here'),
    change.gained && h('p', h('b.sev.error', 'only now'), ' ', h('code', pieces(change.gained, true))),
    change.lost && h('p', h('b.sev.good', 'no longer'), ' ', h('code', pieces(change.lost, true))),
    (change.rules || []).map(placed)) : null,
  w && (w.y >= 0 || w.n >= 0) ? h('section', h('h3', 'Put to the engine'),
    h('table.put', h('tbody', w.y >= 0 && h('tr', h('th', {scope: 'row'}, severity('good', 'allows')), h('td', h('code', pieces(D.calls[w.y], true)))),
      w.n >= 0 && h('tr', h('th', {scope: 'row'}, severity('error', 'refuses')), h('td', h('code', pieces(D.calls[w.n], true))))))) : null,
  h('section', h('h3', 'Because of'), rules.length ? rules.map((r, i) => ruleLine(D.rules[r], i === 0)) : h('p.dim', u.a === UNGUARDED || u.x ? 'No policy is asked about it.' : 'No rule allows it.')),
  h('section', h('p.asks', a(c.href, 'What else can ', nm(c.name), ' reach?')), h('p.asks', a(it.href, 'Who else can reach ', nm(it.n), '?')),
    h('p.small.dim', 'Ask the tool:'), h('pre.src.cmd', {tabindex: '0', role: 'region', 'aria-label': 'command'}, pieces(commandOf(c, it)))),
  ]};
};
