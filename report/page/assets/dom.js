// Elements are made here, and text goes into them as text. Nothing is parsed.
const SVG = 'http://www.w3.org/2000/svg';

const add = (parent, children) => {
  for (const c of children.flat(Infinity)) {
    if (c) parent.append(c);
  }
  return parent;
};

// h makes an element: 'div.card.wide', attributes (on... are listeners), children.
const h = (tag, attrs, ...children) => {
  const [name, ...classes] = tag.split('.');
  const el = document.createElement(name);
  if (classes.length) el.className = classes.join(' ');
  const plainly = attrs && attrs.constructor === Object;
  if (!plainly) children.unshift(attrs);
  for (const [k, v] of plainly ? Object.entries(attrs) : []) {
    if (v === null || v === undefined || v === false) continue;
    if (k.startsWith('on')) el.addEventListener(k.slice(2), v);
    else el.setAttribute(k, v === true ? '' : v);
  }
  return add(el, children);
};

const svg = (size, ...shapes) => {
  const el = document.createElementNS(SVG, 'svg');
  el.setAttribute('viewBox', '0 0 16 16');
  el.setAttribute('width', size);
  el.setAttribute('height', size);
  el.setAttribute('aria-hidden', 'true');
  el.setAttribute('class', 'icon');
  for (const d of shapes) {
    const p = document.createElementNS(SVG, 'path');
    p.setAttribute('d', d);
    el.append(p);
  }
  return el;
};

const ICONS = {
  error: ['M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z', 'M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4'],
  warning: ['M8 1.8l6.6 12H1.4z', 'M8 6v4M8 11.4v.8'],
  note: ['M2 2.5h12v9H8.5L5 14v-2.5H2z', 'M5 6h6M5 8.5h4'],
  good: ['M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13', 'M5 8.2l2.1 2.1L11 6'],
  info: ['M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13', 'M8 7.2v4M8 4.6v.6'],
  opens: ['M2 2h12v12H2z', 'M8 5v6M5 8h6'],
  closes: ['M2 2h12v12H2z', 'M5 8h6'],
};
const icon = (name, size = 16) => {
  const el = svg(size, ...ICONS[name]);
  el.classList.add('i-' + name);
  return el;
};
const WORDS = {error: 'error', warning: 'warning', note: 'note', good: 'passed', off: 'off'};
const severity = (s, word) => h('span.sev.' + s, icon(s === 'off' ? 'note' : s), h('span', word || WORDS[s] || s));

// What does not show in a text, or turns it around, is shown by its number.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00a0\u115f\u1160\u2800\u3164\uffa0\u{e0100}-\u{e01ef}]|(?<!\p{Extended_Pictographic})[\ufe00-\ufe0f]/gu;
const code = (c) => 'U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
const plain = (s) => s.replace(HIDDEN, (c) => '[' + code(c) + ']');

const SCRIPTS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];
const mixed = (s) => SCRIPTS.filter((r) => r.test(s)).length > 1;

// pieces returns a text with what is hidden in boxes, and places to break a line.
const pieces = (s, breaks) => {
  const out = [];
  const text = (t) => {
    if (!breaks) return out.push(t);
    t.split(/(?<=[_./:\-(),])/).forEach((p, i) => {
      if (i) out.push(h('wbr'));
      out.push(p);
    });
  };
  let from = 0;
  for (const m of s.matchAll(HIDDEN)) {
    if (m.index > from) text(s.slice(from, m.index));
    out.push(m[0] === '\n' ? ' ' : h('span.hid', code(m[0])));
    from = m.index + m[0].length;
  }
  if (from < s.length) text(s.slice(from));
  return out;
};

// nm is a name: in a direction of its own, whole.
const nm = (s) => h('bdi.n', {dir: 'ltr'}, s === '' ? h('span.hid', 'no name') : pieces(s, true), mixed(s) && h('span.hid', 'mixed script'));
// cut is a name in few characters: its tail tells it from others.
const cut = (s, most) => {
  const chars = Array.from(s);
  const short = chars.length <= most ? s : chars.slice(0, Math.ceil(most * 0.45)).join('') + '\u2026' + chars.slice(chars.length - Math.floor(most * 0.5)).join('');
  return h('bdi.n', {dir: 'ltr', title: short === s ? null : plain(s)}, s === '' ? h('span.hid', 'no name') : pieces(short), mixed(s) && h('span.hid', 'mixed script'));
};
// prose is a sentence that may have names in it.
const prose = (s) => h('bdi', {dir: 'ltr'}, pieces(s, true));

const clear = (el) => { el.replaceChildren(); return el; };
const count = (n, one, many) => n.toLocaleString('en') + ' ' + (n === 1 ? one : many || one + 's');
const list = (parts) => {
  const out = [];
  parts.forEach((p, i) => {
    if (i) out.push(i === parts.length - 1 ? ' and ' : ', ');
    out.push(p);
  });
  return out;
};
const enc = encodeURIComponent;
const a = (href, ...children) => h('a', {href}, children);
const chip = (kind, ...children) => h('span.chip' + (kind ? '.' + kind : ''), children);

// more is some children, and the rest behind a button that names how many.
const more = (children, most) => {
  if (children.length <= most + 1) return list(children);

  const box = h('span.more', ' ');
  const rest = () => box.replaceWith(add(h('span'), [', ', list(children.slice(most))]));
  return [children.slice(0, most).map((c, i) => [i ? ', ' : '', c]), add(box, [h('button.link', {type: 'button', onclick: rest}, 'and ' + (children.length - most).toLocaleString('en') + ' more')])];
};

// source shows lines of a file, the first or one of them marked.
const source = (lines, first, marked) => {
  if (!lines || !lines.length) return null;
  const indent = Math.min(...lines.filter((l) => l.trim()).map((l) => l.match(/^ */)[0].length), 40);
  const box = h('pre.src', {tabindex: '0', role: 'region', 'aria-label': 'source from line ' + first});
  lines.forEach((l, i) => box.append(h('span' + (first + i === marked ? '.hit' : ''), h('i', String(first + i)), pieces(l.slice(indent)), '\n')));
  return box;
};
