// A question: a combobox with a list, as the ARIA practices have it.
let boxes = 0;
const MOST = 40;

const question = ({id, before, after, hint, options, empty}) => {
  const listId = 'list' + ++boxes;
  const listbox = h('ul.options', {id: listId, role: 'listbox', 'aria-label': before + ' ' + hint, hidden: true});
  const status = h('span.sr', {role: 'status'});
  const input = h('input', {
    id, type: 'text', role: 'combobox', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', placeholder: hint,
    'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': listId, 'aria-label': before + ' ... ' + after,
  });
  let found = [], at = -1;
  const show = (open) => {
    listbox.hidden = !open;
    input.setAttribute('aria-expanded', String(open));
    if (!open) { at = -1; input.removeAttribute('aria-activedescendant'); }
  };
  const choose = (i) => {
    at = i;
    [...listbox.children].forEach((o, j) => o.setAttribute('aria-selected', String(j === i)));
    if (i < 0) return input.removeAttribute('aria-activedescendant');
    input.setAttribute('aria-activedescendant', listbox.children[i].id);
    listbox.children[i].scrollIntoView({block: 'nearest'});
  };
  const go = (o) => {
    show(false);
    input.value = '';
    location.hash = o.href;
  };
  const fill = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = options().filter((o) => words.every((w) => o.text.includes(w)));
    // Those whose name begins with it come first.
    const first = words.length ? all.filter((o) => o.text.startsWith(words[0])) : [];
    found = first.concat(all.filter((o) => !first.includes(o))).slice(0, MOST);
    clear(listbox);
    found.forEach((o, i) => listbox.append(h('li', {
      id: listId + '-' + i, role: 'option', 'aria-selected': 'false', onpointerdown: (e) => { e.preventDefault(); }, onclick: () => go(o),
    }, o.show())));
    if (!found.length) listbox.append(h('li.none', {role: 'option', 'aria-disabled': 'true', 'aria-selected': 'false'}, empty));
    status.textContent = found.length ? all.length + ' found' : empty;
    show(true);
  };
  input.addEventListener('input', () => { fill(); choose(input.value.trim() && found.length ? 0 : -1); });
  input.addEventListener('click', fill);
  input.addEventListener('blur', () => show(false));
  input.addEventListener('keydown', (e) => {
    const open = !listbox.hidden;
    switch (e.key) {
      case 'ArrowDown': case 'ArrowUp':
        e.preventDefault();
        if (!open) fill();
        if (found.length) choose((at + (e.key === 'ArrowDown' ? 1 : at < 0 ? 0 : -1) + found.length) % found.length);
        break;
      case 'Enter':
        if (open && found.length) { e.preventDefault(); go(found[Math.max(at, 0)]); }
        break;
      case 'Escape':
        if (open) show(false); else input.value = '';
        e.preventDefault();
    }
  });
  return h('div.question',
    h('div.ask', {onclick: () => input.focus()}, h('span.q', {'aria-hidden': 'true', 'data-after': after}, before), input, h('span.q2', {'aria-hidden': 'true'}, after), listbox), status);
};

const whoOptions = () => {
  const list = [];
  for (const c of classes) {
    for (const p of c.p.length ? c.p : [c.name]) {
      list.push({
        href: '#/reach/' + enc(c.p.length ? p : 'class ' + (c.i + 1)), text: (p + ' ' + c.roles.join(' ') + ' ' + c.k).toLowerCase(),
        show: () => [nm(p), c.p.length ? null : h('span.dim', ' \u00d7' + c.n), ' ', kindChip(c), h('span.dim', ' ', list2(c.roles))],
      });
    }
  }
  for (const [r, n] of roles) {
    list.push({href: '#/reach/role/' + enc(r), text: (r + ' role').toLowerCase(), show: () => [nm(r), h('span.dim', ' role, ', n ? count(n, 'principal') : 'nobody declared has it')]});
  }
  return list;
};
const list2 = (names) => names.map((r, i) => [i ? ', ' : '', nm(r)]);
const itemOptions = () => RISKS.concat('other').flatMap((r) => D.items.filter((it) => it.band === r)).map((it) => ({
  href: it.href, text: (it.n + ' ' + (it.title || '') + ' ' + it.server + ' ' + it.t).toLowerCase(),
  show: () => [nm(it.n), ' ', riskChip(it), it.title && it.title !== it.n && h('span.dim', ' ', prose(it.title)), many && h('span.dim', ' ', nm(it.server))],
}));

const questions = () => {
  if (!D.items.length) return null;
  const agents = [...groupBy(classes.filter((c) => c.agent), (c) => c.roles.join('\n')).values()].map((of) => of[0]).slice(0, 6);
  const worst = D.items.filter((it) => it.band === 'destructive')
    .map((it) => [it, D.classes.reduce((n, c) => n + (used(c, it).a ? (used(c, it).a === CONDITIONAL ? 1 : 2) * c.n : 0), 0)])
    .sort((x, y) => y[1] - x[1]).slice(0, 4).map((x) => x[0]);
  return h('section.questions', {'aria-label': 'Questions'},
    h('div', question({id: 'q-reach', before: 'What can', after: 'reach?', hint: 'a principal, an agent or a role', options: whoOptions, empty: 'Nobody is called that.'}),
      agents.length ? h('p.quick', 'agents: ', agents.map((c) => [a(c.href, nm(c.name)), ' '])) : null),
    h('div', question({id: 'q-who', before: 'Who can reach', after: '?', hint: 'a tool, prompt or resource', options: itemOptions, empty: 'Nothing is called that.'}),
      worst.length ? h('p.quick', 'destructive: ', worst.map((it) => [a(it.href, nm(it.n)), ' '])) : null));
};
