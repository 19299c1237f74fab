// The widgets of mirnb without a kernel: the scripts are the package's own, what a kernel would have said lies in files beside them.

const HERE = new URL('live/', import.meta.url);

// What a widget knows of its kernel: traits that can be watched, and messages. `answer` is what the kernel would do.
class Model {
  constructor(traits, answer = () => {}) {
    this.traits = {notice: '', group: '', title: '', ...traits};
    this.answer = answer;
    this.watchers = new Map();
  }

  get(name) { return this.traits[name]; }

  set(name, value) {
    if (JSON.stringify(this.traits[name]) === JSON.stringify(value)) return;
    this.traits[name] = value;
    this.emit(`change:${name}`, this, value);
  }

  save_changes() {}

  // As `on`, but for the kernel's part: it hears of a change when the page is done with it.
  hears(name, work) { this.on(`change:${name}`, () => queueMicrotask(work)); }

  on(event, handler) { this.watchers.set(event, [...this.watchers.get(event) ?? [], handler]); }

  off(event, handler) { this.watchers.set(event, (this.watchers.get(event) ?? []).filter(each => each !== handler)); }

  emit(event, ...what) { for (const handler of this.watchers.get(event) ?? []) handler(...what); }

  tell(message, buffers = []) { this.emit('msg:custom', message, buffers); }

  send(message) {
    if (message.do === 'ping') queueMicrotask(() => this.tell({do: 'pong'}));
    else queueMicrotask(() => this.answer(message));
  }
}

async function mount(name, model, into) {
  const {default: made} = await import(new URL(`${name}.js`, HERE));
  const widget = typeof made === 'function' ? await made() : made, el = into.appendChild(document.createElement('div'));
  await widget.initialize?.({model});
  await widget.render({model, el});
  return model;
}

const fetched = async name => {
  const answer = await fetch(new URL(name, HERE));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer;
};
const json = async name => (await fetched(name)).json();
const sound = async name => new Uint8Array(await (await fetched(name)).arrayBuffer());

// A header and named bytes out of one compressed file, as `tools/site_live.py` packs them.
async function unpack(name) {
  const stream = (await fetched(name)).body.pipeThrough(new DecompressionStream('gzip'));
  const whole = new Uint8Array(await new Response(stream).arrayBuffer());
  let at = 4 + new DataView(whole.buffer).getUint32(0, true);
  const {header, sizes} = JSON.parse(new TextDecoder().decode(whole.subarray(4, at))), parts = {};
  for (const [part, size] of Object.entries(sizes)) {
    parts[part] = whole.slice(at, at + size);
    at += size;
  }
  return {header, parts};
}

// -- a player that is shown clips: {header, parts}

const shown = {time: 0, playing: false, duration: 0, region: [], rate: 1, shown: ''};

async function player(into, more = () => {}) {
  const model = new Model(shown, more);
  model.show = ({header, parts}, play = true) => {
    const buffers = header.needs.map(name => parts[name]);
    model.tell({do: 'show', ...header, parts: header.needs, at: 0, play, again: false}, buffers);
  };
  return mount('player', model, into);
}

// -- the list of clips, each with a player's picture and what two models said of it

const clips = new Map();

async function clip(i) {
  if (!clips.has(i)) {
    const [{header, parts}, heard] = await Promise.all([unpack(`clip-${i}.lanes`), sound(`clip-${i}.mp3`)]);
    clips.set(i, {header, parts: {...parts, sound: heard}});
  }
  return clips.get(i);
}

const NOTHING = 0xffff;

// The table as `Tracks` of mirnb.listening sends it.
function listed(rows, models) {
  const text = new TextEncoder(), genres = [...new Set(rows.flatMap(r => [r.genre, ...models.map(m => r.said[m][0])]))].sort();
  const codes = names => new Uint8Array(Uint16Array.from(names, name => (name ? genres.indexOf(name) : NOTHING)).buffer);
  const said = models.flatMap(m => [codes(rows.map(r => r.said[m][0])), new Uint8Array(Float32Array.from(rows, r => r.said[m][1]).buffer)]);
  const names = text.encode(JSON.stringify({ids: rows.map(r => r.key), titles: rows.map(r => r.title)}));
  const split = new Uint8Array(new Uint16Array(rows.length).buffer);
  return [{do: 'tracks', rows: rows.length, genres, splits: ['test'], models}, [names, codes(rows.map(r => r.genre)), split, ...said]];
}

async function listen(into) {
  const rows = await json('clips.json'), models = Object.keys(rows[0].said);
  const list = new Model({selected: -1, ticked: [], subset: null, subset_name: '', model: models[0]}, message => {
    if (message.do === 'ready') list.tell(...listed(rows, models));
  });
  await mount('tracks', list, into);
  const heard = await player(into);
  list.hears('selected', async () => {
    if (list.get('selected') >= 0) heard.show(await clip(list.get('selected')));
  });
  heard.show(await clip(0), false);
}

// One clip and nothing else, for the front page.
async function one(into) {
  const heard = await player(into);
  heard.show(await clip(Number(into.dataset.clip)), false);
}

// -- two maps of the same tracks

const points = (pack, xy) => [{do: 'points', count: pack.header.names.length},
  [pack.parts[xy], pack.parts.size, new TextEncoder().encode(JSON.stringify(pack.header.names))]];
const paint = pack => [{do: 'paint', legend: pack.header.legend}, [pack.parts.rgb]];
const mapTraits = title => ({title, selected: [], neighbours: [], groups: {A: [], B: []}});

function button(text, press) {
  const made = document.createElement('button');
  Object.assign(made, {type: 'button', textContent: text, onclick: press});
  return made;
}

async function disagree(into) {
  const pack = await unpack('map.pack'), {header} = pack, encoders = Object.keys(header.rungs), maps = [];
  const board = into.appendChild(document.createElement('div')), told = document.createElement('div');
  board.className = 'live-pair';
  const heard = await player(into);
  into.append(told);
  told.className = 'live-told mirnb';
  const near = (encoder, i) => header.near[encoder][header.loud.indexOf(i)] ?? [];
  const choose = i => {
    for (const [k, map] of maps.entries()) {
      map.set('selected', [i]);
      map.set('neighbours', near(encoders[k], i));
    }
    told.replaceChildren(...encoders.map(encoder => neighbourhood(encoder, near(encoder, i))));
    if (header.clips[i]) heard.show({header: header.clips[i], parts: pack.parts});
    else told.textContent = `${header.titles[i]}: is on the maps, but its sound is not on this page; take one of the larger points.`;
  };
  const neighbourhood = (encoder, some) => {
    const row = document.createElement('p');
    row.append(`nearest by ${encoder}: `, ...some.map(i => button(`${header.titles[i]} (${header.genre[i]})`, () => choose(i))));
    return row;
  };
  for (const encoder of encoders) {
    const map = new Model(mapTraits(`${encoder}: ${header.rungs[encoder]}`), message => {
      if (message.do !== 'ready') return;
      map.tell(...points(pack, `xy ${encoder}`));
      map.tell(...paint(pack));
    });
    map.hears('selected', () => { if (map.get('selected').length === 1) choose(map.get('selected')[0]); });
    maps.push(map);
    await mount('scatter', map, board);
  }
  told.textContent = 'Choose a larger point: it sounds, and a line leads to whom each encoder puts nearest.';
}

// -- the codebook

const HELD = .6, EDGE = .02;  // seconds that a code is held; of the fade at both ends

// A 16-bit WAV of a period, repeated.
function held(period, scale, sr) {
  const count = Math.round(HELD * sr), bytes = new ArrayBuffer(44 + 2 * count), view = new DataView(bytes), edge = EDGE * sr;
  const word = (at, text) => [...text].forEach((letter, k) => view.setUint8(at + k, letter.charCodeAt(0)));
  word(0, 'RIFF'); word(8, 'WAVEfmt '); word(36, 'data');
  for (const [at, value] of [[4, 36 + 2 * count], [16, 16], [24, sr], [28, 2 * sr], [40, 2 * count]]) view.setUint32(at, value, true);
  for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]]) view.setUint16(at, value, true);
  for (let k = 0; k < count; k++) {
    const fade = Math.min(1, k / edge, (count - k) / edge);
    view.setInt16(44 + 2 * k, period[k % period.length] / 32000 * scale * 32767 * fade, true);
  }
  return new Uint8Array(bytes);
}

// What the player needs of one code: the sound, the reach of its wave, its spectrum as long as it is held, its token.
function codeClip({header, parts}, code) {
  const {hop, sr, scale, ticks} = header, waves = new Int16Array(parts.waves.buffer), rate = sr / hop, tokens = Math.round(HELD * rate);
  const bands = parts.spectra.length / header.names.length, frames = 64, mel = new Uint8Array(bands * frames), reach = new Int8Array(4 * 64);
  for (let band = 0; band < bands; band++) mel.fill(parts.spectra[code * bands + band], band * frames, (band + 1) * frames);
  const period = waves.subarray(code * hop, (code + 1) * hop);
  const low = Math.min(...period) / 32000 * 127, high = Math.max(...period) / 32000 * 127;
  for (let k = 0; k < 128; k++) { reach[2 * k] = Math.floor(low); reach[2 * k + 1] = Math.ceil(high); }
  const codes = new Uint8Array(new Uint16Array(tokens).fill(code).buffer), key = `code ${code}`;
  const lanes = [{kind: 'picture', name: 'log-Mel', values: 'mel', shape: [bands, frames], rate: frames / HELD, start: 0, ticks},
    {kind: 'codes', name: 'tokens', codes: 'codes', rate, hues: 'hues'}];
  return {header: {key, title: header.names[code], tags: [], duration: HELD, peak: Math.max(scale[code], 1e-3), sr, mime: 'audio/wav',
    sound: `sound ${code}`, wave: 'wave', lanes, needs: [`sound ${code}`, 'wave', 'mel', 'codes', 'hues']},
  parts: {[`sound ${code}`]: held(period, scale[code], sr), wave: new Uint8Array(reach.buffer), mel, codes, hues: parts.hues}};
}

async function codebook(into) {
  const pack = await unpack('codebook.pack'), {header} = pack;
  const map = new Model(mapTraits(`Codebook: ${header.names.length.toLocaleString('en')} codes`), message => {
    if (message.do !== 'ready') return;
    map.tell(...points(pack, 'xy'));
    map.tell(...paint(pack));
  });
  await mount('scatter', map, into);
  const heard = await player(into);
  map.hears('selected', () => {
    const [code] = map.get('selected');
    if (code == null) return;
    map.set('neighbours', header.near[code]);
    heard.show(codeClip(pack, code));
  });
}

// -- who was taken for whom

async function confusions(into) {
  const told = await json('confusions.json'), rows = await json('clips.json'), models = Object.keys(told.counts);
  const choice = document.createElement('select'), score = document.createElement('span');
  choice.append(...models.map(name => new Option(name, name)));
  choice.value = 'TokenFormer';
  choice.setAttribute('aria-label', 'model');
  const bar = into.appendChild(document.createElement('div'));
  bar.className = 'live-bar mirnb';
  bar.append(choice, score);
  const matrix = new Model({counts: told.counts[choice.value], labels: told.genres, cell: []});
  const say = () => {
    const [value, low, high] = told.score[choice.value].map(x => x.toFixed(2));
    score.textContent = `macro-F1 ${value} [${low}, ${high}]`;
  };
  choice.onchange = () => { matrix.set('cell', []); matrix.set('counts', told.counts[choice.value]); say(); };
  say();
  await mount('matrix', matrix, into);
  const line = into.appendChild(document.createElement('div'));
  line.className = 'live-told mirnb';
  const heard = await player(into);
  const inCell = ([truth, guess]) => rows.flatMap(({genre, said}, i) => (
    genre === told.genres[truth] && said[choice.value]?.[0] === told.genres[guess] ? [i] : []));
  matrix.hears('cell', async () => {
    if (!matrix.get('cell').length) { line.textContent = ''; return; }
    const some = inCell(matrix.get('cell'));
    line.replaceChildren(...some.map(i => button(rows[i].title, async () => heard.show(await clip(i)))));
    if (!some.length) line.textContent = 'No clip of this cell is on this page; the command mirnb explore has them all.';
    else heard.show(await clip(some[0]));
  });
  heard.show(await clip(0), false);
}

// -- the theme's light and dark are the widgets' too

function follow() {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const match = () => {
    const {theme} = document.body.dataset, dark = theme === 'dark' || (theme !== 'light' && system.matches);
    if (document.body.dataset.jpThemeLight !== String(!dark)) document.body.dataset.jpThemeLight = String(!dark);
  };
  new MutationObserver(match).observe(document.body, {attributes: true, attributeFilter: ['data-theme']});
  system.addEventListener('change', match);
  match();
}

const KINDS = {listen, one, disagree, codebook, confusions};
follow();
for (const into of document.querySelectorAll('[data-live]')) {
  KINDS[into.dataset.live](into).then(() => { into.dataset.ready = 'yes'; }).catch(error => {
    const line = into.appendChild(document.createElement('p'));
    line.textContent = `This part could not be loaded (${error.message}). A page that lies on a disk cannot read files beside it: `
      + 'serve the folder, such as with python -m http.server.';
  });
}
