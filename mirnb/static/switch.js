// Switch: two to four sounds run on one clock and one of them is heard. Another is faded in at the same place, without a gap.

const FADE = 0.008;  // s from one sound to another, or to silence
const LEAD = 0.03;  // s between a start and its first sample, so that all sounds are ready for it
const SHAPES = ['●', '■', '▲', '◆'], OWN = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];  // of Okabe and Ito
const BLIND = ['A', 'B', 'X'];
const LANE = 26;  // pixels
const HELP = 'space: play or pause; 1 to 4: hear this sound; x: back to the sound before (in a blind test: hear X); arrows: 1 s, with shift 0.1 s; '
  + 'Home, End; drag: loop; Escape: no loop; a, b: in a blind test, X is A, X is B';

const within = (x, low, high) => Math.max(low, Math.min(high, x));
const mmss = t => { const tenths = Math.round(10 * t); return `${Math.floor(tenths / 600)}:${(tenths % 600 / 10).toFixed(1).padStart(4, '0')}`; };
const decibels = db => `${db > -0.05 ? '' : '−'}${Math.abs(db).toFixed(1)} dB`;

// ---- The graph: the same lines make what is heard and, in an OfflineAudioContext, what is tested

export class Deck {
  constructor(context, buffers, out = context.destination) {
    this.context = context;
    this.buffers = buffers;
    this.duration = Math.min(...buffers.map(buffer => buffer.duration));
    this.levels = buffers.map(() => 1);
    this.chosen = 0;
    this.master = this.fader(out, 0);
    this.faders = buffers.map((_, i) => this.fader(this.master.node, i === 0 ? 1 : 0));
    this.sources = [];
    this.loop = null;
    this.offset = 0;
  }

  // A gain and the line that it follows, as points in time and value: so what it is at any moment is known.
  fader(out, value) {
    const node = this.context.createGain();
    node.gain.value = value;
    node.connect(out);
    return {node, line: [[0, value]]};
  }

  valueOf({line}, when) {
    const next = line.findIndex(([t]) => t > when);
    if (next <= 0) return line.at(next)[1];  // before the first point or behind the last
    const [[a, from], [b, to]] = [line[next - 1], line[next]];
    return from + (to - from) * (when - a) / (b - a);
  }

  follow(fader, when, ...points) {
    const {gain} = fader.node, line = [[when, this.valueOf(fader, when)], ...points];
    gain.cancelScheduledValues(when);
    gain.setValueAtTime(line[0][1], when);
    for (const [t, value] of points) gain.linearRampToValueAtTime(value, t);
    fader.line = line;
  }

  fade(fader, to, when, seconds = FADE) { this.follow(fader, when, [when + seconds, to]); }

  level() { this.faders.forEach((fader, i) => this.fade(fader, i === this.chosen ? this.levels[i] : 0, this.context.currentTime)); }

  // Hear another sound from `when` on. In a blind test all sounds dip on the way, lest the fade itself tell which it is.
  choose(i, when = this.context.currentTime, dip = false) {
    if (dip) this.follow(this.master, when, [when + FADE / 2, 0], [when + FADE, 1]);
    this.chosen = i;
    const [at, seconds] = dip ? [when + FADE / 2 - 1e-4, 2e-4] : [when, FADE];
    this.faders.forEach((fader, k) => this.fade(fader, k === i ? this.levels[k] : 0, at, seconds));
  }

  start(offset, when = this.context.currentTime + LEAD) {
    this.halt();
    Object.assign(this, {offset, begun: when});
    this.faders.forEach((fader, k) => this.fade(fader, k === this.chosen ? this.levels[k] : 0, when, 1e-4));
    this.fade(this.master, 1, when);
    this.sources = this.buffers.map((buffer, i) => {
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      if (this.loop) Object.assign(source, {loop: true, loopStart: this.loop[0], loopEnd: this.loop[1]});
      source.connect(this.faders[i].node);
      this.loop ? source.start(when, offset) : source.start(when, offset, this.duration - offset);
      return source;
    });
  }

  // s in the sounds, the same in all of them.
  position(now = this.context.currentTime) {
    if (!this.sources.length) return this.offset;
    const t = this.offset + Math.max(0, now - this.begun);
    if (!this.loop || t < this.loop[1]) return Math.min(t, this.duration);
    return this.loop[0] + (t - this.loop[0]) % (this.loop[1] - this.loop[0]);
  }

  halt() {
    this.offset = this.position();
    for (const source of this.sources) {
      source.onended = null;
      source.stop();
    }
    this.sources = [];
  }

  // To silence, without a click.
  pause() {
    const end = this.context.currentTime + FADE, {sources} = this;
    this.fade(this.master, 0, this.context.currentTime);
    this.offset = this.position();
    for (const source of sources) { source.onended = null; source.stop(end + 0.01); }
    this.sources = [];
  }
}

// ---- The stage: one clock a model, however many views show it

class Bench {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.sounds = null;  // what the kernel said of them
    this.blind = null;  // {number, of, x, words, rows}: a blind test, x while it is asked
    this.before = 1;
    this.matched = true;
    this.at = 0;
    this.region = null;
    this.ending = new AbortController();
    window.addEventListener('mirnb-play', event => { if (event.detail !== this) this.pause(); }, {signal: this.ending.signal});
    model.on('msg:custom', (message, buffers) => this.hear(message, buffers || []));
    model.send({do: 'ready', loopback: ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname)});
  }

  each(method, ...values) { for (const view of this.views) view[method](...values); }

  hear(message, buffers) {
    if (message.do === 'sounds') this.load(message, buffers);
    else if (message.do === 'trial') this.trial(message);
    else if (message.do === 'pause') this.pause();
  }

  async load(message, buffers) {
    if (this.sounds && this.sounds.key === message.key) return;  // another page has asked for them
    this.pause();
    Object.assign(this, {sounds: message, buffers: null, deck: null});  // until the new ones are decoded there are none
    const offline = new OfflineAudioContext(1, 1, message.sr);
    try {
      const decoded = await Promise.all(buffers.map(part => offline.decodeAudioData(bytes(part).buffer)));
      if (this.sounds !== message) return;  // others came meanwhile
      await this.context?.close();
      this.context = null;
      Object.assign(this, {buffers: decoded, at: message.at, region: null, chosen: 0, before: 1});
      this.each('open');
      if (message.play) this.play();
    } catch (error) { this.each('say', `The browser cannot decode these sounds (${error.message}).`); }
  }

  // A context may be made only once somebody has clicked.
  ready() {
    if (this.deck) return this.deck;
    this.context = new AudioContext({sampleRate: this.sounds.sr, latencyHint: 'interactive'});
    this.deck = new Deck(this.context, this.buffers);
    this.deck.chosen = this.heard();
    this.deck.levels = this.levels();
    return this.deck;
  }

  levels() { return (this.matched ? this.sounds.gains : this.sounds.plain).map((db, i) => 10 ** ((db + this.sounds.scale[i]) / 20)); }
  duration() { return this.buffers ? Math.min(...this.buffers.map(buffer => buffer.duration)) : 0; }
  time() { return this.playing ? this.deck.position() : this.at; }

  // The number of the sound that the chosen button stands for.
  heard() { return this.blind && this.blind.x != null ? this.blind.pair[this.chosen === 2 ? this.blind.x : this.chosen] : this.chosen; }

  async play() {
    if (!this.buffers || !this.views.size) return;
    const deck = this.ready();
    await this.context.resume();
    if (this.context.state !== 'running') return this.each('say', 'The browser starts no sound by itself: press play.');
    if (this.at >= this.duration() - 0.01) this.at = this.region ? this.region[0] : 0;
    deck.loop = this.region;
    deck.start(this.at);
    deck.sources[0].onended = () => { if (this.playing && !deck.loop) this.stop(0); };
    this.playing = true;
    performance.mark('mirnb:playing');
    window.dispatchEvent(new CustomEvent('mirnb-play', {detail: this}));
    this.each('moved');
    this.tick();
  }

  pause() {
    if (!this.playing) return;
    const at = this.deck.position();
    this.deck.pause();
    this.stop(at);
  }

  stop(at) {
    Object.assign(this, {playing: false, at});
    cancelAnimationFrame(this.frame);
    this.each('moved');
  }

  toggle() { this.playing ? this.pause() : this.play(); }

  seek(t) {
    this.at = within(t, 0, this.duration());
    if (this.playing) { this.deck.loop = this.region; this.deck.start(this.at); }
    this.each('moved');
  }

  setLoop(region) {
    const at = this.time();
    this.region = region;
    this.each('looped');
    if (!region) { if (this.playing) this.seek(at); }
    else this.seek(at >= region[0] && at < region[1] ? at : region[0]);
  }

  choose(i) {
    if (!this.buffers || i >= (this.asking() ? 3 : this.buffers.length)) return;
    if (i !== this.chosen) this.before = this.chosen;
    this.chosen = i;
    this.met ||= i === 2;
    this.deck?.choose(this.heard(), this.context.currentTime, this.asking());
    performance.mark('mirnb:switched');
    this.each('chose');
  }

  other() { this.choose(this.asking() ? 2 : this.before < this.buffers.length ? this.before : 0); }

  match(yes) {
    this.matched = yes;
    if (this.deck) { this.deck.levels = this.levels(); this.deck.level(); }
    this.each('chose');
  }

  // -- the blind test: which sound X is, the kernel says, and nothing on the page tells

  asking() { return Boolean(this.blind) && this.blind.x != null; }

  trial(message) {
    const begins = message.x != null && !this.asking();
    this.blind = message.number ? message : null;
    if (begins) this.match(true);
    if (begins || !this.asking()) this.chosen = 0;
    if (this.asking() && this.chosen === 2) this.chosen = 0;  // a new X is met from A on
    this.before = 1;
    this.met = false;
    this.deck?.choose(this.heard(), this.context.currentTime, true);
    this.each('open');
  }

  tick() {
    if (!this.playing) return;
    this.each('ticked');
    this.frame = requestAnimationFrame(() => this.tick());
  }

  join(view) { this.views.add(view); }

  leave(view) {
    this.views.delete(view);
    if (!this.views.size) this.pause();
  }

  close() {
    this.ending.abort();
    this.pause();
    this.context?.close();
  }
}

// ---- One view

class Board {
  constructor(bench, model, el) {
    this.bench = bench;
    this.model = model;
    this.ending = new AbortController();
    this.build();
    el.append(this.root);
    this.notice = noticeLine(model, this.root);
    const {signal} = this.ending;
    this.root.addEventListener('keydown', event => this.key(event), {signal});
    // A tab that goes away takes its sound along.
    const sight = {visibilityProperty: true, checkVisibilityCSS: true};  // the latter is its older name
    window.addEventListener('resize', () => { if (this.root.checkVisibility && !this.root.checkVisibility(sight)) bench.pause(); }, {signal});
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.area);
    this.themes = onTheme(() => this.draw());
    bench.join(this);
    this.open();
  }

  build() {
    const {bench} = this, button = (text, does, onclick) => element('button', {type: 'button', text, title: does, 'aria-label': named(text, does), onclick});
    this.playButton = button('play', 'play or pause', () => this.act(() => bench.toggle()));
    this.playButton.className = 'play';
    this.title = element('span', {class: 'title', text: 'no sounds yet'});
    this.time = element('span', {class: 'time'});
    this.buttons = element('div', {class: 'row', role: 'group', 'aria-label': 'which sound is heard'});
    this.canvas = element('canvas', {'aria-hidden': 'true'});
    this.band = element('div', {class: 'band'});
    this.head = element('div', {class: 'head'});
    this.area = element('div', {class: 'area', role: 'slider', tabindex: 0, 'aria-label': 'time', 'aria-valuemin': 0, 'aria-valuemax': 0,
      'aria-valuenow': 0, onpointerdown: event => this.press(event), onpointermove: event => this.drag(event), onpointerup: event => this.release(event),
      onpointercancel: () => { this.held = null; this.looped(); }}, this.canvas, this.band, this.head);
    this.level = element('input', {type: 'checkbox', onchange: () => bench.match(this.level.checked)});
    this.matching = element('label', {title: 'as loud as the softest, by gated loudness after ITU-R BS.1770; the dB tell how far each is turned down'},
      this.level, 'level-matched');
    this.toggle = button('back and forth', 'to the sound before', () => bench.other());
    this.blindButton = button('blind test', 'is X the sound A or B?', () => this.blind());
    this.answers = element('span', {class: 'row', role: 'group', 'aria-label': 'what X is', style: 'margin: 0'},
      ...[0, 1].map(i => button(`X is ${BLIND[i]}`, 'answer', () => this.answer(i))));
    this.said = element('div', {class: 'said', role: 'status'});
    const help = element('details', {}, element('summary', {text: 'keys'}), element('div', {}, ...HELP.split('; ').map(text => element('div', {text}))));
    this.root = element('div', {class: 'mirnb mirnb-switch', role: 'group', 'aria-label': 'sounds at one position', 'data-lm-suppress-shortcuts': 'true'},
      element('div', {class: 'row'}, this.playButton, this.time, this.title), this.buttons, this.area,
      element('div', {class: 'row'}, this.toggle, this.matching, this.blindButton, this.answers, help), this.said);
  }

  act(work) {
    performance.mark('mirnb:click');
    this.notice.act();
    work();
  }

  say(text) { this.notice.say(text); }

  // -- what the bench says

  open() {
    const {bench} = this, {sounds, blind} = bench, asking = bench.asking();
    if (!sounds || !bench.buffers) return;
    this.title.textContent = asking ? `blind test, ${blind.number} of ${blind.of}: which one is X?` : sounds.title;
    const names = asking ? BLIND : sounds.names;
    this.buttons.replaceChildren(...names.map((name, i) => this.soundButton(name, i, asking)));
    this.answers.hidden = !asking;
    this.toggle.hidden = this.matching.hidden = asking;
    this.blindButton.textContent = asking ? 'end and reveal' : 'blind test';
    this.blindButton.setAttribute('aria-label', asking ? 'end and reveal: what X was each time' : 'blind test: is X the sound A or B?');
    this.tell(blind && !asking ? blind : null);
    this.area.setAttribute('aria-valuemax', bench.duration().toFixed(2));
    this.say('');
    this.chose();
    this.looped();
    this.moved();
    this.draw();
  }

  soundButton(name, i, asking) {
    const parts = [element('span', {class: 'shape', 'aria-hidden': 'true', text: asking ? '' : SHAPES[i]}),
      element('span', {class: 'what', text: asking ? name : `${i + 1} ${name}`}), element('span', {class: 'gain'})];
    return element('button', {type: 'button', class: 'sound', style: `--own: ${asking ? 'var(--line)' : OWN[i]}`, 'aria-pressed': 'false',
      onclick: () => this.act(() => this.bench.choose(i))}, ...parts);
  }

  tell(blind) {
    if (!blind) return this.said.replaceChildren();
    const sign = ([x, told]) => (x === told ? '✓ right' : '✗ wrong');
    this.said.replaceChildren(element('div', {text: blind.words}), element('ol', {}, ...blind.rows.map((row, i) => element('li', {
      text: `${i + 1}: X was ${BLIND[row[0]]}, you said ${BLIND[row[1]]}, ${sign(row)}`}))));
  }

  chose() {
    const {bench} = this, asking = bench.asking();
    this.level.checked = bench.matched;
    [...this.buttons.children].forEach((button, i) => {
      button.setAttribute('aria-pressed', i === bench.chosen);
      const db = asking ? null : (bench.matched ? bench.sounds.gains : bench.sounds.plain)[i];
      button.querySelector('.gain').textContent = asking ? '' : decibels(db);
    });
    this.draw();
  }

  moved() {
    const {bench} = this;
    this.playButton.textContent = bench.playing ? 'pause' : 'play';
    this.area.setAttribute('aria-valuenow', bench.time().toFixed(2));
    this.area.setAttribute('aria-valuetext', `${bench.time().toFixed(1)} of ${bench.duration().toFixed(1)} seconds`);
    if (bench.playing) this.say('');
    this.ticked();
  }

  ticked() {
    const {bench} = this, now = bench.time(), text = `${mmss(now)} / ${mmss(bench.duration())}`;
    if (this.time.textContent !== text) this.time.textContent = text;
    this.head.style.left = `${this.x(now)}px`;
  }

  looped() {
    const region = this.held && this.held.region || this.bench.region;
    this.band.style.display = region ? 'block' : 'none';
    if (!region) return;
    this.band.style.left = `${this.x(region[0])}px`;
    this.band.style.width = `${this.x(region[1]) - this.x(region[0])}px`;
  }

  x(t) { return this.bench.duration() ? t / this.bench.duration() * this.area.clientWidth : 0; }
  t(event) { return within((event.clientX - this.area.getBoundingClientRect().left) / this.area.clientWidth, 0, 1) * this.bench.duration(); }

  // -- what the user does

  press(event) {
    if (event.button || !this.bench.buffers) return;
    this.held = {x: event.clientX, t: this.t(event), region: null};
    this.area.setPointerCapture(event.pointerId);
  }

  drag(event) {
    if (!this.held || !this.held.region && Math.abs(event.clientX - this.held.x) <= 4) return;
    const t = this.t(event);
    this.held.region = [Math.min(t, this.held.t), Math.max(t, this.held.t)];
    this.looped();
  }

  release() {
    const {held} = this;
    this.held = null;
    if (!held) return;
    if (held.region && held.region[1] - held.region[0] > 0.02) this.act(() => this.bench.setLoop(held.region));
    else this.act(() => this.bench.seek(held.t));
    this.looped();
  }

  key(event) {
    const {bench} = this, step = event.shiftKey ? 0.1 : 1, own = event.target.tagName;
    if (event.ctrlKey || event.metaKey || event.altKey || !bench.buffers) return;
    if (event.key === ' ' && own !== 'DIV') return;  // the space of a button or box is its click
    const acts = {
      ' ': () => bench.toggle(), x: () => bench.other(), a: () => this.answer(0), b: () => this.answer(1),
      ArrowLeft: () => bench.seek(bench.time() - step), ArrowRight: () => bench.seek(bench.time() + step),
      Home: () => bench.seek(0), End: () => bench.seek(bench.duration()), Escape: () => bench.setLoop(null),
      ...Object.fromEntries([0, 1, 2, 3].map(i => [String(i + 1), () => bench.choose(i)])),
    };
    if (!(event.key in acts)) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(acts[event.key]);
  }

  // A key that was pressed twice must not answer for an X that nobody heard.
  answer(i) {
    if (!this.bench.asking()) return;
    if (!this.bench.met) this.say('Hear X first: its button, or the key x.');
    else this.act(() => this.model.send({do: 'answer', said: i, number: this.bench.blind.number}));
  }

  blind() { this.act(() => this.model.send(this.bench.asking() ? {do: 'reveal'} : {do: 'blind', other: Math.max(1, this.bench.chosen)})); }

  // -- the waves, one lane a sound; in a blind test there is nothing to be seen

  draw() {
    const {bench} = this, width = this.area.clientWidth, dense = window.devicePixelRatio || 1;
    if (!bench.buffers || !width) return;
    const buffers = bench.asking() ? [] : bench.buffers, height = Math.max(24, LANE * buffers.length);
    Object.assign(this.canvas, {width: Math.round(width * dense), height: Math.round(height * dense)});
    this.canvas.style.height = `${height}px`;
    const g = this.canvas.getContext('2d');
    g.scale(dense, dense);
    g.fillStyle = ink(this.root, 'shade');
    g.fillRect(0, 0, width, height);
    const levels = bench.levels(), waves = buffers.map((buffer, i) => this.reach(buffer.getChannelData(0), width, levels[i]));
    const most = Math.max(1e-3, ...waves.flat());
    waves.forEach((wave, i) => {
      g.fillStyle = OWN[i];
      g.globalAlpha = i === bench.chosen ? 1 : 0.35;
      wave.forEach((value, x) => {
        const half = Math.max(0.5, value / most * (LANE - 4) / 2);
        g.fillRect(x, LANE * (i + 0.5) - half, 1, 2 * half);
      });
    });
    g.globalAlpha = 1;
    this.ticked();
    this.looped();
  }

  // The largest magnitude in each column of pixels, as it is heard; of many samples some.
  reach(samples, width, level) {
    const whole = this.bench.duration() * this.bench.sounds.sr, step = Math.max(1, Math.floor(whole / width / 64));
    return Array.from({length: width}, (_, x) => {
      let most = 0;
      for (let k = Math.floor(x / width * whole); k < (x + 1) / width * whole; k += step) most = Math.max(most, Math.abs(samples[k] || 0));
      return most * level;
    });
  }

  stop() {
    this.ending.abort();
    this.sizes.disconnect();
    this.themes();
    this.notice.stop();
    this.bench.leave(this);
  }
}

export default () => {
  let bench = null;
  return {
    initialize({model}) {
      bench = new Bench(model);
      return () => bench.close();
    },
    render({model, el}) {
      const board = new Board(bench, model, el);
      return () => board.stop();
    },
  };
};
