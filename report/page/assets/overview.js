// The overview: the verdict, the questions, and what matters in this state.
const ICON_OF = {bad: 'error', warn: 'warning', good: 'good', info: 'info'};

const verdictBox = () => h('section.verdict.' + D.verdict.level, {'aria-label': 'Verdict'}, icon(ICON_OF[D.verdict.level], 28),
  h('div', h('h1', prose(D.verdict.text)), h('p', prose((RUN.facts || []).slice(0, 1).concat((RUN.facts || []).slice(1)).join('; ')))));

const card = (title, about, link, ...children) => h('section.card',
  h('header', h('h2', title), about && h('span.dim', about), link && h('span.end', link)), children);

const failedTests = () => D.tests.filter((t) => t.failed);
const openCauses = () => D.causes.filter((c) => !c.waived && !c.known);

const fixFirst = () => {
  const causes = openCauses(), failed = failedTests();
  if (!RUN.linted && !RUN.tested && !causes.length) return null;
  const n = (s) => causes.filter((c) => c.severity === s).length;
  const parts = ['error', 'warning', 'note'].filter(n).map((s) => count(n(s), s));
  return card('Fix first', causes.length ? count(causes.length, 'cause') + ': ' + parts.join(', ') : '', causes.length ? a('#/findings', 'All findings') : null,
    causes.length ? h('ol.plainlist', causes.slice(0, 6).map((c) => h('li.cause', icon(c.severity),
      h('div', h('a.t', {href: '#/findings/' + c.id}, h('span.sr', c.severity + ': '), prose(c.title)),
        h('div', place(at(c)), c.findings.length > 1 && h('span.dim', ' ', count(c.findings.length, 'finding') + ' here')),
        c.findings[0].fix && h('div.fix', h('b', 'Fix'), ' ', prose(c.findings[0].fix))))))
      : h('p.row', severity('good', 'Nothing'), ': no finding is open.'),
    failed.length ? h('p.row', severity('error', count(failed.reduce((k, t) => k + t.failed.length, 0), 'failed case')), ' ',
      list(failed.slice(0, 3).map((t) => a('#/tests', prose(t.name)))), failed.length > 3 && ' and ' + count(failed.length - 3, 'more', 'more')) : null);
};
const at = (c) => (c.file ? c.file + (c.line ? ':' + c.line : '') : '');

const bar = (s, tone, word) => {
  const may = s.always + s.when;
  const track = h('span.track', {'aria-hidden': 'true'}, h('span.solid.' + tone), h('span.hatch.' + tone));
  track.children[0].style.width = (s.of ? 100 * s.always / s.of : 0) + '%';
  track.children[1].style.width = (s.of ? 100 * s.when / s.of : 0) + '%';
  return h('div.bar', track, may ? h('span', h('b', String(may)), h('span.sr', ' ' + word),
    s.always && s.when ? h('span.dim', ' (' + s.always + ' always)') : h('span.sr', s.when ? ' on a condition' : ' always')) : h('span.dim', 'none'));
};

const opened = (c, band) => {
  let n = 0;
  if (DIFF) for (const it of D.items) if (it.band === band && changeOf(c, it)?.use?.change === 'widened') n++;
  return n;
};

const howMuch = () => {
  if (!D.classes.length || !D.items.length) return null;
  const bands = RISKS.filter((r) => D.items.some((it) => it.band === r));
  if (!bands.length) bands.push('other');
  const heads = {destructive: 'Destructive', changes: 'Changes', reads: 'Reads', unknown: 'Not known', other: 'Prompts, resources'};
  let rows = classes.map((c) => ({c, who: [classLink(c), ' ', kindChip(c), h('div.dim.small', c.roles.length ? list2(c.roles) : 'no role')]}));
  if (rows.length > 24) { // one for each set of roles
    const sets = new Map();
    for (const c of classes) {
      const key = c.agent + c.roles.join('\n');
      if (!sets.has(key)) sets.set(key, {c, n: 0, classes: 0});
      const s = sets.get(key);
      s.n += c.n;
      s.classes++;
      if (weight(c) > weight(s.c)) s.c = c;
    }
    rows = [...sets.values()].map((s) => ({c: s.c, who: [a(s.c.href, s.c.roles.length ? list2(s.c.roles) : 'no role'), h('span.dim', ' \u00d7' + s.n), ' ', s.c.agent && chip('actor', s.c.k),
      s.classes > 1 && h('div.dim.small', 'the most of ' + count(s.classes, 'class', 'classes'))]}));
  }
  const table = h('table.reach',
    h('thead', h('tr', h('th', {scope: 'col'}, 'Who'), bands.map((r) => h('th', {scope: 'col'}, heads[r] + ', of ' + reach(classes[0])[r].of)))));
  const body = h('tbody');
  const put = (row) => body.append(h('tr', h('th', {scope: 'row'}, row.who), bands.map((r) => h('td', {'data-head': heads[r]},
    bar(reach(row.c)[r], TONE[r], heads[r].toLowerCase()), opened(row.c, r) ? h('span.plus', '+' + opened(row.c, r), h('span.sr', ' opened by the change')) : null))));
  rows.slice(0, 40).forEach(put);
  table.append(body);
  const rest = rows.length > 40 && h('p.row', h('button.link', {type: 'button', onclick: (e) => { rows.slice(40).forEach(put); e.target.parentNode.remove(); }}, 'and ' + count(rows.length - 40, 'more', 'more')));
  return card('Who reaches how much', (bands[0] === 'other' ? 'prompts and resources' : 'calls') + ', agents first',
    h('span.key', h('span.track', {'aria-hidden': 'true'}, h('span.solid.r.full')), ' always ', h('span.track', {'aria-hidden': 'true'}, h('span.hatch.r.full')), ' on a condition'), table, rest);
};

const OUTCOMES = {proved: 'good', refuted: 'error', unknown: 'warning'};
const proofs = (link) => {
  if (!D.proofs.length) return null;
  const order = ['refuted', 'unknown', 'proved'];
  const sorted = D.proofs.slice().sort((x, y) => order.indexOf(x.outcome) - order.indexOf(y.outcome));
  const most = link ? 8 : sorted.length;
  const all = h('ul.plainlist', sorted.slice(0, most).map((p) => h('li.proof', severity(OUTCOMES[p.outcome] || 'warning', p.outcome), h('div', prose(p.test),
    h('div.dim.small', p.open && p.open.length ? prose(p.open[0].lines.length ? p.open[0].lines[0].text : p.open[0].sentence) : [prose(p.sentence), p.proved > 1 && ', and ' + count(p.proved - 1, 'sentence') + ' like it']),
    h('div.dim.small', p.open && p.open.length ? place(p.at) : prose('over ' + p.over))))));
  return card('Proved for everybody who could exist', link ? '' : count(D.proofs.length, 'test'), link && a('#/tests', 'All tests'), all);
};

const restsOn = () => card('What this rests on', '', null, h('ul.plainlist',
  (RUN.facts || []).map((f) => h('li.row', prose(f))),
  D.notes.map((n) => h('li.row', icon('warning'), ' ', prose(n.text), ' ', place(n.at)))));

const overview = () => {
  const changes = DIFF && DIFF.cells.length + DIFF.roles.length ? changesCard(5) : null;
  const first = fixFirst(), much = howMuch(), proved = proofs(true), rest = [coverageCard(), restsOn()];
  const failing = D.verdict.level === 'bad' && !changes;
  const columns = failing ? [[first, proved], [much, rest]] : [[changes, much], [first, proved, rest]];
  return view('', 'Overview', verdictBox(), questions(),
    h('div.columns' + (failing ? '.even' : ''), columns.map((c) => h('div.stack', c))));
};
