// What changed: who gains what, then who loses, then the inventory.
const CHANGES = {widened: 0, unknown: 1, changed: 2, narrowed: 3};
const changeGroups = (() => {
  let groups = null;
  return () => groups ||= build();
  function build() {
    // Those with the same roles who gain the same in the same way are one line.
    const rolesOf = (p) => { const c = byName.get(p); return c && c.roles.length ? (c.agent ? '\u0000' : '') + c.roles.join('+') : '\u0001' + p; };
    const flat = [];
    for (const x of DIFF.cells) if (x.op !== 'list') for (const [key, who] of groupBy(x.who, rolesOf)) flat.push({x, key, who});
    const items = new Map();
    for (const {x, key, who} of flat) {
      const k = [key, x.change, x.from, x.to, x.was, x.now, (x.rules || []).map((r) => r.at).join(), who.join()].join('\n');
      if (!items.has(k)) items.set(k, {x, who, role: key, items: []});
      items.get(k).items.push(itemOf(x.server, x.type, x.name) || {n: x.name, server: x.server, band: 'other', href: '#/changes', u: x.op, gone: true});
    }
    const rank = (g) => CHANGES[g.x.change] * 8 + (g.items.some((it) => it.band === 'destructive') ? 0 : 4) + (g.who.some((p) => byName.get(p)?.agent) ? 0 : 2);
    return [...items.values()].sort((x, y) => rank(x) - rank(y) || y.items.length - x.items.length);
  }
})();

const conditionPair = (x) => (x.was || x.now) && h('div.pair', x.was && h('div', h('b', '\u2212 '), h('code', pieces(x.was, true))), x.now && h('div', h('b', '+ '), h('code', pieces(x.now, true))));
const thing = (x) => { const it = itemOf(x.server, x.type, x.name); return it ? itemLink(it) : nm(x.name); };
const VERBS = {widened: ' may now ', narrowed: ' may no longer ', changed: ' may in other cases ', unknown: ' may perhaps now '};
const changeRow = (g) => {
  const {x, who, items} = g, c = byName.get(who[0]), bad = items.filter((it) => it.band === 'destructive');
  const more1 = x.change === 'widened' && (x.from === 'conditional' || x.from === 'allowed') ? ' in more cases' : x.change === 'narrowed' && x.to !== 'denied' && x.to !== 'absent' ? ' in all cases it could' : '';
  const subject = c && c.roles.length ? list2(c.roles) : nm(who[0]);
  return h('li.change', icon(x.change === 'narrowed' ? 'closes' : 'opens', 20), h('div',
    h('div', h('b', subject), c && c.agent && [' ', kindChip(c)], VERBS[x.change], x.op, ' ', items.length > 1 ? [h('b' + (bad.length ? '.destr' : ''), count(items.length, bad.length === items.length ? 'destructive tool' : 'item')), ': ', more(items.map(itemLink), 4)] : [itemLink(items[0]), ' ', bad.length ? riskChip(items[0]) : null, itemChange.get(items[0].key)?.change === 'added' && chip('', 'new tool')], more1),
    conditionPair(x),
    h('div.dim.small', 'for ', more(who.map((p) => whoLink(p)), 6), ': ', x.from, ' \u2192 ', h('b', x.to === 'allowed' ? 'always' : x.to)),
    (x.rules || []).map(placed),
    x.gained && h('div.small', h('span.dim', 'A call that only now is allowed: '), h('code', pieces(x.gained, true))),
    x.lost && h('div.small', h('span.dim', 'A call that no longer is allowed: '), h('code', pieces(x.lost, true)))));
};

const roleRow = (x) => h('li.change', icon(x.change === 'narrowed' ? 'closes' : 'opens', 20), h('div',
  h('div', 'anybody with ', h('b', x.who[0] === '*' ? 'any other role' : list2(x.who)), VERBS[x.change], x.op, ' ', thing(x)),
  conditionPair(x),
  (x.rules || []).map(placed)));

const changesCard = (most) => {
  const groups = changeGroups(), opening = groups.filter((g) => g.x.change !== 'narrowed');
  return card('This change opens', DIFF.budget.map((b) => b.text).join('; '), a('#/changes', 'All changes'), opening.length || DIFF.roles.some((x) => x.change !== 'narrowed') ? h('ul.plainlist', opening.slice(0, most).map(changeRow), opening.length < most && DIFF.roles.filter((x) => x.change !== 'narrowed').slice(0, most - opening.length).map(roleRow))
    : h('p.row', severity('good', 'Nothing'), ': no access widens.'),
  h('p.row.dim', opening.length > most && [a('#/changes', count(opening.length - most, 'more opening')), ', '], count(groups.length - opening.length, 'access closed', 'accesses closed'), ', ', count(DIFF.items.length, 'change'), ' of the inventory'));
};

const changesView = () => {
  let by = 'who';
  const groups = changeGroups(), holder = h('div.stack');
  const part = (name, rows) => rows.length && h('section.card', h('header', h('h2', name)), h('ul.plainlist', rows));
  const draw = () => {
    clear(holder);
    const sorted = by === 'who' ? groups : groups.slice().sort((x, y) => ((x.x.rules || [])[0]?.at || '~').localeCompare((y.x.rules || [])[0]?.at || '~'));
    add(holder, [part('Opens', sorted.filter((g) => g.x.change === 'widened').map(changeRow)), part('Not known', sorted.filter((g) => g.x.change === 'unknown').map(changeRow)), part('Changes in condition', sorted.filter((g) => g.x.change === 'changed').map(changeRow)),
      part('By role, for anyone who has it', DIFF.roles.map(roleRow)), part('Closes', sorted.filter((g) => g.x.change === 'narrowed').map(changeRow)),
      part('Budget', DIFF.budget.map((b) => h('li.row', icon('error'), ' ', prose(b.text), ' ', place(b.at)))),
      part('Inventory', DIFF.items.map((x) => h('li.row', chip(x.change === 'added' ? 'w' : 'd', x.change), ' ', thing(x), x.text && [' ', prose(x.text)]))),
      part('Principals', DIFF.principals.map((x) => h('li.row', chip('', x.change), ' ', whoLink(x.name), x.text && [' ', prose(x.text)]))),
      part('Not a difference', DIFF.notes.map((x) => h('li.row', prose(x.text), ' ', place(x.at))))]);
    if (!holder.children.length) holder.append(h('p.row', severity('good', 'No access changed'), '.'));
  };
  const row = choice('Order', [['who', 'By who gains'], ['rule', 'By rule']], (k) => { by = k; draw(); });
  draw();
  return view('.findings', 'Changes', h('header.with', h('h1', 'Changes', RUN.base && h('span.dim', ' against ', nm(RUN.base))), row, a('#/matrix/diff', 'In the matrix')), holder);
};
