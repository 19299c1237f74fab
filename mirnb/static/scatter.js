// Scatter: a map of points to look at, point at, and cut groups from.
//
// Two canvases lie over each other. On the lower one the points are painted pixel by pixel, which takes milliseconds for
// a hundred thousand of them; it is painted again only when the view, a colour or a group changes. On the upper one are
// rings, lines and lassos, so that pointing costs nothing.

const REACH = 12;  // pixels within which the pointer finds a point
const MANY = 20000;  // points; more are drawn smaller
const ZOOM = [.5, 400];  // out, in
const GROUPS = ['A', 'B'];
const FAINT = .1;  // opacity of points that are dimmed
const PLAIN = 1.8;  // contrast to the ground below which a point gets an edge

const number = value => value.toLocaleString('en');

// -- the points

function cloudOf({count}, buffers) {
  const [places, sizes, ...texts] = buffers.map(bytes), [names, keys = []] = texts.map(text => JSON.parse(new TextDecoder().decode(text)));
  const xy = new Float32Array(places.buffer);
  return {count, xy, sizes, names, keys, bins: binsOf(xy, count)};
}

// A grid over the points: the numbers of the points of a cell lie side by side in `items`, from `start[cell]` on.
function binsOf(xy, count) {
  const side = Math.max(1, Math.ceil(Math.sqrt(count / 4))), start = new Uint32Array(side * side + 1);
  const column = value => Math.min(side - 1, Math.max(0, Math.floor((value + 1) / 2 * side)));
  const cell = i => column(xy[2 * i + 1]) * side + column(xy[2 * i]);
  for (let i = 0; i < count; i++) start[cell(i) + 1] += 1;
  for (let c = 0; c < side * side; c++) start[c + 1] += start[c];
  const items = new Uint32Array(count), next = start.slice();
  for (let i = 0; i < count; i++) items[next[cell(i)]++] = i;
  return {side, start, items, column};
}

// The point nearest to a place, -1 where none lies within `reach` (all in the points' own units).
function nearest({xy, bins: {side, start, items, column}}, x, y, reach) {
  let best = -1, least = reach * reach;
  for (let row = column(y - reach); row <= column(y + reach); row++) {
    const from = start[row * side + column(x - reach)], to = start[row * side + column(x + reach) + 1];
    for (let k = from; k < to; k++) {
      const i = items[k], far = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
      if (far <= least) { best = i; least = far; }
    }
  }
  return best;
}

// The nearest point on one side of a point: within 45 degrees of the way [dx, dy].
function towards({xy, count}, from, [dx, dy]) {
  let best = -1, least = Infinity;
  for (let i = 0; i < count; i++) {
    const x = xy[2 * i] - xy[2 * from], y = xy[2 * i + 1] - xy[2 * from + 1];
    const along = x * dx + y * dy, across = Math.abs(x * dy - y * dx), far = along * along + across * across;
    if (along > 0 && across <= along && far < least) { best = i; least = far; }
  }
  return best;
}

// Whether a place lies within a closed line: a ray from it crosses the line an odd number of times.
function within(x, y, line) {
  let odd = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [ax, ay] = line[i], [bx, by] = line[j];
    if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

// -- painting by pixels: a stamp is the opacity of each pixel of a small square

function stamp(radius, inside) {
  const half = Math.ceil(radius + 1), side = 2 * half + 1, alpha = new Float32Array(side * side);
  for (let y = -half; y <= half; y++)
    for (let x = -half; x <= half; x++) alpha[(y + half) * side + x + half] = Math.min(1, Math.max(0, inside(x, y)));
  return {half, side, alpha};
}

// How far inside a shape of radius 1 a place lies; the letters are those of the figures.
const {abs, hypot, max, min} = Math, turned = (x, y) => [(x + y) * Math.SQRT1_2, (x - y) * Math.SQRT1_2];
const triangle = (x, y) => min(.6 - y, .6 - .87 * abs(x) + .5 * y), plus = (x, y) => max(min(1 - abs(x), .42 - abs(y)), min(.42 - abs(x), 1 - abs(y)));
const petals = (x, y) => .62 + .38 * Math.cos(5 * Math.atan2(x, -y)) - hypot(x, y);
const SHAPES = {
  o: (x, y) => 1 - hypot(x, y), s: (x, y) => .88 - max(abs(x), abs(y)), D: (x, y) => (1.2 - abs(x) - abs(y)) * Math.SQRT1_2,
  '^': (x, y) => triangle(x, y), v: (x, y) => triangle(x, -y), '<': (x, y) => triangle(y, x), '>': (x, y) => triangle(y, -x),
  P: plus, X: (x, y) => plus(...turned(x, y)), '*': petals, p: (x, y) => min(.9 - hypot(x, y), .75 - y),
};

// A shape, and the outlines of the groups: a ring for A, a square for B. Edges fade over one pixel.
const shaped = mark => (radius, _) => stamp(1.25 * radius, (x, y) => 1.12 * radius * SHAPES[mark](x / (1.12 * radius), y / (1.12 * radius)) + .5);
const STAMPS = {
  ...Object.fromEntries(Object.keys(SHAPES).map(mark => [mark, shaped(mark)])),
  o: (radius, _) => stamp(radius, (x, y) => radius + .5 - hypot(x, y)),
  A: (radius, width) => stamp(radius + width, (x, y) => width / 2 + .5 - Math.abs(Math.hypot(x, y) - radius)),
  B: (radius, width) => stamp(radius + width, (x, y) => width / 2 + .5 - Math.abs(Math.max(Math.abs(x), Math.abs(y)) - radius)),
};

// A colour that is lost on the ground, such as black on a dark page, gets an edge: colours mean something and stay as they are.
const PAINTED = 0, DIM = 1, EDGED = 2;
function lookOf(rgb, ground, dimmed) {
  if (dimmed && String(rgb) !== String(dimmed)) return DIM;
  const [low, high] = [luminance(rgb) + .05, luminance(ground) + .05].sort((a, b) => a - b);
  return high / low < PLAIN ? EDGED : PAINTED;
}

// The sign of a legend, painted as the points are.
function swatchOf(colour, mark = 'o') {
  const [side, [r, g, b]] = [28, rgbOf(colour)], canvas = element('canvas', {class: 'swatch', width: side, height: side, 'aria-hidden': true});
  const painter = new Painter(), pen = canvas.getContext('2d');
  const sign = painter.stampOf(mark, 10, 0), image = pen.createImageData(sign.side, sign.side);
  sign.alpha.forEach((part, i) => image.data.set([r, g, b, 255 * part], 4 * i));
  pen.putImageData(image, Math.round((side - sign.side) / 2), Math.round((side - sign.side) / 2));
  return canvas;
}

class Painter {
  constructor() { this.stamps = new Map(); }

  begin(width, height, [r, g, b]) {
    if (this.image?.width !== width || this.image?.height !== height) this.image = new ImageData(width, height);
    Object.assign(this, {width, height, data: this.image.data});
    new Uint32Array(this.data.buffer).fill((255 << 24 | b << 16 | g << 8 | r) >>> 0);
  }

  stampOf(kind, radius, width) {
    const size = Math.max(.5, Math.round(radius * 4) / 4), name = `${kind} ${size} ${width}`;
    if (!this.stamps.has(name)) this.stamps.set(name, STAMPS[kind](size, width));
    return this.stamps.get(name);
  }

  // Lays a colour over the image through a stamp whose middle is at a pixel.
  press({half, side, alpha}, x, y, r, g, b, opacity) {
    const left = Math.round(x) - half, top = Math.round(y) - half, {data, width, height} = this;
    const from = Math.max(0, -left), to = Math.min(side, width - left), end = Math.min(side, height - top);
    for (let row = Math.max(0, -top); row < end; row++) {
      for (let column = from; column < to; column++) {
        const part = alpha[row * side + column] * opacity;
        if (part === 0) continue;
        const at = ((top + row) * width + left + column) * 4;
        data[at] += (r - data[at]) * part;
        data[at + 1] += (g - data[at + 1]) * part;
        data[at + 2] += (b - data[at + 2]) * part;
      }
    }
  }
}

// -- the widget

class Map2D {
  constructor(model, el) {
    Object.assign(this, {model, cloud: null, rgb: null, legend: [], dimmed: null, lasso: null, edges: {}, drag: null, at: -1});
    this.painter = new Painter();
    this.root = element('div', {class: 'mirnb mirnb-scatter'});
    this.root.append(this.toolbar(), this.stage(), this.entries = element('div', {class: 'legend'}), this.status());
    this.notice = noticeLine(model, this.root);
    el.append(this.root);
    this.listen();
    this.reset();
    model.send({do: 'ready', loopback: ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname)});
  }

  toolbar() {
    const button = (text, label, press) => element('button', {type: 'button', text, 'aria-label': named(text, label), onclick: press});
    this.modes = new Map([
      ['pan', button('pan', 'drag moves the map', () => this.setMode('pan'))],
      ['A', button('lasso A', 'drag draws a lasso: group A, outlined by rings', () => this.setMode('A'))],
      ['B', button('lasso B', 'drag draws a lasso: group B, outlined by squares', () => this.setMode('B'))],
    ]);
    for (const name of GROUPS) this.modes.get(name).prepend(element('span', {class: `outline ${name}`}));
    this.heading = element('b', {class: 'title'});
    this.clearing = button('clear', 'clear the choice and the groups', () => this.clearAll());
    this.setMode('pan');
    return element('div', {class: 'bar'}, this.heading, element('span', {class: 'tools', role: 'group', 'aria-label': 'tools'},
      ...this.modes.values(), button('reset', 'show the whole map', () => this.reset()), this.clearing));
  }

  stage() {
    this.lower = element('canvas', {'aria-hidden': true});
    this.upper = element('canvas', {tabindex: 0, role: 'application', 'aria-roledescription': 'map of points',
      'data-lm-suppress-shortcuts': true,  // JupyterLab would take the arrow keys
      onpointerdown: event => this.press(event), onpointermove: event => this.move(event),
      onpointerup: event => this.release(event), onpointercancel: () => this.drop(), onkeydown: event => this.typed(event),
      onpointerleave: () => { if (!this.drag) this.point(-1); }, onblur: () => this.point(-1)});
    this.upper.addEventListener('wheel', event => this.wheel(event), {passive: false});
    this.board = element('div', {class: 'board'}, this.lower, this.upper);
    this.tip = tipOver(this.board);
    return this.board;
  }

  status() {
    this.said = element('div', {class: 'said', role: 'status', 'aria-live': 'polite'});
    this.heard = element('div', {class: 'mirnb-hidden', 'aria-live': 'polite'});  // what the arrow keys point at
    return element('div', {}, this.said, this.heard);
  }

  listen() {
    const redraw = () => this.draw();
    const chosen = () => { this.say(); this.draw('upper'); };
    this.handlers = {
      'msg:custom': (message, buffers) => this.received(message, buffers),
      'change:selected': chosen, 'change:neighbours': chosen,
      'change:groups': () => { this.edges = {}; this.say(); redraw(); }, 'change:title': () => this.label(),
    };
    for (const [event, handler] of Object.entries(this.handlers)) this.model.on(event, handler);
    this.themes = onTheme(redraw);
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.root);
  }

  stop() {
    for (const [event, handler] of Object.entries(this.handlers)) this.model.off(event, handler);
    this.themes();
    this.sizes.disconnect();
    this.notice.stop();
  }

  received(message, buffers) {
    if (message.do === 'points') { this.cloud = cloudOf(message, buffers); this.extent(); }
    else if (message.do === 'paint') { this.rgb = bytes(buffers[0]); this.legend = message.legend; this.dimmed = null; }
    else return;
    if (!this.cloud || this.rgb?.length !== 3 * this.cloud.count) return;
    this.drawLegend();
    this.label();
    this.say();
    this.resize();
  }

  label() {
    const title = this.model.get('title') || 'Map of points';
    this.heading.textContent = title;
    const keys = 'Arrow keys go from point to point, Enter selects or, with a lasso, puts into its group; plus and minus zoom, Escape clears.';
    this.upper.setAttribute('aria-label', `${title}: ${this.cloud?.count ?? 0} points. ${keys}`);
  }

  // -- the view: `middle` of the map in the points' units (-1 to 1, y upwards), `zoom` 1 shows everything

  extent() {
    let [wide, high] = [1e-6, 1e-6];
    for (let i = 0; i < this.cloud.count; i++) {
      wide = Math.max(wide, Math.abs(this.cloud.xy[2 * i]));
      high = Math.max(high, Math.abs(this.cloud.xy[2 * i + 1]));
    }
    this.reaches = [wide, high];
  }

  resize() {
    this.width = Math.max(200, this.board.clientWidth);
    this.height = Math.round(Math.min(560, Math.max(300, this.width * .62)));
    this.dense = Math.min(3, window.devicePixelRatio || 1);  // pixels of the canvas for one of the page
    for (const canvas of [this.lower, this.upper]) {
      const [width, height] = [Math.round(this.width * this.dense), Math.round(this.height * this.dense)];
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
      canvas.style.height = `${this.height}px`;
    }
    this.draw();
  }

  // Pixels for one unit; both axes have the same, so that distances mean something.
  unit() {
    const [wide, high] = this.reaches ?? [1, 1];
    return this.zoom * Math.min((this.width / 2 - 18) / wide, (this.height / 2 - 18) / high);
  }

  ofMap([x, y]) {
    const unit = this.unit();
    return [this.width / 2 + (x - this.middle[0]) * unit, this.height / 2 - (y - this.middle[1]) * unit];
  }

  toScreen(i) { return this.ofMap([this.cloud.xy[2 * i], this.cloud.xy[2 * i + 1]]); }

  toMap([x, y]) {
    const unit = this.unit();
    return [this.middle[0] + (x - this.width / 2) / unit, this.middle[1] - (y - this.height / 2) / unit];
  }

  zoomAt(place, factor) {
    const held = this.toMap(place);
    this.zoom = Math.min(ZOOM[1], Math.max(ZOOM[0], this.zoom * factor));
    const now = this.toMap(place);
    this.middle = [this.middle[0] + held[0] - now[0], this.middle[1] + held[1] - now[1]];
    this.draw();
  }

  reset() {
    this.zoom = 1;
    this.middle = [0, 0];
    this.draw();
  }

  // -- drawing, at most once a frame

  draw(layer = 'both') {
    if (layer === 'both') this.stale = true;
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      if (!this.cloud || !this.rgb || !this.width) return;
      if (this.stale) this.paintPoints();
      this.stale = false;
      this.drawMarks();
    });
  }

  radius(i) { return this.radiusOf(this.cloud.sizes[i]); }

  radiusOf(size) {
    const small = this.cloud.count > MANY ? .45 : 1;
    return (1.6 + 4.4 * size / 255) * small * Math.min(2.2, Math.sqrt(this.zoom));
  }

  paintPoints() {
    const {painter, rgb, dense, cloud: {count, xy, sizes}} = this, {width, height} = this.lower;
    const unit = this.unit() * dense, left = width / 2 - this.middle[0] * unit, top = height / 2 + this.middle[1] * unit;
    const ground = rgbOf(ink(this.root, 'shade')), [er, eg, eb] = rgbOf(ink(this.root, 'ink')), looks = this.looksOn(ground);
    const shape = this.shapes(), stamps = this.stamps(0), edges = this.stamps(.75), edge = count > MANY ? .3 : .6;
    painter.begin(width, height, ground);
    this.paintGroups();
    for (let i = 0; i < count; i++) {
      const x = left + xy[2 * i] * unit, y = top - xy[2 * i + 1] * unit;
      if (x < -40 || y < -40 || x > width + 40 || y > height + 40) continue;
      if (looks[i] === EDGED) painter.press(edges(shape(i), sizes[i]), x, y, er, eg, eb, edge);
      painter.press(stamps(shape(i), sizes[i]), x, y, rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], looks[i] === DIM ? FAINT : .9);
    }
    this.lower.getContext('2d').putImageData(painter.image, 0, 0);
  }

  // The stamp of a shape in one of the 256 sizes, wider by some pixels.
  stamps(wider) {
    const known = new Map();
    return (mark, size) => {
      if (!known.has(mark)) known.set(mark, []);
      return known.get(mark)[size] ??= this.painter.stampOf(mark, (this.radiusOf(size) + wider) * this.dense, 0);
    };
  }

  // The shape of a point is that of its colour in the legend; among very many points shapes would be specks.
  shapes() {
    const {rgb, legend, cloud: {count}} = this, marks = new Map(legend.map(([, colour, mark]) => [parseInt(colour.slice(1), 16), mark]));
    if (count > MANY) return () => 'o';
    return i => marks.get(rgb[3 * i] << 16 | rgb[3 * i + 1] << 8 | rgb[3 * i + 2]) ?? 'o';
  }

  // How each point is to be painted: kept until the colours, the ground or the dimming change.
  looksOn(ground) {
    const {rgb, dimmed} = this, name = `${ground} ${dimmed}`;
    if (this.looks?.name === name && this.looks.rgb === rgb) return this.looks.each;
    const kinds = new Map(), each = new Uint8Array(this.cloud.count);
    for (let i = 0; i < each.length; i++) {
      const colour = rgb[3 * i] << 16 | rgb[3 * i + 1] << 8 | rgb[3 * i + 2];
      if (!kinds.has(colour)) kinds.set(colour, lookOf([...rgb.slice(3 * i, 3 * i + 3)], ground, dimmed));
      each[i] = kinds.get(colour);
    }
    this.looks = {name, rgb, each};
    return each;
  }

  // Outlines lie under the points, so that a dense group does not hide its colours.
  paintGroups() {
    const groups = this.model.get('groups');
    for (const name of GROUPS) {
      const [r, g, b] = rgbOf(ink(this.root, name === 'A' ? 'accent' : 'mark'));
      for (const i of groups[name] ?? []) {
        const outline = this.painter.stampOf(name, (this.radius(i) + 2.2) * this.dense, 2 * this.dense);
        const [x, y] = this.toScreen(i);
        if (x < -20 || y < -20 || x > this.width + 20 || y > this.height + 20) continue;
        this.painter.press(outline, x * this.dense, y * this.dense, r, g, b, 1);
      }
    }
  }

  drawMarks() {
    const pen = this.upper.getContext('2d'), selected = this.model.get('selected');
    pen.setTransform(this.dense, 0, 0, this.dense, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    const dark = ink(this.root, 'ink');
    if (selected.length) this.drawNeighbours(pen, selected[0], dark);
    this.drawRings(pen, selected, dark, 2.5);
    if (this.at >= 0) this.drawRings(pen, [this.at], ink(this.root, 'mark'), 2);
    for (const [group, edge] of Object.entries(this.edges)) this.drawLine(pen, group, edge.map(place => this.ofMap(place)));
    if (this.lasso) this.drawLine(pen, this.lasso.group, this.lasso.line);
  }

  drawNeighbours(pen, from, colour) {
    const neighbours = this.model.get('neighbours'), [x, y] = this.toScreen(from);
    pen.beginPath();
    for (const i of neighbours) {
      pen.moveTo(x, y);
      pen.lineTo(...this.toScreen(i));
    }
    pen.strokeStyle = colour;
    pen.lineWidth = 1.2;
    pen.stroke();
    this.drawRings(pen, neighbours, colour, 1.2);
  }

  drawRings(pen, points, colour, width) {
    pen.beginPath();
    for (const i of points) {
      const [x, y] = this.toScreen(i), radius = this.radius(i) + 3;
      pen.moveTo(x + radius, y);
      pen.arc(x, y, radius, 0, 2 * Math.PI);
    }
    for (const [line, wide] of [[ink(this.root, 'paper'), width + 2], [colour, width]]) {
      pen.strokeStyle = line;
      pen.lineWidth = wide;
      pen.stroke();
    }
  }

  drawLine(pen, group, line) {
    pen.beginPath();
    for (const place of line) pen.lineTo(...place);
    pen.closePath();
    pen.setLineDash([5, 3]);
    pen.strokeStyle = ink(this.root, group === 'A' ? 'accent' : 'mark');
    pen.lineWidth = 2;
    pen.stroke();
    pen.setLineDash([]);
  }

  // -- the legend: a category that has points can be clicked, which dims all others

  drawLegend() {
    const {rgb} = this, count = new Map();
    for (let i = 0; i < rgb.length; i += 3) {
      const colour = rgb[i] << 16 | rgb[i + 1] << 8 | rgb[i + 2];
      count.set(colour, (count.get(colour) ?? 0) + 1);
    }
    this.entries.replaceChildren(...this.legend.map(([text, colour, mark]) => {
      const swatch = swatchOf(colour, mark);
      const points = count.get(parseInt(colour.slice(1), 16)), words = element('span', {text});
      if (!points) return element('span', {class: 'entry'}, swatch, words);
      return element('button', {type: 'button', class: 'entry', 'aria-pressed': 'false', 'data-colour': colour,
        'aria-label': `${text}, ${points} points; dim the others`, onclick: () => this.dimOthers(colour)},
      swatch, words, element('span', {class: 'number', text: number(points)}));
    }));
  }

  dimOthers(colour) {
    const rgb = rgbOf(colour);
    this.dimmed = colour && String(this.dimmed) !== String(rgb) ? rgb : null;
    for (const entry of this.entries.querySelectorAll('button'))
      entry.setAttribute('aria-pressed', this.dimmed !== null && String(rgbOf(entry.dataset.colour)) === String(this.dimmed));
    this.draw();
  }

  // -- the pointer

  place(event) {
    const box = this.upper.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  hit(place) {
    return this.cloud ? nearest(this.cloud, ...this.toMap(place), REACH / this.unit()) : -1;
  }

  press(event) {
    if (event.button !== 0 || !this.cloud) return;
    const place = this.place(event), group = event.shiftKey ? 'A' : this.mode === 'pan' ? null : this.mode;
    this.drag = {place, middle: this.middle, moved: false, group};
    this.upper.setPointerCapture(event.pointerId);
  }

  move(event) {
    const place = this.place(event), {drag} = this;
    if (!drag) return this.point(this.hit(place));
    drag.moved ||= Math.hypot(place[0] - drag.place[0], place[1] - drag.place[1]) > 3;
    if (!drag.moved) return undefined;
    this.point(-1);
    if (!drag.group) return this.pan(place);
    this.lasso ??= {group: drag.group, line: [drag.place]};
    this.lasso.line.push(place);
    return this.draw('upper');
  }

  pan([x, y]) {
    const unit = this.unit(), {place, middle} = this.drag;
    this.middle = [middle[0] - (x - place[0]) / unit, middle[1] + (y - place[1]) / unit];
    this.draw();
  }

  release(event) {
    const {drag, lasso} = this;
    this.drop();
    if (lasso) this.cut(lasso);
    else if (drag && !drag.moved) this.select(this.hit(this.place(event)));
  }

  drop() {
    this.drag = this.lasso = null;
    this.draw('upper');
  }

  wheel(event) {
    event.preventDefault();
    if (this.cloud) this.zoomAt(this.place(event), Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) * .0022));
    this.point(-1);
  }

  // Shows which point is meant, by a ring and a tip; nothing moves.
  point(i) {
    if (i === this.at) return;
    this.at = i;
    if (i < 0) this.tip.hide();
    else this.tip.show(this.cloud.names[i], ...this.toScreen(i));
    this.upper.classList.toggle('over', i >= 0);
    this.draw('upper');
  }

  // -- choosing

  select(i) {
    performance.mark('mirnb:click');
    this.notice.act();
    tell(this.model, {selected: i < 0 ? [] : [i], neighbours: []});  // the kernel answers with the new neighbours
    if (i >= 0 && this.cloud.keys.length) this.want(this.cloud.keys[i]);
    this.say();
    this.draw('upper');
  }

  // A player of the same group plays what the page holds at once, without the kernel.
  want(key) { window.dispatchEvent(new CustomEvent('mirnb-want', {detail: {group: this.model.get('group'), key}})); }

  cut({group, line}) {
    performance.mark('mirnb:click');
    const edge = line.map(place => this.toMap(place)), inside = [];
    const xs = edge.map(([x]) => x), ys = edge.map(([, y]) => y);
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    for (let i = 0; i < this.cloud.count; i++) {
      const x = this.cloud.xy[2 * i], y = this.cloud.xy[2 * i + 1];
      if (x >= left && x <= right && y >= low && y <= high && within(x, y, edge) && this.looks.each[i] !== DIM) inside.push(i);
    }
    const edges = {...this.edges, [group]: edge};
    this.setGroups({...this.model.get('groups'), [group]: inside});
    this.edges = edges;  // after the change of the groups, which takes away what was drawn for others
  }

  setGroups(groups) {
    this.notice.act();
    tell(this.model, {groups});
    this.say();
    this.draw();
  }

  clearAll() {
    this.drop();
    this.dimOthers('');
    tell(this.model, {selected: [], neighbours: []});
    this.setGroups({A: [], B: []});
  }

  setMode(mode) {
    this.mode = mode;
    for (const [name, button] of this.modes) button.setAttribute('aria-pressed', name === mode);
    this.upper?.classList.toggle('cutting', mode !== 'pan');
  }

  say() {
    if (!this.cloud) return;
    const [selected, neighbours, groups] = ['selected', 'neighbours', 'groups'].map(name => this.model.get(name));
    const near = neighbours.length ? `, with ${neighbours.length} neighbours` : '';
    const sentences = [!selected.length ? 'Nothing is selected.' :
      selected.length > 1 ? `${number(selected.length)} points are selected.` :
        `${this.cloud.names[selected[0]]} is selected${near}.`];
    for (const name of GROUPS) if (groups[name]?.length) sentences.push(`Group ${name}: ${number(groups[name].length)} points.`);
    this.said.textContent = sentences.join(' ');
    this.clearing.disabled = !selected.length && sentences.length === 1;
  }

  // -- the keyboard

  typed(event) {
    if (!this.cloud || event.ctrlKey || event.metaKey || event.altKey) return;
    const ways = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
    const middle = [this.width / 2, this.height / 2];
    if (ways[event.key]) this.step(ways[event.key]);
    else if (event.key === 'Enter' || event.key === ' ') { if (this.at >= 0) this.gather(this.at); }
    else if (event.key === '+' || event.key === '=') this.zoomAt(middle, 1.3);
    else if (event.key === '-') this.zoomAt(middle, 1 / 1.3);
    else if (event.key === 'Escape') this.clearAll();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // With a lasso in hand a point joins its group, or leaves it: a group without a pointer.
  gather(i) {
    if (this.mode === 'pan') return this.select(i);
    const groups = this.model.get('groups'), now = groups[this.mode] ?? [];
    this.setGroups({...groups, [this.mode]: now.includes(i) ? now.filter(other => other !== i) : [...now, i]});
  }

  step(way) {
    const from = this.at >= 0 ? this.at : this.model.get('selected')[0] ?? this.midmost();
    const to = this.at < 0 && !this.model.get('selected').length ? from : towards(this.cloud, from, way);
    if (to < 0) return;
    this.bring(to);
    this.point(to);
    this.heard.textContent = this.cloud.names[to];
  }

  midmost() { return nearest(this.cloud, ...this.middle, 4); }

  // A point that is out of sight is brought to the middle.
  bring(i) {
    const [x, y] = this.toScreen(i), edge = 24;
    if (x > edge && y > edge && x < this.width - edge && y < this.height - edge) return;
    this.middle = [this.cloud.xy[2 * i], this.cloud.xy[2 * i + 1]];
    this.draw();
  }
}

function render({model, el}) {
  const map = new Map2D(model, el);
  return () => map.stop();
}
export default {render};
