// Tests: what failed is open, what passed is folded; then proofs.
const caseBox = (c) => h('li.row', h('div', severity('error', c.errored ? 'no answer' : 'failed'), ' ', prose(c.sentence), ' ', place(c.at)), h('ul.why', (c.lines || []).map((l) => h('li', l.at && [place(l.at), ' '], prose(l.text)))));

const testsView = () => {
  const failed = failedTests(), passed = D.tests.filter((t) => !t.failed);
  const n = (k) => D.tests.reduce((s, t) => s + (t[k] || 0), 0), bad = failed.reduce((s, t) => s + t.failed.length, 0);
  const row = (t) => h('li.row', t.passed ? severity('good', count(t.passed, 'case') + ' passed') : severity('off', 'nothing to look at yet'), ' ', prose(t.name), ' ', place(t.at), t.skipped && t.passed ? h('span.dim', ', ' + t.skipped + ' skipped') : null);
  return view('.findings', 'Tests', h('header.with', h('h1', D.tests.length ? count(bad, 'failed case') + ', ' + n('passed').toLocaleString('en') + ' passed' + (n('skipped') ? ', ' + n('skipped') + ' skipped' : '') : RUN.tested ? 'No suites' : 'Suites were not run')),
    h('div.columns', h('div.stack',
      failed.map((t) => h('section.card', h('header', h('h2', prose(t.name)), h('span.dim', prose(t.suite))), h('ul.plainlist', t.failed.map(caseBox)), t.passed ? h('p.row.dim', count(t.passed, 'case') + ' passed') : null)),
      [...groupBy(passed, (t) => t.suite)].map(([suite, of]) => h('details.card.fold', {open: !failed.length || null}, h('summary', h('h2', prose(suite)), h('span.dim', ' ' + count(of.length, 'test') + ' passed')), h('ul.plainlist', of.map(row))))),
    h('div.stack', proofs(false), restsOn())));
};
