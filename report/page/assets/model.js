// The data, and what follows from it.
const D = JSON.parse(document.getElementById('data').textContent);
for (const k of ['servers', 'items', 'classes', 'rules', 'conditions', 'cells', 'variants', 'rows', 'witnesses', 'calls', 'byRole', 'causes', 'tests', 'proofs', 'notes']) D[k] ||= [];
const RUN = D.run, DIFF = D.diff;
const DENIED = 0, ALLOWED = 1, CONDITIONAL = 2, UNGUARDED = 3;
const RISKS = ['destructive', 'changes', 'unknown', 'reads'];
const many = D.servers.length > 1;

D.items.forEach((it, i) => {
  it.i = i;
  it.server = D.servers[it.s].name;
  it.tool = it.t === 'tool';
  it.band = it.tool ? it.r : 'other';
  it.href = '#/who/' + [it.server, it.t, it.n].map(enc).join('/');
  it.key = it.server + '\n' + it.t + '\n' + it.n;
});
const KINDS = {agent: 0, workload: 1, service: 1, human: 2};
const kindOf = (c) => KINDS[c.k] ?? 1;
D.classes.forEach((c, i) => {
  c.i = i;
  c.p ||= [];
  c.roles ||= [];
  c.agent = c.k !== 'human';
  c.cs ||= [];
  c.row = D.rows[c.row];
  c.name = c.p.length ? c.p[0] : (c.roles.join('+') || 'no role');
  c.href = '#/reach/' + enc(c.p.length ? c.p[0] : 'class ' + (i + 1));
});
const byItem = new Map(D.items.map((it) => [it.key, it]).reverse());
const byName = new Map();
D.classes.forEach((c) => (c.p.length ? c.p : ['class ' + (c.i + 1)]).forEach((p) => byName.set(p, c)));
const itemOf = (server, type, name) => byItem.get(server + '\n' + type + '\n' + name);

const pair = (c, it) => D.variants[c.row[it.i]];
// A cell's condition is one of its class's: with that it is the class's own.
const cellOf = (c, n) => {
  const cell = D.cells[n];
  if (cell.c < 0) return cell;
  return (c.own ||= [])[n] ||= {...cell, c: c.cs[cell.c]};
};
const listed = (c, it) => cellOf(c, pair(c, it)[0]);
const used = (c, it) => cellOf(c, pair(c, it)[1]);
const condition = (cell) => (cell.c >= 0 ? D.conditions[cell.c] : '');
const witnessAt = new Map(D.witnesses.map((w) => [w.i + ' ' + w.c + ' ' + (w.r || []), w]));
const witness = (c, it) => { const u = used(c, it); return witnessAt.get(it.i + ' ' + u.c + ' ' + (u.r || [])); };
const people = D.classes.reduce((n, c) => n + c.n, 0);
const tools = D.items.filter((it) => it.tool);
// Prompts and resources are shown with tools, and do not count as such.
const reach = (c) => {
  if (c.sum) return c.sum;
  const s = {};
  for (const r of [...RISKS, 'other']) s[r] = {always: 0, when: 0, of: 0};
  for (const it of D.items) {
    const at = s[it.band], u = used(c, it);
    at.of++;
    if (u.a === CONDITIONAL) at.when++;
    else if (u.a) at.always++;
  }
  return (c.sum = s);
};
const classes = D.classes.slice().sort((x, y) => kindOf(x) - kindOf(y) || weight(y) - weight(x) || x.i - y.i);
function weight(c) {
  const s = reach(c);
  return (s.destructive.always * 3 + s.destructive.when * 2) * 1e6 + (s.changes.always * 3 + s.changes.when * 2) * 1e3 + s.reads.always + s.reads.when;
}

// A role is known if somebody has it or a policy names it.
const roles = new Map();
D.classes.forEach((c) => c.roles.forEach((r) => roles.set(r, (roles.get(r) || 0) + c.n)));
D.byRole.forEach((b) => b.roles.forEach((r) => { if (r.role !== '*' && !roles.has(r.role)) roles.set(r.role, 0); }));

// Changes are looked up by class and item. Those of list and use are two.
const changed = new Map();
if (DIFF) {
  for (const k of ['cells', 'roles', 'items', 'principals', 'budget', 'notes']) DIFF[k] ||= [];
  for (const x of DIFF.cells) {
    const it = itemOf(x.server, x.type, x.name);
    if (!it) continue;
    for (const who of x.who) {
      const c = byName.get(who);
      if (!c) continue;
      const key = c.i + ' ' + it.i, at = changed.get(key) || {};
      at[x.op === 'list' ? 'list' : 'use'] = x;
      changed.set(key, at);
    }
  }
}
const changeOf = (c, it) => changed.get(c.i + ' ' + it.i);
const itemChange = new Map(DIFF ? DIFF.items.map((x) => [x.server + '\n' + x.type + '\n' + x.name, x]) : []);
