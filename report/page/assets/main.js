// Which view, by the hash, and the bar above it.
function title(view) { return view + ' \u00b7 ' + plain(RUN.title || 'mcpolicy') + ' \u00b7 mcpolicy'; }
let current = '';
function setHash(hash, push) {
  if (hash === location.hash) return;
  current = hash;
  history[push ? 'pushState' : 'replaceState'](null, '', hash);
}

const tabs = () => {
  const errors = openCauses().filter((c) => c.severity === 'error').length, bad = failedTests().reduce((n, t) => n + t.failed.length, 0);
  const all = [['#/', 'Overview'], D.items.length && ['#/matrix', 'Matrix']];
  if (RUN.linted || D.causes.length) all.push(['#/findings', 'Findings', errors || openCauses().length, errors > 0, errors ? 'errors' : 'causes']);
  if (DIFF) all.push(['#/changes', 'Changes', changeGroups().length + DIFF.roles.length, false, 'changes']);
  if (RUN.tested) all.push(['#/tests', 'Tests', bad || null, bad > 0, 'failed']);
  if (D.coverage) {
    const missed = D.coverage.counts.filter((c) => c.missed).length;
    all.push(['#/coverage', 'Coverage', missed || null, missed > 0, 'below the threshold']);
  }
  return all.filter(Boolean);
};

const top = h('header.top', h('a.skip', {href: '#main', onclick: (e) => { e.preventDefault(); document.getElementById('main').focus(); }}, 'Skip to the content'),
  h('a.brand', {href: '#/'}, 'mcpolicy'), h('span.about', nm(RUN.title || ''), RUN.revision && [' ', h('span.dim', pieces(RUN.revision), RUN.base && [' against ', pieces(RUN.base)])]),
  h('nav', {'aria-label': 'Views'}, tabs().map(([href, name, n, bad, what]) => h('a.tab', {href}, name, n !== undefined && n !== null ? h('span.badge' + (bad ? '.bad' : ''), String(n), h('span.sr', ' ' + what)) : null))));

const route = () => {
  const hash = location.hash.replace(/^#\/?/, ''), [path, query] = hash.split(/\?(.*)/s);
  const parts = path.split('/').map((p) => { try { return decodeURIComponent(p); } catch { return p; } });
  const q = new URLSearchParams(query || '');
  switch (parts[0]) {
    case 'reach': return parts[1] === 'role' && parts.length > 2 ? rolePage(parts[2]) : reachPage(parts[1] || '');
    case 'who': return whoPage(parts[1] || '', parts[2] || '', parts[3] || '');
    case 'matrix': if (D.items.length) return matrixView(q, parts[1] === 'diff'); break;
    case 'findings': return findingsView(parts[1] || '');
    case 'changes': if (DIFF) return changesView(); break;
    case 'tests': return testsView();
    case 'coverage': if (D.coverage) return coverageView(); break;
  }
  return overview();
};

const show = (moved) => {
  current = location.hash;
  const main = route();
  document.querySelector('main')?.remove();
  top.after(main);
  document.body.classList.toggle('fills', main.classList.contains('matrix'));
  const here = '#/' + (location.hash.match(/^#\/(matrix|findings|changes|tests|coverage)/) || ['', ''])[1];
  for (const t of top.querySelectorAll('.tab')) {
    if (t.getAttribute('href') === here && !/^#\/(reach|who)/.test(location.hash)) t.setAttribute('aria-current', 'page');
    else t.removeAttribute('aria-current');
  }
  if (moved && !/findings\/./.test(location.hash)) {
    scrollTo(0, 0);
    main.focus({preventScroll: true});
  }
};
addEventListener('hashchange', () => { if (location.hash !== current) show(true); });
addEventListener('popstate', () => { if (location.hash !== current) show(true); });
matchMedia('(max-width: 820px)').addEventListener('change', () => show(false));
addEventListener('keydown', (e) => {
  if ((e.ctrlKey || e.metaKey) && !e.altKey && e.key.toLowerCase() === 'k') {
    e.preventDefault();
    if (!document.getElementById('q-reach')) { location.hash = '#/'; show(false); }
    document.getElementById('q-reach')?.focus();
  }
});
document.body.prepend(top);
show(false);
