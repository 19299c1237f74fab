
// ---- Numbers, times and colours

const KEEP = 24, KEEP_BYTES = 128 * 2 ** 20;  // clips that the page holds: the kernel counts by the same rule
const TILE = 4096;  // frames a canvas: browsers refuse wider ones than some 32,000
const PATIENCE = 5000;  // ms in which the kernel answers to a choice
const SHORTEST = 0.02;  // s in view at the closest zoom
const SPEEDS = [0.5, 0.75, 1, 1.5, 2];
const KEYS = 'space: play or pause; arrows: 1 s, with shift 0.1 s; Home, End: to the start, to the end; + and -: zoom; 0: all; '
  + 'drag: loop; Escape: no loop; ctrl or alt and wheel: zoom; shift and wheel: move; click on a token: its code';
const MARK_KEYS = 'm: mark the region; i, o: the region begins here, ends here; click on a mark: hear and change it; '
  + 'ctrl and z: undo; ctrl and y: do again';

const clamp = (x, low, high) => Math.max(low, Math.min(high, x));
const percent = p => `${Math.round(100 * p)} %`;
const seconds = t => `${t.toFixed(1)} seconds`;

function clock(t) {
  const tenths = Math.round(10 * t);
  return `${Math.floor(tenths / 600)}:${(tenths % 600 / 10).toFixed(1).padStart(4, '0')}`;
}

// A palette is 256 pixels as a canvas stores them: red in the lowest byte.
const pixel = (r, g, b, a = 255) => (a << 24 | b << 16 | g << 8 | r) >>> 0;

const HEAT = (() => {  // dark to bright in even steps of lightness, after matplotlib's magma
  const stops = [[0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122], [229, 80, 100], [251, 135, 97],
    [254, 194, 135], [252, 253, 191]];
  return Uint32Array.from({length: 256}, (_, value) => {
    const place = value / 255 * (stops.length - 1), k = Math.min(stops.length - 2, Math.floor(place)), part = place - k;
    return pixel(...[0, 1, 2].map(c => Math.round(stops[k][c] * (1 - part) + stops[k + 1][c] * part)));
  });
})();
const GREY = Uint32Array.from({length: 256}, (_, value) => { const v = Math.round(20 + 0.8 * value); return pixel(v, v, v); });
const AGAINST = [74, 160, 255], FOR = [255, 140, 26];  // blue and orange: told apart with every kind of colour vision
const IMPORTANCE = Uint32Array.from({length: 256}, (_, byte) => {
  const value = byte > 127 ? byte - 256 : byte;
  return pixel(...(value < 0 ? AGAINST : FOR), Math.round(165 * Math.min(1, Math.abs(value) / 127) ** 0.7));
});

// Similar codes share a hue; lightness tells neighbours of one hue apart. Text on it is dark where the hue is bright.
function codeColour(code, hue) {
  const degrees = 2 * hue % 360, light = 46 + code * 7 % 5 * 5;
  return {fill: `hsl(${degrees} 58% ${light}%)`, text: degrees > 210 && degrees < 290 && light < 60 ? '#fff' : '#111'};
}

// Hz at a height of a picture, where its ticks say so: even steps of Mel between two ticks.
function hertzAt(ticks, fraction) {
  const known = ticks.map(([at, text]) => [at, /^([\d.]+)\s*(k?)\s*(hz)?$/i.exec(text.trim())]).filter(([, match]) => match)
    .map(([at, match]) => [at, 1127 * Math.log1p(match[1] * (match[2] ? 1000 : 1) / 700)]).sort((a, b) => a[0] - b[0]);
  if (known.length < 2) return null;
  const above = clamp(known.findIndex(([at]) => at >= fraction), 1, known.length - 1) || 1;
  const k = fraction > known.at(-1)[0] ? known.length - 1 : above;
  const [[a, low], [b, high]] = [known[k - 1], known[k]];
  const mel = low + (high - low) * (fraction - a) / (b - a || 1);
  return mel > 0 ? 700 * Math.expm1(mel / 1127) : null;
}

const hertzText = hz => hz < 1000 ? `${Math.round(hz)} Hz` : `${(hz / 1000).toFixed(hz < 10000 ? 2 : 1)} kHz`;

// ---- What the page holds

// The clips that were sent, newest last. A clip is a header and its parts by name; a part that did not change is not sent twice.
class Shelf {
  constructor(dropped) {
    this.clips = new Map();
    this.dropped = dropped;
  }

  // The clip that a message describes; null where the kernel thinks that the page holds a part, and it does not.
  take(header, buffers) {
    const old = this.clips.get(header.key);
    const sent = new Map(header.parts.map((name, i) => [name, buffers[i]]));
    const parts = new Map();
    for (const name of header.needs) {
      if (sent.has(name)) parts.set(name, name === header.sound ? soundOf(sent.get(name), header.mime) : bytes(sent.get(name)));
      else if (old && old.parts.has(name)) parts.set(name, old.parts.get(name));
      else return null;
    }
    const size = [...parts.values()].reduce((sum, part) => sum + (part.size ?? part.byteLength), 0);
    const clip = {header, parts, size, pictures: new Map(), pcm: null};
    this.clips.delete(header.key);
    this.clips.set(header.key, clip);
    this.drop();
    return clip;
  }

  // A clip that is wanted becomes the newest.
  find(key) {
    const clip = this.clips.get(key);
    if (clip) {
      this.clips.delete(key);
      this.clips.set(key, clip);
    }
    return clip;
  }

  drop() {
    const keys = [];
    let size = [...this.clips.values()].reduce((sum, clip) => sum + clip.size, 0);
    for (const [key, clip] of this.clips) {
      if (this.clips.size === 1 || (this.clips.size <= KEEP && size <= KEEP_BYTES)) break;
      this.clips.delete(key);
      size -= clip.size;
      keys.push(key);
    }
    if (keys.length) this.dropped(keys);
  }
}

const soundOf = (view, type) => new Blob([bytes(view)], {type});

// ---- The stage: one <audio> a model, however many views show it

class Stage {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.shelf = new Shelf(keys => model.send({do: 'dropped', keys}));
    this.marks = new Map();  // {track: rows}, once somebody keeps marks
    this.labels = [];
    this.wants = [];  // keys that were chosen in a list of the same group and that the kernel has not answered yet
    this.drawn = null;
    this.region = null;
    this.looping = false;
    this.trouble = '';
    this.waiting = null;  // {at, play}: what to do once the sound is loaded and somebody looks on
    this.before = 0;  // s, at the last look: a loop turns where its end is crossed, not where one clicks behind it
    this.pushed = 0;
    this.ending = new AbortController();
    this.audio = element('audio', {class: 'mirnb-audio', preload: 'auto'});
    document.body.append(this.audio);
    this.listen();
    model.on('msg:custom', (message, buffers) => this.hear(message, buffers || []));
    model.send({do: 'ready', loopback: ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname)});
  }

  listen() {
    const {signal} = this.ending;
    const on = (name, act) => this.audio.addEventListener(name, act, {signal});
    on('loadedmetadata', () => this.loaded());
    on('play', () => this.started());
    on('playing', () => performance.mark('mirnb:playing'));
    on('pause', () => this.stopped());
    on('ended', () => this.ended());
    on('seeking', () => { this.before = this.audio.currentTime; });
    on('seeked', () => this.moved());
    on('timeupdate', () => { this.turn(); this.moved(); });
    on('error', () => this.failed());
    window.addEventListener('mirnb-play', event => { if (event.detail !== this.audio) this.audio.pause(); }, {signal});
    window.addEventListener('mirnb-want', event => this.want(event.detail), {signal});
  }

  each(method, ...values) { for (const view of this.views) view[method](...values); }

  say(text) {
    this.trouble = text;
    this.each('say', text);
  }

  // -- what the kernel says

  hear(message, buffers) {
    if (message.do === 'show') this.show(message, buffers);
    else if (message.do === 'seek') this.seek(message.at);
    else if (message.do === 'play') this.play();
    else if (message.do === 'pause') this.pause();
    else if (message.do === 'loop') this.loop(message.region);
    else if (message.do === 'marks') this.mark(message);
  }

  mark({track, rows, labels}) {
    this.marks.set(track, rows);
    this.labels = labels;
    this.each('marked', track);
  }

  track() { return this.drawn ? this.drawn.header.track : ''; }
  marked() { return this.marks.get(this.track()) || []; }

  show(message, buffers) {
    const clip = this.shelf.take(message, buffers);
    if (!clip) return this.lacks(message);
    const answer = this.answered(message.key);
    if (answer === 'late') return;  // another one was chosen since
    const there = this.drawn && this.drawn.header.key === message.key && this.drawn.header.sound === message.sound;
    const goesOn = there && (message.again || (answer === 'heard' && !message.at));
    this.open(clip, there);
    if (!goesOn) this.start(message.at, message.play);
  }

  lacks(message) {
    if (message.again) this.say(`${message.title}: did not arrive whole; choose it again.`);
    else this.model.send({do: 'want', key: message.key, at: message.at, play: message.play});
  }

  // A click in a list of the same group: what the page holds sounds at once, kernel or no kernel.
  want({group, key}) {
    if (!group || group !== this.model.get('group')) return;
    key = String(key);
    const clip = this.shelf.find(key);
    this.forget();
    this.wants.push({key, when: performance.now(), heard: Boolean(clip)});
    if (!clip) return;
    this.open(clip, this.drawn && this.drawn.header.sound === clip.header.sound);
    this.start(0, true);
  }

  // Whether what the kernel shows now is already heard, or too late, or news. It answers in order, but may leave some out.
  answered(key) {
    this.forget();
    const place = this.wants.findIndex(want => want.key === key);
    if (place < 0) {
      this.wants = [];
      return 'news';
    }
    const {heard} = this.wants[place], newest = this.wants.at(-1).key === key;
    this.wants.splice(0, place + 1);
    if (newest) for (const want of this.wants) want.heard ||= want.key === key;
    return !newest ? 'late' : heard ? 'heard' : 'news';
  }

  // What was not answered within some seconds, such as a file that is gone, is no longer waited for.
  forget() { this.wants = this.wants.filter(want => performance.now() - want.when < PATIENCE); }

  // -- sound

  open(clip, there) {
    const other = !this.drawn || this.drawn.header.key !== clip.header.key;
    if (there && this.drawn !== clip) Object.assign(clip, {pcm: this.drawn.pcm, pictures: this.drawn.pictures});
    if (this.drawn && this.drawn !== clip) Object.assign(this.drawn, {pcm: null, pictures: new Map()});
    this.drawn = clip;
    if (!there) this.load(clip.parts.get(clip.header.sound));
    if (other) this.setLoop(null, false);
    this.each('open', other);
    tell(this.model, {shown: clip.header.key});
  }

  load(sound) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.say('');
    this.waiting = {at: 0, play: false};
    this.url = URL.createObjectURL(sound);
    this.audio.src = this.url;
    this.stopped();  // a new source silences the old one, but tells nobody
  }

  loaded() {
    tell(this.model, {duration: Number.isFinite(this.audio.duration) ? this.audio.duration : this.drawn.header.duration});
    this.go();
  }

  start(at, play) {
    this.waiting = {at, play};
    this.go();
  }

  // Needs both: a sound that is loaded, and a view, since nothing may sound that nobody sees.
  go() {
    if (!this.waiting || !this.audio.readyState) return;
    const {at, play} = this.waiting;
    this.waiting = play && !this.views.size ? {at, play} : null;
    if (Math.abs(this.audio.currentTime - at) > 1e-3) this.audio.currentTime = at;
    if (play && this.views.size) this.play();
    else if (!play) this.pause();
  }

  play() {
    if (!this.drawn) return;
    if (!this.audio.readyState || !this.views.size) {
      this.waiting = {at: this.waiting ? this.waiting.at : this.audio.currentTime, play: true};
      return;
    }
    this.audio.play().catch(error => {
      if (error.name === 'NotAllowedError') this.say('The browser starts no sound by itself: press play.');
      else if (error.name !== 'AbortError' && !this.audio.error) this.say(`The sound does not start (${error.message}).`);
    });
  }

  pause() {
    if (this.waiting) this.waiting.play = false;
    this.audio.pause();
  }

  toggle() { this.audio.paused ? this.play() : this.pause(); }

  seek(t) {
    const at = clamp(t, 0, this.duration());
    if (this.audio.readyState) this.audio.currentTime = at;
    else if (this.waiting) this.waiting.at = at;
    this.each('moved');
  }

  speed(rate) {
    this.audio.defaultPlaybackRate = this.audio.playbackRate = rate;
    tell(this.model, {rate});
  }

  time() { return this.waiting && !this.audio.readyState ? this.waiting.at : this.audio.currentTime; }
  duration() { return this.drawn ? this.drawn.header.duration : 0; }

  started() {
    window.dispatchEvent(new CustomEvent('mirnb-play', {detail: this.audio}));
    this.say('');
    tell(this.model, {playing: true});
    this.each('playing', true);
    cancelAnimationFrame(this.frame);
    this.tick();
  }

  stopped() {
    tell(this.model, {playing: false});
    this.each('playing', false);
    this.moved();
  }

  ended() {
    if (!this.looping || this.region[1] < this.audio.duration - 0.1) return;
    this.audio.currentTime = this.region[0];
    this.play();
  }

  failed() {
    if (!this.audio.error || !this.drawn) return;
    this.waiting = null;
    const why = this.audio.error.message || `media error ${this.audio.error.code}`;
    this.say(`${this.drawn.header.title}: the browser cannot decode this sound (${why}).`);
  }

  tick() {
    if (this.audio.paused) return;
    this.turn();
    this.each('tick');
    this.frame = requestAnimationFrame(() => this.tick());
  }

  turn() {
    const now = this.audio.currentTime;
    if (this.looping && this.before < this.region[1] && now >= this.region[1]) this.audio.currentTime = this.region[0];
    this.before = this.audio.currentTime;
  }

  moved() {
    this.push();
    this.each('moved');
  }

  // The kernel hears of the time at most five times a second, and of the last one always.
  push() {
    if (this.later) return;
    const rest = 200 - (performance.now() - this.pushed);
    if (rest > 0) this.later = setTimeout(() => { this.later = null; this.push(); }, rest);
    else {
      this.pushed = performance.now();
      tell(this.model, {time: Math.round(1000 * this.audio.currentTime) / 1000});
    }
  }

  // -- loop

  setLoop(region, looping) {
    this.region = region;
    this.looping = Boolean(region) && looping;
    tell(this.model, {region: this.looping ? this.region : []});
    this.each('looped');
  }

  loop(region) {
    if (!region) return this.setLoop(null, false);
    const [start, end] = region.map(t => clamp(t, 0, this.duration()));
    if (end - start < 0.01) return this.setLoop(null, false);
    this.setLoop([start, end], true);
    this.seek(start);
  }

  // -- the samples, for a close look: decoded once, and only when somebody zooms in

  samples() {
    const clip = this.drawn;
    if (clip.pcm) return clip.pcm.values;
    clip.pcm = {values: null};
    const context = new OfflineAudioContext(1, 1, clamp(clip.header.sr, 8000, 96000));
    clip.parts.get(clip.header.sound).arrayBuffer().then(data => context.decodeAudioData(data)).then(decoded => {
      if (!clip.pcm) return;  // another clip is drawn by now
      clip.pcm.values = decoded.getChannelData(0);
      this.each('redraw');
    }).catch(() => {});  // then the overview stays; whether it can be heard is told by the <audio>
    return null;
  }

  // -- views come and go

  join(view) {
    this.views.add(view);
    this.go();
  }

  leave(view) {
    this.views.delete(view);
    if (!this.views.size) this.pause();
  }

  close() {
    this.ending.abort();
    clearTimeout(this.later);
    this.audio.pause();
    this.audio.remove();
    if (this.url) URL.revokeObjectURL(this.url);
  }
}

// ---- Drawing: each lane has a height and a function that draws it

const WAVE = 54, PICTURE = 116, CODES = 26, SPAN = 22, GAP = 7, AXIS = 22, FONT = '11px system-ui, "DejaVu Sans", sans-serif';

// Spans that overlap, such as segments that share seconds, lie in rows under each other.
function rowsOf(spans) {
  const ends = [];
  return spans.map(([start, end]) => {
    let row = ends.findIndex(last => last <= start + 1e-6);
    if (row < 0) row = ends.length;
    ends[row] = end;
    return row;
  });
}

// The lanes of a clip with their place from the top; the wave is the first, but for marks where they are kept.
function layOut(clip, marks) {
  let y = 0;
  const place = (lane, height) => {
    const placed = {...lane, y, height};
    y += height + GAP;
    return placed;
  };
  const lanes = [];
  if (marks) {
    const at = rowsOf(marks.map(([, start, end]) => [start, end]));
    lanes.push(place({kind: 'marks', name: 'marks', rows: marks, at}, SPAN * (1 + Math.max(0, ...at))));
  }
  lanes.push(place({kind: 'wave', name: 'wave'}, WAVE));
  for (const lane of clip.header.lanes) {
    if (lane.kind === 'picture') lanes.push(place(lane, PICTURE));
    if (lane.kind === 'codes') lanes.push(place({...lane, values: codesOf(clip, lane), table: clip.parts.get(lane.hues)}, CODES));
    if (lane.kind === 'spans') {
      const rows = rowsOf(lane.rows);
      lanes.push(place({...lane, at: rows}, SPAN * (1 + Math.max(0, ...rows))));
    }
  }
  return {lanes, height: y - GAP + AXIS};
}

const codesOf = (clip, lane) => new Uint16Array(clip.parts.get(lane.codes).buffer);

// Canvases of a picture, made once a clip and palette.
function tilesOf(clip, part, [bands, frames], palette, name) {
  const known = `${part} ${name}`;
  if (!clip.pictures.has(known)) {
    const values = clip.parts.get(part), tiles = [];
    for (let from = 0; from < frames; from += TILE) tiles.push(tileOf(values, bands, frames, from, palette));
    clip.pictures.set(known, tiles);
  }
  return clip.pictures.get(known);
}

function tileOf(values, bands, frames, from, palette) {
  const width = Math.min(TILE, frames - from);
  const canvas = element('canvas', {width, height: bands});
  const g = canvas.getContext('2d'), image = g.createImageData(width, bands), pixels = new Uint32Array(image.data.buffer);
  for (let band = 0; band < bands; band++) {  // the low band lies at the bottom
    const source = band * frames + from, target = (bands - 1 - band) * width;
    for (let x = 0; x < width; x++) pixels[target + x] = palette[values[source + x]];
  }
  g.putImageData(image, 0, 0);
  return {canvas, from, width};
}

function drawTiles(pen, tiles, bands, rate, start, lane) {
  const {g, from, to, x} = pen;
  g.imageSmoothingEnabled = x(1 / rate) - x(0) < 1;  // many frames a pixel: their mean; else plain cells
  g.imageSmoothingQuality = 'medium';
  for (const tile of tiles) {
    const first = Math.max(tile.from, (from - start) * rate), last = Math.min(tile.from + tile.width, (to - start) * rate);
    if (last <= first) continue;
    const left = x(start + first / rate), width = x(start + last / rate) - left;
    g.drawImage(tile.canvas, first - tile.from, 0, last - first, bands, left, lane.y, width, lane.height);
  }
}

function drawPicture(pen, lane) {
  const over = lane.over && pen.importance, [bands, frames] = lane.shape;
  const tiles = tilesOf(pen.clip, lane.values, lane.shape, over ? GREY : HEAT, over ? 'grey' : 'heat');
  drawTiles(pen, tiles, bands, lane.rate, lane.start, lane);
  if (!over) return;
  const rate = lane.over_shape[1] / (frames / lane.rate);  // it covers the same seconds, whatever its own resolution
  const heat = tilesOf(pen.clip, lane.over, lane.over_shape, IMPORTANCE, 'importance');
  drawTiles(pen, heat, lane.over_shape[0], rate, lane.start, lane);
}

// Lowest and highest value in each column of pixels, as [low, high] in -1..1; from the overview, or nearer by from the samples.
function reachOf(pen, a, b) {
  const {clip: {header}, overview, samples} = pen, source = samples || overview;
  const count = samples ? samples.length : overview.length / 2;
  const first = clamp(Math.floor(a / header.duration * count), 0, count - 1);
  const last = clamp(Math.ceil(b / header.duration * count), first + 1, count);
  let low = Infinity, high = -Infinity;
  for (let k = first; k < last; k++) {
    low = Math.min(low, samples ? source[k] : source[2 * k]);
    high = Math.max(high, samples ? source[k] : source[2 * k + 1]);
  }
  const scale = samples ? header.peak : 127;
  return [low / scale, high / scale];
}

function drawWave(pen, lane) {
  const {g, left, right, t, samples, clip: {header}} = pen;
  const middle = lane.y + lane.height / 2, half = lane.height / 2 - 1, step = 1 / pen.dense;
  g.fillStyle = g.strokeStyle = pen.ink('accent');
  if (samples && (pen.to - pen.from) * header.sr < 2 * (right - left)) return drawLine(pen, middle, half);
  const end = Math.min(right, pen.x(header.duration));
  for (let x = left; x < end; x += step) {
    const [low, high] = reachOf(pen, t(x), t(x + step));
    g.fillRect(x, middle - high * half, step, Math.max(1, (high - low) * half));
  }
}

// So near that each sample has its pixel: a line through them.
function drawLine(pen, middle, half) {
  const {g, samples, from, to, x, clip: {header}} = pen, rate = samples.length / header.duration;
  g.lineWidth = 1.25;
  g.beginPath();
  const last = Math.min(samples.length - 1, Math.ceil(to * rate));
  for (let k = Math.max(0, Math.floor(from * rate)); k <= last; k++) {
    g.lineTo(x(k / rate), middle - samples[k] / header.peak * half);
  }
  g.stroke();
}

// Far away each column of pixels shows the one code at its middle; near by each token is a cell, with its number where it fits.
function drawCodes(pen, lane) {
  const {g, from, to, x, t, left, right} = pen, {values, table, rate} = lane;
  const wide = x(1 / rate) - x(0), step = 1 / pen.dense;
  if (wide >= 1) return drawCells(pen, lane, wide);
  const end = Math.min(right, x(values.length / rate));
  for (let column = left; column < end; column += step) {
    const code = values[Math.min(values.length - 1, Math.floor(t(column + step / 2) * rate))];
    g.fillStyle = codeColour(code, table[code]).fill;
    g.fillRect(column, lane.y, step, lane.height);
  }
}

function drawCells(pen, lane, wide) {
  const {g, from, to, x} = pen, {values, table, rate} = lane;
  const numbers = wide > g.measureText(String(table.length)).width + 6, gap = wide > 5 ? 1 : 0;
  const last = Math.min(values.length, Math.ceil(to * rate));
  g.textAlign = 'center';
  for (let i = Math.max(0, Math.floor(from * rate)); i < last; i++) {
    const colour = codeColour(values[i], table[values[i]]);
    g.fillStyle = colour.fill;
    g.fillRect(x(i / rate), lane.y, wide - gap, lane.height);
    if (!numbers) continue;
    g.fillStyle = colour.text;
    g.fillText(values[i], x((i + 0.5) / rate), lane.y + lane.height / 2);
  }
}

const SIGNS = {true: '✓', false: '✗', null: ''};

// What has room of sign, text and probability: all, or the text as far as it goes, or the sign alone.
function spanLabel(g, room, sign, text, p) {
  const named = `${sign} ${text}`.trim(), whole = `${named} ${percent(p)}`;
  if (g.measureText(whole).width <= room) return whole;
  return room >= 34 || !sign && room >= 12 ? cut(g, named, room) : cut(g, sign, room);
}

// A span: its text and probability, a sign for right and wrong, and a bar as long as the probability.
function drawSpan(pen, [start, end, text, p, right], y) {
  const {g, x} = pen, height = SPAN - 2;
  const a = Math.max(pen.left, x(start)) + 0.5, b = Math.min(pen.right, x(end)) - 0.5;
  if (b <= a) return;
  g.fillStyle = pen.ink(right == null ? 'accent' : right ? 'right' : 'wrong');
  g.globalAlpha = 0.18;
  g.fillRect(a, y, b - a, height);
  g.globalAlpha = 1;
  g.fillRect(a, y + height - 3, (b - a) * p, 3);
  g.fillStyle = pen.ink('ink');
  g.textAlign = 'left';
  g.fillText(spanLabel(g, b - a - 6, SIGNS[right], text, p), a + 4, y + (height - 2) / 2);
}

function drawSpans(pen, lane) { lane.rows.forEach((row, i) => drawSpan(pen, row, lane.y + SPAN * lane.at[i])); }

// A label has a colour, a shape and a hatch of its own, so that none of them is needed to tell two apart.
const OWN = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00'], SHAPES = ['●', '■', '▲', '◆', '▼', '★'];
const STROKES = [[[0, 8, 8, 0]], [[0, 0, 8, 8]], [[4, 0, 4, 8]], [[0, 4, 8, 4]], [[4, 0, 4, 8], [0, 4, 8, 4]], [[0, 8, 8, 0], [0, 0, 8, 8]]];

function lookOf(label, labels) {
  let i = labels.indexOf(label);
  if (i < 0) i = labels.length + [...label].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % OWN.length;
  const turn = Math.floor(i / OWN.length);
  return {colour: OWN[i % OWN.length], shape: SHAPES[(i + turn) % SHAPES.length], strokes: STROKES[(i + turn) % STROKES.length]};
}

function hatchOf(g, {colour, strokes}) {
  const tile = element('canvas', {width: 8, height: 8}), pen = tile.getContext('2d');
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const [x, y, to, down] of strokes) { pen.moveTo(x, y); pen.lineTo(to, down); }
  pen.stroke();
  return g.createPattern(tile, 'repeat');
}

function drawMarks(pen, lane) {
  const {g, x} = pen, height = SPAN - 2;
  lane.rows.forEach(([name, start, end, label], i) => {
    const a = Math.max(pen.left, x(start)), b = Math.min(pen.right, Math.max(x(end), x(start) + 2)), y = lane.y + SPAN * lane.at[i];
    if (b <= a) return;
    const look = lookOf(label, pen.labels);
    g.fillStyle = hatchOf(g, look);
    g.fillRect(a, y, b - a, height);
    g.strokeStyle = look.colour;
    g.lineWidth = name === pen.chosen ? 3 : 1.5;
    g.strokeRect(a + 1, y + 1, b - a - 2, height - 2);
    const text = cut(g, `${look.shape} ${label}`.trim(), b - a - 12);
    if (!text) return;
    g.fillStyle = pen.ink('paper');
    g.fillRect(a + 4, y + 3, g.measureText(text).width + 4, height - 6);
    g.fillStyle = pen.ink('ink');
    g.textAlign = 'left';
    g.fillText(text, a + 6, y + height / 2);
  });
}

const DRAW = {marks: drawMarks, wave: drawWave, picture: drawPicture, codes: drawCodes, spans: drawSpans};

// -- beside and under the lanes

// A text cut to a width, with an ellipsis where it was cut.
function cut(g, text, room) {
  if (g.measureText(text).width <= room) return text;
  while (text && g.measureText(`${text}…`).width > room) text = text.slice(0, -1);
  return text && `${text}…`;
}

// A name in as many lines as fit, broken between words.
function linesOf(g, name, room, most) {
  const lines = [];
  for (const word of name.split(' ')) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && (lines.length >= most || g.measureText(longer).width <= room)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map(line => cut(g, line, room));
}

function drawGutter(pen, lane) {
  const {g, left} = pen, room = left - 10, ticks = lane.ticks || [];
  const lines = linesOf(g, lane.name, room, ticks.length ? 2 : Math.max(1, Math.floor(lane.height / 13)));
  const top = ticks.length ? lane.y + 6 : lane.y + lane.height / 2 - 6.5 * (lines.length - 1);
  g.fillStyle = pen.ink('ink');
  g.textAlign = 'right';
  lines.forEach((line, i) => g.fillText(line, left - 6, top + 13 * i));
  g.fillStyle = pen.ink('faint');
  let lowest = top + 13 * lines.length - 1;  // no tick label over the name, nor over another one
  for (const [fraction, text] of [...ticks].sort((a, b) => b[0] - a[0])) {
    const y = lane.y + lane.height * (1 - fraction);
    if (y < lowest) continue;
    g.fillRect(left - 3, y - 0.5, 3, 1);
    g.fillText(cut(g, text, room), left - 6, Math.min(y, lane.y + lane.height - 5));
    lowest = y + 12;
  }
}

function drawAxis(pen, y) {
  const {g, from, to, x, left, right} = pen;
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
  const step = steps.find(s => x(s) - x(0) >= 64) || 1200;
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const minutes = t => `${Math.floor(t / 60)}:${(t % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, '0')}`;
  const label = t => t >= 60 || step >= 60 ? minutes(t + 1e-7) : `${t.toFixed(digits)} s`;  // 119.99999 is 2:00, not 1:60
  g.fillStyle = pen.ink('line');
  g.fillRect(left, y, right - left, 1);
  g.textAlign = 'center';
  g.fillStyle = pen.ink('faint');
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to + 1e-9; k++) {
    const place = x(k * step), text = label(k * step), half = g.measureText(text).width / 2;
    g.fillRect(place - 0.5, y, 1, 4);
    g.fillText(text, clamp(place, left + half, right - half), y + 13);
  }
}

// ---- One view

class View {
  constructor(stage, model, el) {
    this.stage = stage;
    this.model = model;
    this.from = 0;
    this.to = 1;
    this.importance = true;
    this.build(el);
    this.form = new MarkForm(this);
    this.root.append(this.form.chips, this.form.root);
    this.notice = noticeLine(model, this.root);
    this.tip = tipOver(this.area);
    this.ending = new AbortController();
    this.watch();
    stage.join(this);
    this.open(true);
    this.playing(!stage.audio.paused);
    this.say(stage.trouble);
  }

  // -- the page's elements

  build(el) {
    const button = (text, label, onclick) => element('button', {type: 'button', text, 'aria-label': named(text, label), title: label, onclick});
    this.button = button('', 'play', () => this.act(() => this.stage.toggle()));
    this.button.className = 'mirnb-play';
    this.title = element('span', {class: 'mirnb-title', text: 'no clip yet'});
    this.tags = element('span', {class: 'mirnb-tags'});
    this.time = element('span', {class: 'mirnb-time', text: '0:00.0'});
    this.loopButton = button('loop', 'loop the region, or what is in view', () => this.act(() => this.toggleLoop()));
    this.heatButton = button('importance', 'show what speaks for and against', () => this.toggleImportance());
    const zoom = element('span', {class: 'mirnb-set', role: 'group', 'aria-label': 'zoom'}, 'zoom',
      button('−', 'zoom out', () => this.zoom(2)), button('+', 'zoom in', () => this.zoom(0.5)),
      button('all', 'show all', () => this.all()));
    this.legend = this.buildLegend();
    this.heatButton.hidden = this.legend.hidden = true;
    this.marking = element('span', {class: 'mirnb-set', role: 'group', 'aria-label': 'marks'},
      button('mark', 'mark the region, or a second from the playhead on', () => this.form.add()),
      button('undo', 'take back the last mark', () => this.sendMark({act: 'undo'})));
    this.marking.hidden = true;
    this.buildArea();
    this.keysList = element('div', {}, ...KEYS.split('; ').map(text => element('div', {text})));
    const tools = element('div', {class: 'mirnb-tools'}, zoom, this.buildSpeed(), this.loopButton, this.heatButton, this.legend,
      this.marking, element('details', {class: 'mirnb-keys'}, element('summary', {text: 'keys'}), this.keysList));
    const what = element('div', {class: 'mirnb-what'}, this.title, this.tags);
    this.root = element('div', {class: 'mirnb mirnb-player', role: 'group', 'aria-label': 'player',
      'data-lm-suppress-shortcuts': 'true'},  // JupyterLab's own keys, such as 0 0 for a new kernel, stay out
    element('div', {class: 'mirnb-head'}, this.button, what, this.time), tools, this.area, this.words);
    el.append(this.root);
  }

  buildSpeed() {
    this.speed = element('select', {'aria-label': 'speed'}, ...SPEEDS.map(v => element('option', {value: v, text: `${v}×`})));
    this.speed.value = this.stage.audio.playbackRate;
    this.speed.addEventListener('change', () => this.act(() => this.stage.speed(Number(this.speed.value))));
    return element('label', {class: 'mirnb-set'}, 'speed', this.speed);
  }

  buildLegend() {
    const swatch = colour => element('i', {class: 'mirnb-swatch', style: `background: rgb(${colour.join(' ')})`});
    return element('span', {class: 'mirnb-legend'}, swatch(AGAINST), 'speaks against', swatch(FOR), 'speaks for');
  }

  // The lanes, and over them the region and the playhead; as a whole it is the slider of time.
  buildArea() {
    this.canvas = element('canvas', {'aria-hidden': 'true', width: 0, height: 0});
    this.g = this.canvas.getContext('2d');
    this.band = element('div', {class: 'mirnb-region'});
    this.head = element('div', {class: 'mirnb-playhead'});
    this.words = element('div', {class: 'mirnb-hidden', id: `mirnb-${Math.random().toString(36).slice(2)}`});
    this.area = element('div', {class: 'mirnb-area', role: 'slider', tabindex: 0, 'aria-label': 'time', 'aria-valuemin': 0,
      'aria-valuemax': 0, 'aria-valuenow': 0, 'aria-describedby': this.words.id}, this.canvas, this.band, this.head);
  }

  watch() {
    const {signal} = this.ending;
    const on = (node, name, act, more) => node.addEventListener(name, act.bind(this), {signal, ...more});
    on(this.area, 'pointerdown', this.press);
    on(this.area, 'pointermove', this.move);
    on(this.area, 'pointerup', this.release);
    on(this.area, 'pointercancel', this.cancel);
    on(this.area, 'pointerleave', () => this.tip.hide());
    on(this.area, 'wheel', this.wheel, {passive: false});
    on(this.root, 'keydown', this.key);
    on(matchMedia('(prefers-color-scheme: dark)'), 'change', this.redraw);
    this.resized = new ResizeObserver(() => this.redraw());
    this.resized.observe(this.area);
    this.themed = new MutationObserver(() => {
      this.redraw();
      setTimeout(() => this.redraw(), 500);  // the theme's own style sheet may come after its name
    });
    this.themed.observe(document.body, {attributes: true, attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name']});
  }

  // What a user does: marked for the clock, and the kernel is asked whether it lives.
  act(work) {
    performance.mark('mirnb:click');
    this.notice.act();
    work();
  }

  // -- what the stage says

  open(other) {
    const {drawn} = this.stage;
    if (!drawn) return this.redraw();
    const {title, tags, duration, lanes} = drawn.header;
    if (other) [this.from, this.to] = [0, duration];
    if (other) this.form.close();
    this.placeMarks();
    this.title.textContent = this.title.title = title;
    this.tags.replaceChildren(...tags.map(pill));
    this.words.textContent = wordsOf(lanes);
    const heat = lanes.some(lane => lane.over);
    this.heatButton.hidden = !heat;
    this.heatButton.setAttribute('aria-pressed', this.importance);
    this.legend.hidden = !heat || !this.importance;
    this.fresh = true;
    this.looped();
    this.moved();
    this.redraw();
  }

  // -- marks

  placeMarks() {
    const {stage} = this, markable = stage.marks.size > 0;
    if (markable && this.marking.hidden) this.keysList.append(...MARK_KEYS.split('; ').map(text => element('div', {text})));
    this.marking.hidden = !markable;
    this.plan = layOut(stage.drawn, markable ? stage.marked() : null);
    this.form.list();
  }

  marked(track) {
    if (!this.stage.drawn) return;
    if (track === this.stage.track()) this.form.answered();
    this.placeMarks();
    this.redraw();
  }

  sendMark(what) { this.act(() => this.model.send({do: 'mark', ...what})); }

  hearMark([, start, end]) {
    this.stage.loop([start, end]);
    if (start < this.from || end > this.to) this.show(start - 0.1 * (this.to - this.from));
    this.stage.play();
  }

  // The region begins, or ends, where the playhead is.
  bound(begins) {
    const {stage} = this, now = stage.time(), [start, end] = stage.region || [0, stage.duration()];
    const region = begins ? [now, end > now ? end : stage.duration()] : [start < now ? start : 0, now];
    if (region[1] > region[0]) stage.setLoop(region, false);
  }

  playing(yes) {
    this.button.classList.toggle('mirnb-on', yes);
    this.button.title = yes ? 'pause' : 'play';
    this.button.setAttribute('aria-label', this.button.title);
  }

  say(text) { this.notice.say(text); }

  // In each picture of the screen: playhead and time; the view follows where the playhead leaves it.
  tick() {
    const now = this.stage.time();
    if (this.inside && !this.sees(now)) this.show(now - 0.05 * (this.to - this.from));
    this.inside = this.sees(now);
    this.placeHead(now);
  }

  moved() {
    const now = this.stage.time(), duration = this.stage.duration();
    this.tick();
    this.area.setAttribute('aria-valuemax', duration.toFixed(2));
    this.area.setAttribute('aria-valuenow', now.toFixed(2));
    this.area.setAttribute('aria-valuetext', `${seconds(now)} of ${seconds(duration)}`);
  }

  looped() {
    const {region, looping} = this.stage;
    this.loopButton.setAttribute('aria-pressed', looping);
    this.placeBand(this.drag && this.drag.region || region, looping);
  }

  // -- places

  gutter() { return this.left || 0; }
  sees(t) { return t >= this.from && t <= this.to; }
  width() { return this.area.clientWidth; }
  x(t) { return this.gutter() + (t - this.from) / (this.to - this.from) * (this.width() - this.gutter()); }
  t(x) { return this.from + (x - this.gutter()) / (this.width() - this.gutter()) * (this.to - this.from); }

  placeHead(now) {
    const x = this.x(now), text = `${clock(now)} / ${clock(this.stage.duration())}`;
    this.head.style.display = this.stage.drawn && this.sees(now) ? 'block' : 'none';
    this.head.style.transform = `translateX(${Math.min(x, this.width() - 1)}px)`;
    if (this.time.textContent !== text) this.time.textContent = text;
  }

  placeBand(region, looping) {
    const [a, b] = region ? region.map(t => clamp(this.x(t), this.gutter(), this.width())) : [0, 0];
    this.band.style.display = region && b > a ? 'block' : 'none';
    this.band.style.left = `${a}px`;
    this.band.style.width = `${b - a}px`;
    this.band.classList.toggle('mirnb-off', !looping && !this.drag);
  }

  // -- zoom and pan

  // The window begins at `from` and is as long as it was, or `span` s; it never leaves the clip.
  show(from, span = this.to - this.from) {
    const duration = this.stage.duration();
    if (!duration) return;
    span = clamp(span, Math.min(SHORTEST, duration), duration);
    this.from = clamp(from, 0, duration - span);
    this.to = this.from + span;
    this.inside = this.sees(this.stage.time());  // a view that was moved away from the playhead stays there
    this.looped();
    this.redraw();
  }

  zoom(factor, around = null) {
    const now = this.stage.time(), centre = around ?? (this.sees(now) ? now : (this.from + this.to) / 2);
    this.show(centre - (centre - this.from) * factor, (this.to - this.from) * factor);
  }

  all() { this.show(0, this.stage.duration()); }

  wheel(event) {
    const way = event.deltaY || event.deltaX;  // with shift some systems turn the wheel sideways
    if (event.ctrlKey || event.altKey) this.zoom(Math.exp(clamp(way, -200, 200) / 400), this.t(this.at(event)[0]));
    else if (event.shiftKey) this.show(this.from + clamp(way, -200, 200) / 800 * (this.to - this.from));
    else return;
    event.preventDefault();
  }

  // -- keys

  key(event) {
    const {stage} = this, own = ['BUTTON', 'SELECT', 'SUMMARY'].includes(event.target.tagName);
    if (event.target.tagName === 'INPUT') return this.form.key(event);  // what is typed is text
    if (this.back(event)) return;
    const step = event.shiftKey ? 0.1 : 1, seek = t => this.act(() => { stage.seek(t); this.reveal(); });
    const acts = {
      ' ': () => this.act(() => stage.toggle()),
      ArrowLeft: () => seek(stage.time() - step), ArrowRight: () => seek(stage.time() + step),
      Home: () => seek(0), End: () => seek(stage.duration()),
      '+': () => this.zoom(0.5), '=': () => this.zoom(0.5), '-': () => this.zoom(2), 0: () => this.all(),
      Escape: () => { this.cancel(); this.form.close(); stage.setLoop(null, false); },
      ...(this.marking.hidden ? {} : {m: () => this.form.add(), i: () => this.bound(true), o: () => this.bound(false)}),
    };
    if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (own && (event.key === ' ' || event.target.tagName === 'SELECT')) return;  // a button's space is its click
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  // Ctrl and z, or on a Mac command and z: whether it was that.
  back(event) {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || this.marking.hidden || !['z', 'y'].includes(key)) return false;
    this.sendMark({act: key === 'z' && !event.shiftKey ? 'undo' : 'redo'});
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  reveal() {
    const now = this.stage.time();
    if (!this.sees(now)) this.show(now - (this.to - this.from) / 2);
    this.moved();
  }

  // -- pointer: a click seeks, a drag loops

  at(event) {
    const box = this.area.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  press(event) {
    const [x] = this.at(event);
    if (event.button || !this.stage.drawn || x < this.gutter()) return;
    this.drag = {x, t: this.t(x), region: null};
    this.area.setPointerCapture(event.pointerId);
  }

  move(event) {
    const [x, y] = this.at(event);
    if (!this.stage.drawn) return;
    if (this.drag && (this.drag.region || Math.abs(x - this.drag.x) > 4)) {
      const t = clamp(this.t(x), this.from, this.to);
      this.drag.region = [Math.min(t, this.drag.t), Math.max(t, this.drag.t)];
      this.looped();
    }
    this.point(x, y);
  }

  release(event) {
    const {drag} = this, [x, y] = this.at(event);
    this.drag = null;
    if (!drag) return;
    if (drag.region) this.act(() => this.stage.loop(drag.region));
    else this.act(() => this.click(x, y));
  }

  cancel() {
    this.drag = null;
    this.looped();
  }

  click(x, y) {
    const t = clamp(this.t(x), 0, this.stage.duration()), lane = this.laneAt(y), code = codeAt(lane, t);
    const mark = markAt(lane, t, y);
    if (mark) return this.form.choose(mark);
    if (code != null) this.model.send({do: 'code', code, time: t, lane: lane.name});
    if (code == null || this.stage.audio.paused) this.stage.seek(t);
  }

  toggleLoop() {
    const {region, looping} = this.stage;
    if (region) this.stage.setLoop(region, !looping);
    else if (this.stage.drawn) this.stage.setLoop([this.from, this.to], true);
  }

  toggleImportance() {
    this.importance = !this.importance;
    this.heatButton.setAttribute('aria-pressed', this.importance);
    this.legend.hidden = !this.importance;
    this.redraw();
  }

  // -- the tip

  laneAt(y) { return this.plan && this.plan.lanes.find(lane => y >= lane.y && y < lane.y + lane.height); }

  point(x, y) {
    const lane = this.laneAt(y), t = this.t(x);
    if (x < this.gutter()) return lane ? this.tip.show(lane.name, x, y) : this.tip.hide();
    if (t > this.stage.duration()) return this.tip.hide();
    const region = this.drag && this.drag.region;
    const facts = [`${t.toFixed(3)} s`, ...factsOf(lane, t, y, this.stage.drawn.header.peak)];
    this.tip.show(region ? `${region[0].toFixed(2)} to ${region[1].toFixed(2)} s` : facts.join(' · '), x, y);
  }

  // -- drawing, at most once a picture of the screen

  redraw() {
    if (this.queued) return;
    this.queued = requestAnimationFrame(() => { this.queued = null; this.draw(); });
  }

  draw() {
    const {drawn} = this.stage;
    if (!drawn || !this.width()) return;
    this.fit();
    const pen = this.pen();
    for (const lane of this.plan.lanes) {
      pen.g.fillStyle = pen.ink('shade');
      if (!['spans', 'marks'].includes(lane.kind)) pen.g.fillRect(pen.left, lane.y, pen.right - pen.left, lane.height);
      this.inLane(lane, () => DRAW[lane.kind](pen, lane));
      drawGutter(pen, lane);
    }
    drawAxis(pen, this.plan.height - AXIS);
    this.placeHead(this.stage.time());
    this.looped();
    if (this.fresh) performance.mark('mirnb:drawn');
    this.fresh = false;
  }

  inLane(lane, work) {
    this.g.save();
    this.g.beginPath();
    this.g.rect(this.left, lane.y, this.width() - this.left, lane.height);
    this.g.clip();
    work();
    this.g.restore();
  }

  // The canvas in the pixels of the screen, and a gutter as wide as the names need.
  fit() {
    const dense = window.devicePixelRatio || 1, width = this.width(), {height, lanes} = this.plan;
    Object.assign(this.canvas, {width: Math.round(width * dense), height: Math.round(height * dense)});
    Object.assign(this.canvas.style, {width: `${width}px`, height: `${height}px`});
    this.band.style.height = this.head.style.height = `${height - AXIS + 4}px`;
    this.g.setTransform(dense, 0, 0, dense, 0, 0);
    this.g.font = FONT;
    this.g.textBaseline = 'middle';
    const words = lanes.flatMap(lane => [...lane.name.split(' '), ...(lane.ticks || []).map(([, text]) => text)]);
    const need = Math.max(...words.map(word => this.g.measureText(word).width)) + 12;
    this.left = Math.round(clamp(need, 44, Math.min(120, width / 5)));
  }

  pen() {
    const {stage, from, to, left, importance} = this, clip = stage.drawn, colours = {};
    const overview = new Int8Array(clip.parts.get(clip.header.wave).buffer);
    const dense = window.devicePixelRatio || 1, right = this.width();
    const near = overview.length / 2 * (to - from) / clip.header.duration < (right - left) * dense;
    return {g: this.g, clip, overview, from, to, left, right, dense, importance, samples: near ? stage.samples() : null,
      labels: stage.labels, chosen: this.form.name,
      x: t => this.x(t), t: x => this.t(x), ink: name => colours[name] ??= ink(this.root, name)};
  }

  close() {
    this.ending.abort();
    this.resized.disconnect();
    this.themed.disconnect();
    cancelAnimationFrame(this.queued);
    this.notice.stop();
    this.stage.leave(this);
  }
}

// ---- Marks as buttons, for keyboards and screen readers, and the form in which one is made or changed

const timeOf = t => String(Math.round(1e4 * t) / 1e4);

class MarkForm {
  constructor(view) {
    this.view = view;
    this.name = null;  // of the mark that is changed; '' = a new one; null = the form is closed
    this.id = `mirnb-${Math.random().toString(36).slice(2)}`;
    const number = label => element('input', {type: 'number', step: 'any', min: 0, 'aria-label': label});
    const button = (text, does, onclick) => element('button', {type: 'button', text, title: does, 'aria-label': named(text, does), onclick});
    this.start = number('begins at, seconds');
    this.end = number('ends at, seconds');
    this.options = element('datalist', {id: this.id});
    this.label = element('input', {type: 'text', list: this.id, placeholder: 'label', 'aria-label': 'label', maxlength: 200});
    this.note = element('input', {type: 'text', placeholder: 'note', 'aria-label': 'note', class: 'mirnb-note'});
    this.delete = button('delete', 'take this mark away', () => this.remove());
    this.chips = element('div', {class: 'mirnb-chips', role: 'group', 'aria-label': 'marks of this track'});
    this.root = element('div', {class: 'mirnb-form', role: 'group', 'aria-label': 'a mark'}, this.start, 'to', this.end, 's',
      this.label, this.options, this.note, button('save', 'keep this mark', () => this.save()), this.delete,
      button('close', 'change nothing', () => this.close(true)));
    this.root.hidden = this.chips.hidden = true;
  }

  list() {
    const {stage} = this.view, rows = stage.marked();
    this.chips.hidden = !rows.length;
    this.chips.replaceChildren(...rows.map(row => {
      const [name, start, end, label, note] = row, look = lookOf(label, stage.labels);
      const text = `${label || 'no label'} ${timeOf(start)} to ${timeOf(end)} s${note ? `: ${note}` : ''}`;
      return element('button', {type: 'button', 'aria-pressed': name === this.name, title: 'hear and change it', onclick: () => this.choose(row)},
        element('span', {text: look.shape, style: `color: ${look.colour}`, 'aria-hidden': 'true'}), element('span', {text: ` ${text}`}));
    }));
    this.options.replaceChildren(...stage.labels.map(value => element('option', {value})));
  }

  open(name, [start, end, label, note]) {
    this.name = name;
    this.start.value = timeOf(start);
    this.end.value = timeOf(end);
    this.label.value = label;
    this.note.value = note.replaceAll('\n', ' ');
    this.before = note;
    this.delete.hidden = !name;
    this.root.hidden = false;
    this.list();
    this.view.redraw();
  }

  add() {
    const {stage} = this.view, now = Math.min(stage.time(), Math.max(0, stage.duration() - 0.01));
    if (!stage.drawn) return;
    this.open('', [...(stage.region || [now, Math.min(stage.duration(), now + 1)]), this.last || '', '']);
    this.label.focus();
    this.label.select();
  }

  choose(row) {
    const at = [...this.chips.children].findIndex(chip => chip === document.activeElement);
    this.open(row[0], row.slice(1));
    if (at >= 0) this.chips.children[at].focus();  // the list was made anew under the focus
    this.view.act(() => this.view.hearMark(row));
  }

  save() {
    const {note, label, start, end, view} = this, same = note.value === this.before.replaceAll('\n', ' ');
    const empty = [start, end].find(field => Number.isNaN(field.valueAsNumber));  // an empty field would count as 0
    view.say(empty ? 'A mark begins and ends at a number of seconds; write both.' : '');
    if (empty) return empty.focus();
    this.last = label.value;
    this.waiting = true;
    view.sendMark({act: this.name ? 'edit' : 'add', name: this.name, track: view.stage.track(), start: start.valueAsNumber,
      end: end.valueAsNumber, label: label.value, note: same ? this.before : note.value});
  }

  remove() {
    this.waiting = true;
    this.view.sendMark({act: 'remove', name: this.name});
  }

  // The kernel has drawn the marks anew: what was asked is done. Where it refused, the form stays, with what was typed.
  answered() { if (this.waiting) this.close(true); }

  close(back = false) {
    if (this.name == null) return;
    this.waiting = false;
    this.name = null;
    if (back && this.root.contains(document.activeElement)) this.view.area.focus();
    this.root.hidden = true;
    this.list();
    this.view.redraw();
  }

  key(event) {
    if (event.key === 'Enter') this.save();
    else if (event.key === 'Escape') this.close(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

// ---- What a place, a tag, a clip say in words

const markAt = (lane, t, y) => lane && lane.kind === 'marks' ? lane.rows.find(([, start, end], i) => (
  lane.at[i] === Math.floor((y - lane.y) / SPAN) && t >= start && t < end)) : null;

const codeAt = (lane, t) => lane && lane.kind === 'codes' ? lane.values[Math.floor(t * lane.rate)] ?? null : null;

function factsOf(lane, t, y, peak) {
  if (!lane) return [];
  if (lane.kind === 'marks') {
    const mark = markAt(lane, t, y);
    return mark ? [mark[3] || 'no label', ...(mark[4] ? [mark[4]] : [])] : [];
  }
  if (lane.kind === 'wave') return [`peak of the clip ${(20 * Math.log10(peak)).toFixed(1)} dB`];
  if (lane.kind === 'codes') {
    const code = codeAt(lane, t);
    return code == null ? [] : [`code ${code}`];
  }
  if (lane.kind === 'picture') {
    const hz = hertzAt(lane.ticks, 1 - (y - lane.y) / lane.height);
    return hz == null ? [] : [hertzText(hz)];
  }
  const row = Math.floor((y - lane.y) / SPAN);
  const span = lane.kind === 'spans' && lane.rows.find(([start, end], i) => lane.at[i] === row && t >= start && t < end);
  return span ? [spanText(span)] : [];
}

const verdict = right => right == null ? '' : right ? ', right' : ', wrong';
const spanText = ([, , text, p, right]) => `${text} ${percent(p)}${verdict(right)}`;

function pill([text, kind]) {
  const sign = {right: '✓ ', wrong: '✗ '}[kind] || '';
  return element('span', {class: `mirnb-pill ${kind && `mirnb-${kind}`}`},
    element('span', {text: sign, 'aria-hidden': 'true'}), element('span', {text}), kind ? element('span', {class: 'mirnb-hidden', text: ` (${kind})`}) : null);
}

// For who cannot see the lanes: their names, and what the spans say.
function wordsOf(lanes) {
  return lanes.map(lane => lane.kind !== 'spans' ? `${lane.name}.` : `${lane.name}: ${lane.rows.slice(0, 20)
    .map(row => `${row[0].toFixed(1)} to ${row[1].toFixed(1)} seconds ${spanText(row)}`).join('; ')}.`).join(' ');
}

// ---- The widget: what `initialize` makes is shared by all views of the model

export default () => {
  let stage = null;
  return {
    initialize({model}) {
      stage = new Stage(model);
      return () => stage.close();
    },
    render({model, el}) {
      const view = new View(stage, model, el);
      return () => view.close();
    },
  };
};
