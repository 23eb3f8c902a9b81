// The answers: what somebody can reach, who can reach something.
const groupBy = (list, key) => {
  const groups = new Map();
  for (const x of list) {
    const k = key(x);
    if (!groups.has(k)) groups.set(k, []);
    groups.get(k).push(x);
  }
  return groups;
};
const page = (name, children) => view('.answer', name, children, questions());
const missing = (what) => page('Nothing', h('header', h('h1', what), h('p', 'It may have gone since this link was made. ', a('#/', 'Overview'))));

// The bands of items that somebody may use, by condition; what they may not, folded.
const bandsOf = (access, hidden) => RISKS.concat('other').map((band) => {
  const all = D.items.filter((it) => it.band === band);
  const may = all.filter((it) => access(it).a);
  if (!all.length || (!may.length && band !== 'destructive')) return null;
  const groups = groupBy(may, (it) => { const u = access(it); return (u.a === ALLOWED ? '0' : u.a === UNGUARDED ? '1' : '2') + (u.text || ''); });
  return h('section.card', h('header', h('h2', chip(TONE[band], BANDS[band])), h('span.big', may.length + ' of ' + all.length)),
    [...groups.entries()].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, items]) => {
      const u = access(items[0]);
      return h('div.group', h('h3.' + TONE[band], mark(u.a), ' ', u.a === ALLOWED ? 'with any arguments' : u.a === UNGUARDED ? 'unguarded: no policy is asked' : u.text.startsWith('unless ') ? 'always, ' : 'only when'),
        u.a === CONDITIONAL && conditionBox(u.text),
        h('ul.names', items.map((it) => h('li', itemLink(it), hidden && hidden(it) && h('span.hidden', ' hidden')))));
    }), may.length ? null : h('p.row.dim', 'Nothing.'));
});

const reachPage = (name) => {
  const c = byName.get(name);
  if (!c) return missing(h('span', 'Nobody is called ', nm(name)));
  const uses = D.items.map((it) => [it, used(c, it)]);
  const may = uses.filter(([it, u]) => it.tool && u.a);
  const open = may.filter(([, u]) => u.a !== CONDITIONAL);
  const bad = may.filter(([it]) => it.band === 'destructive'), badOpen = bad.filter(([, u]) => u.a !== CONDITIONAL);
  const others = uses.filter(([it, u]) => !it.tool && u.a).length;
  const access = (it) => { const u = used(c, it); return {a: u.a, text: condition(u)}; };
  const byRule = groupBy(uses.filter(([, u]) => u.a).flatMap(([it, u]) => (u.r || []).map((r) => [r, it])), ([r]) => r);
  const no = D.items.filter((it) => !used(c, it).a);
  return page('What can ' + plain(name) + ' reach?', [h('header', h('h1', 'What can ', nm(c.p.length ? name : c.name), ' reach?'),
    h('p.lead', h('b', may.length + ' of ' + count(tools.length, 'tool')),
      may.length ? (open.length && open.length < may.length ? ', ' + open.length + ' always and ' + (may.length - open.length) + ' on a condition. ' : open.length ? ', always. ' : ', each on a condition. ') : '. ',
      bad.length ? h('b.destr', (bad.length === may.length ? 'All ' : '') + bad.length + (bad.length === 1 ? ' is' : ' are') + ' destructive' + (badOpen.length ? ', ' + (badOpen.length === bad.length ? '' : badOpen.length + ' of them ') + 'with any arguments.' : ', on a condition.'))
        : may.length ? 'None is destructive. ' : '', others ? ' And ' + count(others, 'prompt or resource', 'prompts and resources') + '.' : ''),
    h('p', kindChip(c), c.agent ? null : chip('', c.k), chip('', 'roles: ', c.roles.length ? list2(c.roles) : 'none'), (c.attr || []).map(([k, v]) => chip('', nm(k), ' = ', nm(v))),
      c.n > 1 && chip('', 'the same as ', c.p.length ? more(c.p.filter((p) => p !== name).map((p) => whoLink(p)), 5) : count(c.n - 1, 'other'))),
    h('p', a('#/matrix?who=' + enc(c.p.length ? c.p[0] : c.name), 'In the matrix'))),
  h('div.columns', h('div.stack', bandsOf(access, (it) => !listed(c, it).a && it.tool),
    no.length ? h('details.card.fold', h('summary', count(no.length, 'item') + ' out of reach'), h('ul.names', no.map((it) => h('li', itemLink(it))))) : null),
  h('div.stack', delegate(c), h('section.card', h('header', h('h2', 'Because of')),
    byRule.size ? [...byRule.entries()].sort((x, y) => y[1].length - x[1].length).map(([r, pairs]) => h('div.row',
      h('div.dim.small', count(pairs.length, 'item') + ': ', more(pairs.map(([, it]) => nm(it.n)), 3)), ruleLine(D.rules[r]))) : h('p.row.dim', 'No rule.'))))]);
};

// delegate compares an agent with those that it acts for. Two conditions that read
// differently may still mean the same: that is not known here, and said so.
const delegate = (c) => (c.for || []).map((key) => {
  const of = byName.get(key);
  if (!of) return null;
  const both = (it) => used(c, it).a === CONDITIONAL && used(of, it).a === CONDITIONAL && condition(used(c, it)) !== condition(used(of, it));
  const over = D.items.filter((it) => used(c, it).a && (!used(of, it).a || used(of, it).a === CONDITIONAL && used(c, it).a !== CONDITIONAL));
  const other = D.items.filter(both), who = a('#/reach/' + enc(key), nm(key));
  return h('section.card', h('header', over.length ? icon('error', 18) : icon(other.length ? 'info' : 'good', 18), h('h2', over.length ? 'More than ' : other.length ? 'Not the same as ' : 'No more than ', nm(key), ' may')),
    over.length ? h('p.row', nm(c.name), ' acts for ', who, ', who may not, or not with all arguments, use ', more(over.map(itemLink), 8), '.') : null,
    other.length ? h('p.row', nm(c.name), ' acts for ', who.cloneNode(true), '. On other conditions it may use ', more(other.map(itemLink), 8), '.') : null,
    over.length || other.length ? null : h('p.row', nm(c.name), ' acts for ', who, ', who may use all that it may, on the same conditions.'));
});

const rolePage = (role) => {
  const held = D.classes.filter((c) => c.roles.includes(role));
  if (!held.length && !D.byRole.some((b) => b.roles.some((r) => r.role === role))) return missing(h('span', 'No role is called ', nm(role)));
  const access = (it) => {
    // Every role that is known was asked about: one that is not listed may not.
    const r = it.roles >= 0 && D.byRole[it.roles].roles.find((r) => r.role === role);
    return r ? {a: r.a, text: r.c >= 0 ? D.conditions[r.c] : ''} : {a: DENIED};
  };
  const may = tools.filter((it) => access(it).a);
  return page('What can the role ' + plain(role) + ' reach?', [h('header', h('h1', 'What can the role ', nm(role), ' reach?'),
    D.byRole.length ? h('p.lead', h('b', may.length + ' of ' + count(tools.length, 'tool')), ', for anyone who has the role and no other.') : h('p.lead', 'By role nothing was asked: see who has it.')),
  h('div.columns', h('div.stack', D.byRole.length ? bandsOf(access) : null), h('div.stack',
    card('Who has it', '', null, held.length ? h('ul.plainlist', held.map((c) => h('li.row', classLink(c), ' ', kindChip(c), h('span.dim', ' ', list2(c.roles))))) : h('p.row.dim', 'Nobody declared has it.'))))]);
};

const whoPage = (server, type, name) => {
  const it = itemOf(server, type, name);
  if (!it) return missing(h('span', 'Nothing is called ', nm(name)));
  const may = classes.filter((c) => used(c, it).a).sort((x, y) => used(x, it).a - used(y, it).a);
  const not = classes.filter((c) => !used(c, it).a);
  const n = may.reduce((k, c) => k + c.n, 0), few = may.length && may.length < 4;
  const setOf = (c) => (may.length > 12 ? c.k + c.roles.join('\n') + lookAt(c, it) : c.i), sets = groupBy(may, setOf), rows = [...sets.values()].map((of) => of[0]);
  const byRole = it.roles >= 0 ? D.byRole[it.roles] : null;
  const rules = [...new Set(may.flatMap((c) => used(c, it).r || []))];
  const findings = openCauses().filter((c) => c.findings.some((f) => (f.items || []).includes(it.i)));
  return page('Who can ' + it.u + ' ' + plain(it.n) + '?', [h('header', h('h1', 'Who can ' + it.u + ' ', nm(it.n), '?'),
    h('p.lead', h('b', n === people && n > 1 ? 'Everybody' : n ? n + ' of ' + count(people, 'principal') : 'Nobody'), !few && may.length && (may.every((c) => used(c, it).a !== CONDITIONAL) ? ', ' + ACCESS[used(may[0], it).a] : may.every((c) => used(c, it).a === CONDITIONAL) ? ', on a condition' : ', some on a condition'), few ? [': ', list(may.map((c) => {
      const u = used(c, it);
      return [nm(c.name), c.n > 1 && ' (' + c.n + ')', ' ', u.a === CONDITIONAL ? spoken(condition(u)) : ACCESS[u.a]];
    }))] : null, '.'),
    h('p', riskChip(it), chip('', nm(it.server)), it.at && chip('', place(it.at)), (it.tags || []).map((t) => chip('', 'tag ', nm(t)))),
    it.d && h('p.quote', prose(it.d)), h('p', a('#/matrix?item=' + enc(it.n), 'In the matrix'))),
  h('div.columns', h('div.stack',
    card('Declared principals', '', null, may.length ? h('table.who', h('thead', h('tr', ['Who', 'Sees it', 'May ' + it.u + ' it', 'Because of'].map((t) => h('th', {scope: 'col'}, t)))),
      h('tbody', rows.map((c) => h('tr', h('th', {scope: 'row'}, may.length > 12 ? holders(sets.get(setOf(c)), 0) : classLink(c), ' ', kindChip(c), may.length > 12 ? null : h('div.dim.small', list2(c.roles))),
        h('td', {'data-head': 'Sees it'}, sees(listed(c, it))), h('td.' + TONE[it.band], {'data-head': 'May ' + it.u + ' it'}, inWords(used(c, it))),
        h('td', {'data-head': 'Because of'}, (used(c, it).r || []).map((r) => h('div.small', place(D.rules[r].file + ':' + D.rules[r].line), ' ', prose(D.rules[r].name)))))))) : h('p.row.dim', 'Nobody.'),
    not.length ? h('details.fold', h('summary', count(not.reduce((k, c) => k + c.n, 0), 'principal') + ' may not'), h('p.row', more(not.flatMap((c) => (c.p.length ? c.p.map((p) => whoLink(p)) : [classLink(c)])), 60))) : null),
    findings.length ? card('Findings', '', null, h('ul.plainlist', findings.map((c) => h('li.row', severity(c.severity), ' ', a('#/findings/' + c.id, prose(c.title)))))) : null),
  h('div.stack', byRole ? card('By role, for anyone who has it', 'declared or not', null,
    byRole.roles.map((r) => h('div.row.' + TONE[it.band], mark(r.a), ' ', r.role === '*' ? h('b', byRole.roles.length > 1 ? 'any other role' : 'any role') : a('#/reach/role/' + enc(r.role), nm(r.role)), ' ',
      r.a === CONDITIONAL ? ['only when', conditionBox(D.conditions[r.c])] : ACCESS[r.a], r.role !== '*' && !r.held && h('span.dim', ' (nobody declared has it)'))),
    (byRole.notes || []).map((t) => h('p.row.dim', prose(t))), byRole.roles.some((r) => r.role === '*') ? null : h('p.row.dim', byRole.notes ? 'No other role that was asked about.' : byRole.roles.length ? 'No other role does.' : 'No role does.')) : null,
  rules.length ? card('The rules', '', null, rules.map((r, i) => h('div.row', ruleLine(D.rules[r], i === 0)))) : null))]);
};
const sees = (l) => [mark(l.a), ' ', l.a === CONDITIONAL ? ['when', conditionBox(condition(l))] : l.a ? 'yes' : h('span.hidden', 'no')];
