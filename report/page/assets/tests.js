// Tests: what failed is open, what passed is folded; then proofs.
const caseBox = (c) => h('li.row', null, h('div', null, severity('error', c.errored ? 'no answer' : 'failed'), ' ', prose(c.sentence), ' ', place(c.at)), h('ul.why', null, (c.lines || []).map((l) => h('li', null, l.at && [place(l.at), ' '], prose(l.text)))));

const testsView = () => {
  document.title = title('Tests');
  const failed = failedTests(), passed = D.tests.filter((t) => !t.failed);
  const n = (k) => D.tests.reduce((s, t) => s + (t[k] || 0), 0), bad = failed.reduce((s, t) => s + t.failed.length, 0);
  const row = (t) => h('li.row', null, t.passed ? severity('good', count(t.passed, 'case') + ' passed') : severity('off', 'nothing to look at yet'), ' ', prose(t.name), ' ', place(t.at), t.skipped && t.passed ? h('span.dim', null, ', ' + t.skipped + ' skipped') : null);
  return h('main.findings', {id: 'main', tabindex: '-1'}, h('header.with', null, h('h1', null, D.tests.length ? count(bad, 'failed case') + ', ' + n('passed').toLocaleString('en') + ' passed' + (n('skipped') ? ', ' + n('skipped') + ' skipped' : '') : RUN.tested ? 'No suites' : 'Suites were not run')),
    h('div.columns', null, h('div.stack', null,
      failed.map((t) => h('section.card', null, h('header', null, h('h2', null, prose(t.name)), h('span.dim', null, prose(t.suite))), h('ul.plainlist', null, t.failed.map(caseBox)), t.passed ? h('p.row.dim', null, count(t.passed, 'case') + ' passed') : null)),
      [...groupBy(passed, (t) => t.suite)].map(([suite, of]) => h('details.card.fold', {open: !failed.length || null}, h('summary', null, h('h2', null, prose(suite)), h('span.dim', null, ' ' + count(of.length, 'test') + ' passed')), h('ul.plainlist', null, of.map(row))))),
    h('div.stack', null, proofs(false), restsOn())));
};
