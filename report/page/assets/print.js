// What is printed: everything, in an order of its own, nothing folded.
const BLOCK = 11;

const printMatrix = () => {
  if (!D.items.length || !D.classes.length) return null;
  const g = buildGrid({...readFilters(new URLSearchParams(), false), fold: true});
  const notes = [], note = (c) => { const t = condition(c); let i = notes.indexOf(t); if (i < 0) i = notes.push(t) - 1; return i + 1; };
  const out = [];
  for (let from = 0; from < g.columns.length; from += BLOCK) {
    const cols = g.columns.slice(from, from + BLOCK);
    out.push(h('table.pgrid', h('thead', h('tr', h('td'), cols.map((col) => h('th', {scope: 'col'}, columnTitle(col), h('div.dim', col.c.agent && col.c.k + ' ', list2(col.c.roles)))))),
      g.bands.map((b) => h('tbody', h('tr', h('th', {colspan: cols.length + 1, scope: 'rowgroup'}, BANDS[b.band] + ' (' + b.n + ')')),
        b.rows.map((row) => h('tr', h('th', {scope: 'row'}, list(row.items.map((it) => nm(it.n)))), cols.map((col) => { const s = spot({}, row, col); return h('td' + cellClass(s, false), mark(s.u.a), s.u.a === CONDITIONAL && h('sup', String(note(s.u))), s.bar && h('span.listed')); })))))));
  }
  return h('section', h('h2', 'Matrix'), keyOf(), out, notes.length ? h('ol.notes', notes.map((t) => h('li', h('code', pieces(t, true))))) : null);
};

const printed = () => h('div', {id: 'print'}, h('h1', 'mcpolicy: access of ', nm(RUN.title || '')), verdictBox(),
  DIFF && h('section', h('h2', 'Changes'), h('ul.plainlist', changeGroups().map(changeRow), DIFF.roles.map(roleRow))),
  openCauses().length ? h('section', h('h2', 'Findings by cause'), openCauses().map((c) => h('div.causerow', h('p', severity(c.severity), ' ', h('b', prose(c.title)), ' ', place(at(c))), causeBody(c)))) : null,
  failedTests().length ? h('section', h('h2', 'Failed cases'), h('ul.plainlist', failedTests().flatMap((t) => t.failed).map(caseBox))) : null,
  D.coverage && h('section', h('h2', 'Covered by tests'), coverageTable(), h('ul.plainlist', D.coverage.points.map((p) => h('li.row', 'not covered: ', prose(p.title), ' ', place(p.at))))),
  howMuch(), proofs(false), printMatrix(), restsOn());

addEventListener('beforeprint', () => {
  document.getElementById('print')?.remove();
  const el = printed();
  el.querySelectorAll('.more button, button.link').forEach((b) => b.click());
  document.body.append(el);
});
addEventListener('afterprint', () => document.getElementById('print')?.remove());
