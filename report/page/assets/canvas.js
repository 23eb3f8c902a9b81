// The matrix beyond what a table bears: tiles on a canvas that scrolls with the
// content, heads in the document as far as they show, and one cell that has the focus.
const palette = () => {
  const p = {}, probe = h('span');
  document.body.append(probe);
  const v = (n) => { probe.style.color = 'var(--' + n + ')'; return getComputedStyle(probe).color; };
  for (const n of ['bg', 'fg', 'line', 'line2', 'warn', 'r', 'r1', 'r2', 'w', 'w1', 'w2', 'd', 'd1', 'd2', 'u', 'u1', 'u2']) p[n] = v(n);
  probe.remove();
  return p;
};

const paintCell = (ctx, p, s, x, y, w, ht, faint) => {
  const cx = x + w / 2, cy = y + ht / 2 - 1;
  ctx.globalAlpha = faint ? 0.38 : 1;
  if (s.u.a) {
    ctx.fillStyle = p[s.tone + (s.u.a === ALLOWED ? '1' : '2')];
    ctx.fillRect(x + 1, y + 1, w - 2, ht - 2);
  }
  ctx.fillStyle = ctx.strokeStyle = p[s.u.a ? s.tone : 'line2'];
  ctx.beginPath();
  if (s.sign) {
    ctx.lineWidth = 2;
    ctx.moveTo(cx - 4, cy); ctx.lineTo(cx + 4, cy);
    if (s.sign === 'plus') { ctx.moveTo(cx, cy - 4); ctx.lineTo(cx, cy + 4); }
    ctx.stroke();
    ctx.setLineDash(s.sign === 'minus' ? [3, 2] : []);
    ctx.strokeRect(x + 2, y + 2, w - 4, ht - 4);
    ctx.setLineDash([]);
  } else if (s.u.a === ALLOWED) {
    ctx.arc(cx, cy, 3.6, 0, 7);
    ctx.fill();
  } else if (s.u.a) {
    ctx.lineWidth = 1.3;
    ctx.arc(cx, cy, 3.4, 0, 7);
    ctx.stroke();
    if (s.u.a === CONDITIONAL) {
      ctx.beginPath();
      ctx.arc(cx, cy, 3.4, Math.PI / 2, 3 * Math.PI / 2);
      ctx.fill();
    }
  } else {
    ctx.fillRect(cx - 0.5, cy - 0.5, 1.5, 1.5);
  }
  if (s.bar) ctx.fillRect(cx - 4, y + ht - 4, 8, 1.5);
  if (s.alarm) { ctx.strokeStyle = p.warn; ctx.lineWidth = 2; ctx.strokeRect(x + 2, y + 2, w - 4, ht - 4); }
  ctx.globalAlpha = 1;
};

const canvasGrid = (f, g, on) => {
  const phone = innerWidth < 820, headW = phone ? 140 : 230, headH = 178, rowH = phone ? 26 : 22, colW = 24, band = 28, OVER = 260;
  const lines = [];
  let y = 0, r = 0;
  for (const b of g.bands) {
    lines.push({b, y});
    y += band;
    for (const row of b.rows) { lines.push({row, r: r++, y}); y += rowH; }
  }
  const live = h('div.live', {role: 'gridcell', tabindex: '0'}), frame = h('div.frame', {'aria-hidden': 'true'});
  const rowLines = lines.filter((l) => l.row), height = y, width = g.columns.length * colW;
  const canvas = h('canvas', {'aria-hidden': 'true'}), heads = h('div.heads', {role: 'row', 'aria-rowindex': '1'}), body = h('div.body', {role: 'rowgroup'});
  const box = h('div.scroll.vast', {role: 'grid', 'aria-label': 'Who may do what', 'aria-rowcount': g.rows.length + 1, 'aria-colcount': g.columns.length + 1}, h('div.all', h('div.headrow', {role: 'rowgroup'}, heads), canvas, body));
  const all = box.firstChild, top = all.firstChild;
  all.style.width = headW + width + 'px';
  all.style.height = headH + height + 'px';
  heads.style.height = headH + 'px';
  body.style.top = headH + 'px';
  const corner = h('div.corner', {role: 'columnheader'}, h('span', summaryOf(g)));
  corner.style.width = headW + 'px';
  corner.style.height = headH + 'px';
  heads.append(corner);
  const find = (y) => { // the first line that ends below
    let lo = 0, hi = lines.length - 1;
    while (lo < hi) { const m = (lo + hi + 1) >> 1; if (lines[m].y <= y) lo = m; else hi = m - 1; }
    return lo;
  };
  let painted = null, colors = palette(), now = [0, 0], chosen = null;
  const shownCols = new Map(), shownRows = new Map();
  // There are few kinds of cells: each is drawn once.
  let sprites = new Map();
  const sprite = (s, faint, ratio) => {
    const key = [s.tone, s.u.a, s.bar, s.alarm, s.sign, faint, ratio].join();
    if (!sprites.has(key)) {
      const one = h('canvas', {width: colW * ratio, height: rowH * ratio}), ctx = one.getContext('2d');
      ctx.scale(ratio, ratio);
      paintCell(ctx, colors, s, 0, 0, colW, rowH, faint);
      sprites.set(key, one);
    }
    return sprites.get(key);
  };
  const paint = (x0, y0, w, ht) => {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    if (canvas.width !== Math.ceil(w * ratio) || canvas.height !== Math.ceil(ht * ratio)) {
      canvas.width = Math.ceil(w * ratio);
      canvas.height = Math.ceil(ht * ratio);
      canvas.style.width = w + 'px';
      canvas.style.height = ht + 'px';
    }
    canvas.style.left = headW + x0 + 'px';
    canvas.style.top = headH + y0 + 'px';
    const ctx = canvas.getContext('2d');
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, w, ht);
    const c0 = Math.floor(x0 / colW), c1 = Math.min(g.columns.length, Math.ceil((x0 + w) / colW));
    for (let i = find(y0); i < lines.length && lines[i].y < y0 + ht; i++) {
      const {row} = lines[i];
      if (!row) continue;
      for (let c = c0; c < c1; c++) {
        const s = spot(f, row, g.columns[c]);
        if (s.u.a || s.bar || s.sign) ctx.drawImage(sprite(s, s.faint || g.dim(row, g.columns[c]), ratio), c * colW - x0, lines[i].y - y0, colW, rowH);
      }
    }
    painted = {x0, y0, x1: x0 + w, y1: y0 + ht};
  };
  const recycle = (shown, from, to, make) => {
    for (const [i, el] of shown) if ((i < from || i >= to) && !el.contains(live)) { el.remove(); shown.delete(i); }
    for (let i = from; i < to; i++) if (!shown.has(i)) shown.set(i, make(i));
  };
  const update = (force) => {
    const x = box.scrollLeft, y = box.scrollTop, w = box.clientWidth - headW, ht = box.clientHeight - headH;
    if (w <= 0 || ht <= 0) return;
    recycle(shownCols, Math.max(0, Math.floor(x / colW) - 2), Math.min(g.columns.length, Math.ceil((x + w) / colW) + 2), (c) => {
      const el = columnHead(g.columns[c], g.columns[c - 1], true), div = h('div.col' + (g.columns[c].c.agent ? '.agent' : ''), {role: 'columnheader', 'aria-colindex': c + 2}, ...el.childNodes);
      div.style.left = headW + c * colW + 'px';
      heads.append(div);
      return div;
    });
    recycle(shownRows, find(y), Math.min(lines.length, find(y + ht) + 2), (i) => {
      const l = lines[i];
      const el = l.row ? h('div.line', {role: 'row', 'aria-rowindex': l.r + 2}, h('div.rowhead', {role: 'rowheader'}, rowHead(f, l.row, on))) : h('div.line.band', {role: 'row'}, h('div.rowhead', {role: 'rowheader'}, bandHead(l.b)));
      el.style.top = l.y + 'px';
      el.firstChild.style.width = headW + 'px';
      body.append(el);
      return el;
    });
    if (force || !painted || x < painted.x0 || y < painted.y0 || Math.min(x + w, width) > painted.x1 || Math.min(y + ht, height) > painted.y1) {
      const pw = Math.min(width, w + 2 * OVER), ph = Math.min(height, ht + 2 * OVER);
      paint(Math.max(0, Math.min(x - OVER, width - pw)), Math.max(0, Math.min(y - OVER, height - ph)), pw, ph);
    }
    on.view && on.view({x, y, w, ht, width, height});
  };
  let due = 0;
  const later = () => { if (!due) due = requestAnimationFrame(() => { due = 0; update(); }); };
  box.addEventListener('scroll', later, {passive: true});
  new ResizeObserver(() => update(true)).observe(box);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { colors = palette(); sprites = new Map(); update(true); });

  const seat = (el, r, c) => {
    el.style.left = headW + c * colW + 'px';
    el.style.width = colW + 'px';
    el.style.height = rowH + 'px';
  };
  const reveal = (r, c) => {
    const l = rowLines[r], ht = box.clientHeight - headH, w = box.clientWidth - headW;
    if (l.y < box.scrollTop) box.scrollTop = l.y;
    else if (l.y + rowH > box.scrollTop + ht) box.scrollTop = l.y + rowH - ht;
    if (c * colW < box.scrollLeft) box.scrollLeft = c * colW;
    else if ((c + 1) * colW > box.scrollLeft + w) box.scrollLeft = (c + 1) * colW - w;
  };
  const focus = (r, c, quiet) => {
    now = [r, c];
    const had = document.activeElement === live;
    if (!quiet) { reveal(r, c); update(); }
    const l = rowLines[r];
    let line = shownRows.get(lines.indexOf(l));
    if (!line) { reveal(r, c); update(); line = shownRows.get(lines.indexOf(l)); }
    if (!line) return;
    line.append(live);
    seat(live, r, c);
    live.setAttribute('aria-colindex', c + 2);
    live.setAttribute('aria-label', spokenCell(spot(f, l.row, g.columns[c]), l.row, g.columns[c]) + ', ' + plain(l.row.it.n) + ', ' + label(g.columns[c].c));
    if (!quiet || had) live.focus({preventScroll: true});
    on.point(r, c, !quiet);
  };
  const hit = (e) => {
    const rect = all.getBoundingClientRect(), x = e.clientX - rect.left - headW, y = e.clientY - rect.top - headH;
    if (e.clientX < box.getBoundingClientRect().left + headW || e.clientY < box.getBoundingClientRect().top + headH || x < 0 || y < 0 || x >= width) return null;
    const l = lines[find(y)];
    return l && l.row ? [l.r, Math.floor(x / colW)] : null;
  };
  box.addEventListener('click', (e) => { const at = !e.target.closest('button') && hit(e); if (at) { focus(...at, true); on.choose(...at); } });
  box.addEventListener('pointermove', (e) => { const at = hit(e); if (at) on.point(...at); });
  gridKeys(box, g, () => now, focus, on, () => Math.max(1, Math.floor((box.clientHeight - headH) / rowH) - 1));
  return {box, focus, start: () => { update(true); if (g.rows.length && g.columns.length) focus(0, 0, true); }, choose: (r, c) => {
    frame.remove();
    if (r < 0) return;
    chosen = [r, c];
    seat(frame, r, c);
    frame.style.top = rowLines[r].y + 'px';
    body.append(frame);
    reveal(r, c);
    focus(r, c, true);
  }, to: (x, y) => { box.scrollLeft = x * width - (box.clientWidth - headW) / 2; box.scrollTop = y * height - (box.clientHeight - headH) / 2; }};
};
