// How things are called, the same everywhere.
const RISK = {destructive: '! destructive', changes: 'changes something', reads: 'reads', unknown: 'not known what it does', other: 'prompt or resource'};
const BANDS = {destructive: '! Destructive tools', changes: 'Tools that change something', unknown: 'Tools of which nothing says what they do', reads: 'Tools that read', other: 'Prompts and resources'};
const TONE = {destructive: 'd', changes: 'w', unknown: 'w', reads: 'r', other: 'r'};
const riskWords = (it) => {
  if (!it.tool) return {prompt: 'prompt', resource: 'resource'}[it.t] || 'resource template';
  const from = {hint: ', says the server', name: ', inferred from its name', 'schema default': ', the default where hints do not say'}[it.from] || '';
  return RISK[it.r] + from;
};
const ACCESS = ['denied', 'always', 'on a condition', 'unguarded: no policy is asked'];
const MARKS = ['deny', 'any', 'cond', 'open'];

// mark draws an access; what it says stands beside it.
const mark = (access) => h('span.m.' + MARKS[access], {'aria-hidden': 'true'});
// spoken is a condition in a sentence.
const spoken = (text) => (text.startsWith('unless ') ? ['unless ', h('code', pieces(text.slice(7), true))] : ['when ', h('code', pieces(text, true))]);
const when = (text) => (text.startsWith('unless ') ? text : 'when ' + text);

// conditionBox shows a condition, broken where it is combined.
const conditionBox = (text) => {
  const box = h('code.when');
  let depth = 0, quote = '', from = 0;
  const put = (to) => { box.append(h('span', pieces(text.slice(from, to).trim(), true))); from = to; };
  for (let i = 0; i < text.length; i++) {
    const ch = text[i];
    if (quote) {
      if (ch === '\\') i++;
      else if (ch === quote) quote = '';
    } else if (ch === '"' || ch === "'") quote = ch;
    else if ('([{'.includes(ch)) depth++;
    else if (')]}'.includes(ch)) depth--;
    else if (!depth && i && (text.startsWith(' && ', i) || text.startsWith(' || ', i) || text.startsWith(' unless ', i))) put(i);
  }
  put(text.length);
  return box;
};

// inWords says an access: "always", "only when", a box.
const inWords = (cell) => {
  if (cell.a !== CONDITIONAL) return [mark(cell.a), ' ', h('b', cell.x ? 'refused' + (cell.x < 0 ? ' (' + cell.x + ')' : '') : ['no', 'always', '', 'unguarded: no policy is asked'][cell.a]), cell.why && h('div.dim', cell.why)];
  const text = condition(cell);
  return [mark(cell.a), ' ', h('b', text.startsWith('unless ') ? 'always, ' : 'only when'), conditionBox(text)];
};
const sentenceOf = (c, it) => {
  const l = listed(c, it), u = used(c, it);
  const may = u.a === DENIED ? 'no ' + it.u : it.u + (u.a === CONDITIONAL ? ' ' + when(condition(u)) : ' ' + ACCESS[u.a]);
  return may + (l.a ? (l.a === CONDITIONAL ? '; shown on a condition' : '; shown in lists') : u.a ? '; hidden from lists' : '');
};
const label = (c) => (c.p.length ? plain(c.p[0]) + (c.n > 1 ? ' and ' + (c.n - 1) + ' more' : '') : c.n + ' with ' + (c.roles.map(plain).join(', ') || 'no role'));
const kindChip = (c) => {
  if (!c.agent) return null;
  return h('span.chip.actor', c.k, c.for && c.for.length ? [' for ', list(c.for.slice(0, 2).map(nm)), c.for.length > 2 && ' and more'] : null);
};
const whoLink = (p) => (byName.has(p) ? a('#/reach/' + enc(p), nm(p)) : nm(p));
const classLink = (c) => [a(c.href, nm(c.name)), c.n > 1 ? h('span.dim', c.p.length ? ' and ' + count(c.n - 1, 'other') : ' \u00d7' + c.n) : null];
// holders names classes: where there are many, by their roles.
const holders = (list, most) => {
  if (list.length <= most + 1) return more(list.map((c) => [a(c.href, nm(c.name)), c.n > 1 && h('span.dim', ' +' + (c.n - 1))]), most);
  return more([...groupBy(list, (c) => c.roles.join('\n')).values()].map((of) => [a(of[0].href, of[0].roles.length ? list2(of[0].roles) : 'no role'), h('span.dim', ' \u00d7' + of.reduce((n, c) => n + c.n, 0))]), most);
};
const itemLink = (it) => h('span.item', a(it.href, nm(it.n)), many ? h('span.dim', ' on ', nm(it.server)) : null);
const riskChip = (it) => chip(TONE[it.band], riskWords(it));
const place = (at) => (at ? h('span.at', pieces(at, true)) : null);
const placed = (r) => h('div.small', place(r.at), ' ', prose(r.text));
// choice is buttons of which one is pressed.
const choice = (name, options, then) => {
  const row = h('div.only', {role: 'group', 'aria-label': name}, options.map(([value, text], i) => h('button.toggle', {type: 'button', 'aria-pressed': String(!i), onclick: (e) => {
    for (const b of row.children) b.setAttribute('aria-pressed', String(b === e.currentTarget));
    then(value);
  }}, text)));
  return row;
};
// view is a page of the page.
const view = (kind, name, ...children) => {
  document.title = title(name);
  return h('main' + kind, {id: 'main', tabindex: '-1'}, children);
};
const ruleLine = (r, open) => {
  const src = source(r.src, r.line, r.line);
  const head = [place(r.file ? r.file + ':' + r.line : ''), ' rule ', h('b', prose(r.name)), h('span.dim', r.effect === 'deny' ? ' denies' : ' allows')];
  return src ? h('details.rule', {open}, h('summary', head), src) : h('div.rule', head);
};
const shell = (s) => (/^[\w@%+=:,./-]+$/.test(s) ? s : "'" + s.replace(/'/g, "'\\''") + "'");
