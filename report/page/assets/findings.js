// Findings by cause.
const HEADINGS = [['open', 'Open now', 'somebody can do what nobody decided'], ['shut', 'Shut, or without effect', 'what was meant to work, and does not'], ['unclear', 'Unclear', 'what keeps others from being sure']];

const causeBody = (c) => {
  const f = c.findings[0];
  const uniq = (xs) => [...new Set(xs)];
  const items = uniq(c.findings.flatMap((x) => x.items || [])), who = uniq(c.findings.flatMap((x) => x.who || []));
  return h('div.body', f.fix && h('p.fix', h('b', 'Fix'), ' ', prose(f.fix)), source(c.src, c.first, c.line),
    (f.evidence || []).map((e) => h('p', prose(e))), (f.related || []).map(placed),
    c.findings.length > 1 && [h('h3', count(c.findings.length, 'finding') + ' at this place'), h('ul.plainlist.tight', c.findings.map((x) => h('li', prose(x.message), ' ', h('span.dim', x.rule), x !== f && x.fix !== f.fix && h('div.dim.small', prose(x.fix || '')))))],
    items.length || who.length ? h('p', h('b', 'About '), more([...items.map((i) => itemLink(D.items[i])), ...who.map((p) => whoLink(p))], 12)) : null,
    c.waived && h('p', h('b', 'Waived: '), prose(f.waiver || ''), ' ', place(f.waivedAt)),
    h('p.dim.small', 'rule ', list2(uniq(c.findings.map((x) => x.rule))), c.confidence !== 'high' && ', ' + c.confidence + ' confidence', uniq(c.findings.flatMap((x) => x.standards || [])).map((s) => '; ' + s),
      h('span.cmd', ' mcpolicy rules ' + f.rule)));
};

// lazily fills a row when it is opened first.
const lazily = (row, body) => {
  const fill = () => { if (row.open && row.children.length === 1) row.append(body()); };
  row.addEventListener('toggle', fill);
  fill();
  return row;
};

const causeRow = (c, open) => lazily(h('details.causerow', {open: open || null, id: 'f-' + c.id}, h('summary', severity(c.severity), h('span.t', prose(c.title), ' ', place(at(c))), c.findings.length > 1 && h('span.badge', count(c.findings.length, 'finding')))), () => causeBody(c));

const findingsView = (id) => {
  const causes = openCauses(), known = D.causes.filter((c) => c.known && !c.waived), waived = D.causes.filter((c) => c.waived);
  let only = '';
  const holder = h('div');
  const buttons = [['', 'All']].concat(['error', 'warning', 'note'].map((s) => [s, causes.filter((c) => c.severity === s).length]).filter(([, n]) => n).map(([s, n]) => [s, count(n, s)]));
  const row = choice('Severity', buttons, (s) => { only = s; draw(); });
  const draw = () => {
    clear(holder);
    let first = !id;
    for (const [key, name, about] of HEADINGS) {
      const of = causes.filter((c) => c.heading === key && (!only || c.severity === only));
      if (!of.length) continue;
      holder.append(h('section', h('h2', name, h('span.dim', about)), of.map((c) => { const el = causeRow(c, id === c.id || first); first = false; return el; })));
    }
    if (known.length && !only) holder.append(h('section', h('h2', 'Known', h('span.dim', 'at the base, too')), known.map((c) => causeRow(c, id === c.id))));
    if (waived.length && !only) holder.append(h('section', h('h2', 'Waived', h('span.dim', 'accepted, with a reason')), waived.map((c) => causeRow(c, id === c.id))));
    if (!holder.children.length) holder.append(h('p.row', severity('good', 'Nothing'), RUN.linted ? ': no finding is open.' : ': lint was not run.'));
  };
  draw();
  if (id) requestAnimationFrame(() => { const el = document.getElementById('f-' + id); if (el) { el.scrollIntoView(); el.firstChild.focus({preventScroll: true}); } });
  return view('.findings', 'Findings', h('header.with', h('h1', count(causes.length, 'cause') + (causes.length > 1 ? ', most urgent first' : '')), buttons.length > 2 && row), holder);
};
