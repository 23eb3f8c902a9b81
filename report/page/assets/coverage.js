// What the suites cover, and the tests that would cover the rest.
const COVERED = {rule: 'Rules', outcome: 'Outcomes of conditions', mcdc: 'Parts of conditions (MC/DC)', 'derived-role': 'Derived roles', cell: 'Sides of cells'};

const coverageTable = () => h('table.reach', h('thead', h('tr', ['What', 'Covered'].map((t) => h('th', {scope: 'col'}, t)))),
  h('tbody', D.coverage.counts.map((c) => {
    const full = h('span.solid.r');
    full.style.width = (c.of ? 100 * c.covered / c.of : 0) + '%';
    return h('tr', h('th', {scope: 'row'}, COVERED[c.kind]), h('td', {'data-head': 'Covered'}, h('div', c.percent ? h('div.bar', h('span.track', {'aria-hidden': 'true'}, full), h('b', c.percent + '%'), c.covered.toLocaleString('en') + ' of ' + c.of.toLocaleString('en')) : h('span.dim', 'nothing to cover'),
      c.note && h('div.dim.small', c.note), c.missed && h('div.small', severity('error', 'below the threshold'), ' ', prose(c.missed)))));
  })));
const coverageCard = () => D.coverage && card('Covered by tests', D.coverage.about, a('#/coverage', 'What is not'), coverageTable());

const uncovered = (p) => lazily(h('details.causerow', h('summary', severity('warning', 'uncovered'), h('span.t', prose(p.title), ' ', place(p.at)))), () => h('div.body',
  (p.words || []).map((w) => h('p', prose(w))), p.tests ? [h('p', 'To paste below ', h('b', 'tests:'), ' of a suite'),
    p.tests.map((t, i) => h('pre.src', {tabindex: '0', role: 'region', 'aria-label': 'test ' + (i + 1) + ' for ' + plain(p.title)}, pieces(t)))] : !p.words && h('p.dim', 'No test is known that would cover it.')));

const coverageView = () => {
  const C = D.coverage, left = C.counts.filter((c) => c.listed), holder = h('div');
  const draw = (only) => {
    clear(holder);
    for (const c of left) {
      if (only && only !== c.kind) continue;
      holder.append(h('section', h('h2', COVERED[c.kind], h('span.dim', (c.listed + c.more).toLocaleString('en') + ' not covered')), C.points.filter((p) => p.kind === c.kind).map(uncovered),
        c.more ? h('p.dim', 'and ' + count(c.more, 'more', 'more') + ', which mcpolicy test --coverage --all lists') : ''));
    }
    if (!left.length) holder.append(h('p.row', C.counts.some((c) => c.of) ? [severity('good', 'Everything'), ' that can be covered is.'] : 'There is nothing to cover.'));
  };
  draw('');
  return view('.findings', 'Coverage', h('header.with', h('h1', 'Covered by tests', h('span.dim', ' ', prose(C.about))), left.length > 1 && choice('Kind', [['', 'All']].concat(left.map((c) => [c.kind, COVERED[c.kind]])), draw)),
    h('section.card', coverageTable(), h('p.row.dim', C.asserted)), holder);
};
