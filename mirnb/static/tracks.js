// Tracks: a list of a hundred thousand tracks and more, of which only the rows in sight are in the page.
//
// The kernel sends the columns once: numbers as bytes, names as one JSON text. They are searched, filtered, sorted and
// drawn here, so a busy kernel does not stop the list; back go only what is selected and ticked, which model is shown,
// and that a subset was closed.

const ROW = 28, HEAD = 30;  // pixels, as in tracks.css
const SPARE = 2;  // rows drawn above and below those in sight
const TALLEST = 8e6;  // pixels; browsers give up at about twice this, so a longer list scrolls by a scale
const NARROW = 640;  // pixels; below it the list leaves columns out
const NOTHING = 0xffff;  // the code of "no label"
const RIGHT = 1, WRONG = 2;
const VERDICTS = ['– none', '✓ right', '✗ wrong'];

// -- the table

function tableOf({rows, genres, splits, models}, buffers) {
  const [names, genre, split, ...parts] = buffers.map(bytes);
  const {ids, titles} = JSON.parse(new TextDecoder().decode(names));
  const guesses = new Map(models.map((name, i) => [name, {
    guess: new Uint16Array(parts[2 * i].buffer),
    confidence: new Float32Array(parts[2 * i + 1].buffer),
  }]));
  return {rows, ids, titles, genres, splits, genre: new Uint16Array(genre.buffer), split: new Uint16Array(split.buffer),
    guesses, cache: new Map(), corrected: new Map()};
}

// What is dear to compute and asked for again.
function once(table, name, compute) {
  if (!table.cache.has(name)) table.cache.set(name, compute());
  return table.cache.get(name);
}

// Text as it is searched and sorted: without case and accents.
const fold = text => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

const haystack = table => once(table, 'haystack', () => table.titles.map((title, i) => fold(`${title}\n${table.ids[i]}`)));

// The place of each text among all, so that every column is sorted by numbers.
function ranks(table, name) {
  return once(table, `ranks ${name}`, () => {
    const folded = table[name].map(fold), rank = new Float64Array(table.rows);
    const order = folded.map((_, i) => i).sort((a, b) => (folded[a] < folded[b] ? -1 : folded[a] > folded[b] ? 1 : 0));
    let place = -1;
    order.forEach((row, i) => {
      if (i === 0 || folded[row] !== folded[order[i - 1]]) place += 1;
      rank[row] = place;
    });
    return rank;
  });
}

// Per row 0, RIGHT or WRONG; 0 where the track has no genre or the model said nothing.
function verdicts(table, model) {
  return once(table, `verdicts ${model}`, () => {
    const {guess} = table.guesses.get(model);
    return Uint8Array.from(guess, (code, i) => (
      code === NOTHING || table.genre[i] === NOTHING ? 0 : code === table.genre[i] ? RIGHT : WRONG));
  });
}

// Per row 1 where two models that said something said different things.
function disagreements(table) {
  return once(table, 'disagreements', () => {
    const first = new Uint16Array(table.rows).fill(NOTHING), differ = new Uint8Array(table.rows);
    for (const {guess} of table.guesses.values()) {
      for (let i = 0; i < table.rows; i++) {
        if (guess[i] === NOTHING) continue;
        if (first[i] === NOTHING) first[i] = guess[i];
        else if (first[i] !== guess[i]) differ[i] = 1;
      }
    }
    return differ;
  });
}

// -- columns: what a cell says and what a row is sorted by (NaN: nothing, always last)

const orNaN = codes => Float64Array.from(codes, code => (code === NOTHING ? NaN : code));
const heardOf = (table, model) => table.guesses.get(model);

const COLUMNS = [
  {name: 'title', says: (table, row) => table.titles[row] || table.ids[row], key: table => ranks(table, 'titles')},
  {name: 'track_id', says: (table, row) => table.ids[row], key: table => ranks(table, 'ids')},
  {name: 'genre', says: (table, row) => table.genres[table.genre[row]] ?? '–', key: table => orNaN(table.genre)},
  {name: 'split', says: (table, row) => table.splits[table.split[row]] ?? '–', key: table => orNaN(table.split)},
];
const GUESS_COLUMNS = [
  {name: 'guess', says: (table, row, model) => table.genres[heardOf(table, model).guess[row]] ?? '–',
    key: (table, model) => orNaN(heardOf(table, model).guess)},
  {name: 'confidence', says: (table, row, model) => shareText(heardOf(table, model).confidence[row]),
    key: (table, model) => Float64Array.from(heardOf(table, model).confidence)},
  {name: 'verdict', says: (table, row, model) => VERDICTS[verdicts(table, model)[row]],
    key: (table, model) => Float64Array.from(verdicts(table, model), verdict => verdict || NaN)},
];
// What a listener says that the label should be; the table may change, so that no place is kept.
const CORRECTED = {name: 'corrected', says: (table, row) => table.corrected.get(row) ?? '–', key: table => {
  const key = new Float64Array(table.rows).fill(NaN), texts = [...new Set(table.corrected.values())].sort();
  for (const [row, text] of table.corrected) key[row] = texts.indexOf(text);
  return key;
}};
const shareText = share => (Number.isNaN(share) ? '–' : share.toFixed(2));

// From the surest error over the least sure to the surest hit.
const errorsKey = (table, model) => Float64Array.from(verdicts(table, model), (verdict, i) => {
  const sure = heardOf(table, model).confidence[i];
  return verdict === 0 ? NaN : verdict === WRONG ? -sure : sure;
});

// -- order and choice of rows

function sorted(table, sort, model) {
  const order = new Uint32Array(table.rows).map((_, i) => i);
  if (!sort.by) return order;
  const column = [...COLUMNS, CORRECTED, ...GUESS_COLUMNS].find(({name}) => name === sort.by);
  const key = (column?.key ?? errorsKey)(table, model), way = sort.down ? -1 : 1;
  const place = key.map(value => (Number.isNaN(value) ? Infinity : value * way));
  return order.sort((a, b) => place[a] - place[b] || a - b);
}

// Tests that a row must pass, only those that are in force; the cheap ones first.
function tests(table, wanted, model) {
  const {words, genre, split, verdict, atLeast, inside} = wanted, found = [];
  if (inside) found.push(row => inside[row]);
  if (genre !== '') found.push(row => table.genre[row] === Number(genre));
  if (split !== '') found.push(row => table.split[row] === Number(split));
  if (model && verdict === 'disagree') { const differ = disagreements(table); found.push(row => differ[row]); }
  else if (model && verdict) { const of = verdicts(table, model); found.push(row => of[row] === Number(verdict)); }
  if (model && atLeast > 0) {
    const {confidence} = heardOf(table, model), bound = Math.fround(atLeast);
    found.push(row => confidence[row] >= bound);
  }
  if (words.length) { const hay = haystack(table); found.push(row => words.every(word => hay[row].includes(word))); }
  return found;
}

function matching(table, order, wanted, model) {
  const required = tests(table, wanted, model);
  return required.length ? order.filter(row => required.every(test => test(row))) : order;
}

// -- small parts of the page

const options = pairs => pairs.map(([value, text]) => element('option', {value, text}));

// The labels that occur in a column, each with its number of tracks.
function labelOptions(every, labels, codes) {
  const count = new Uint32Array(labels.length);
  for (const code of codes) if (code !== NOTHING) count[code] += 1;
  const used = labels.map((label, i) => [i, `${label} (${count[i].toLocaleString('en')})`]).filter(([i]) => count[i]);
  return options([['', every], ...used]);
}

const plural = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

// -- the widget

class TrackList {
  constructor(model, el) {
    this.model = model;
    this.id = `mirnb-${Math.random().toString(36).slice(2)}`;
    this.table = null;
    this.order = this.shown = new Uint32Array(0);
    this.sort = {by: '', down: false};
    this.nodes = new Map();  // row number: its node
    this.root = element('div', {class: 'mirnb mirnb-tracks'},
      element('div', {class: 'empty', text: 'The tracks are on their way.'}));
    el.append(this.root);
    this.listen();
    model.send({do: 'ready', loopback: ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname)});
  }

  listen() {
    this.handlers = {
      'msg:custom': (message, buffers) => this.heard(message, buffers),
      'change:selected': () => { this.reveal(this.model.get('selected')); this.draw(); },
      'change:ticked': () => this.readTicks(),
      'change:subset': () => this.refilter(),
      'change:subset_name': () => this.refilter(),
      'change:model': () => this.changeModel(),
    };
    for (const [event, handler] of Object.entries(this.handlers)) this.model.on(event, handler);
    this.sizes = new ResizeObserver(() => {
      this.root.classList.toggle('narrow', this.root.clientWidth < NARROW);
      this.draw();
    });
    this.sizes.observe(this.root);
  }

  stop() {
    for (const [event, handler] of Object.entries(this.handlers)) this.model.off(event, handler);
    this.sizes.disconnect();
    this.notice?.stop();
    clearTimeout(this.resting);
  }

  // A second page that asks for the table makes the kernel send it to all: who has it goes on undisturbed.
  heard(message, buffers) {
    if (message.do === 'labels' && this.table) this.correct(message.labels);
    if (message.do !== 'tracks' || (this.table && this.table.version === message.version)) return;
    this.notice?.stop();
    this.forgetRows();
    this.table = Object.assign(tableOf(message, buffers), {version: message.version});
    this.shownModel = this.model.get('model');
    this.columns = this.shownModel ? [...COLUMNS, ...GUESS_COLUMNS] : COLUMNS;
    this.root.replaceChildren(this.controls(), this.summary(), this.list());
    this.notice = noticeLine(this.model, this.root);
    this.tip = tipOver(this.root);
    this.readTicks();
    this.resort();
    this.reveal(this.model.get('selected'));
  }

  correct(labels) {
    this.table.corrected = new Map(labels);
    this.forgetRows();
    const first = !this.columns.includes(CORRECTED);
    if (first) {
      this.columns = [...COLUMNS, CORRECTED, ...this.columns.slice(COLUMNS.length)];
      const old = this.grid;
      old.replaceWith(this.list());
    }
    if (first || this.sort.by === 'corrected') this.resort();  // else the list stays where it was scrolled to
    if (first) this.reveal(this.model.get('selected'));
    this.draw();
  }

  // -- controls

  controls() {
    const {table} = this, change = () => this.refilter();
    this.search = element('input', {type: 'search', placeholder: 'search title and id', oninput: change,
      'aria-label': 'search title and id'});
    this.genre = element('select', {onchange: change, 'aria-label': 'genre'},
      ...labelOptions('all genres', table.genres, table.genre));
    this.split = element('select', {onchange: change, 'aria-label': 'split'},
      ...labelOptions('all splits', table.splits, table.split));
    const own = table.guesses.size ? this.modelControls(change) : [];
    return element('div', {class: 'controls', role: 'search'}, this.search, this.genre, this.split, ...own);
  }

  modelControls(change) {
    const names = [...this.table.guesses.keys()];
    const verdict = [['', 'right and wrong'], [RIGHT, 'only right'], [WRONG, 'only wrong']];
    if (names.length > 1) verdict.push(['disagree', 'the models disagree']);
    this.verdict = element('select', {onchange: change, 'aria-label': 'right or wrong'}, ...options(verdict));
    this.bound = element('output', {text: '0.00'});
    this.atLeast = element('input', {type: 'range', min: 0, max: 1, step: .01, value: 0, oninput: change});
    this.errors = element('button', {type: 'button', text: 'most confident errors first', 'aria-pressed': 'false',
      onclick: () => this.sortBy('errors')});
    this.which = element('select', {onchange: () => { tell(this.model, {model: this.which.value}); this.changeModel(); }},
      ...options(names.map(name => [name, name])));
    this.which.value = this.shownModel;
    return [this.verdict, element('label', {}, 'confidence at least ', this.atLeast, this.bound), this.errors];
  }

  summary() {
    this.count = element('span', {class: 'count', role: 'status'});
    this.chipName = element('span');
    this.chip = element('span', {class: 'chip'}, this.chipName,
      element('button', {type: 'button', text: '×', 'aria-label': 'close the subset', onclick: () => this.closeSubset()}));
    this.tickCount = element('span', {class: 'count', role: 'status'});
    this.clear = element('button', {type: 'button', text: 'clear', 'aria-label': 'clear all ticks',
      onclick: () => this.sendTicks(new Set())});
    const all = element('button', {type: 'button', text: 'tick all shown',
      onclick: () => this.sendTicks(new Set([...this.ticks, ...this.shown]))});
    const guesses = this.which ? element('label', {}, 'guesses of ', this.which) : null;
    return element('div', {class: 'summary'}, this.count, this.chip, guesses,
      element('span', {class: 'ticks'}, this.tickCount, all, this.clear));
  }

  list() {
    this.heads = new Map(this.columns.map(({name}) => [name, this.head(name)]));
    this.body = element('div', {class: 'body', role: 'rowgroup', onclick: event => this.click(event),
      onmouseover: event => this.hover(event), onmouseleave: () => this.tip.hide()});
    this.empty = element('div', {class: 'empty'},
      element('span', {text: this.table.rows ? 'No track matches. ' : 'There are no tracks.'}),
      this.table.rows ? element('button', {type: 'button', text: 'show all', onclick: () => this.showAll()}) : null);
    this.grid = element('div', {class: 'grid', role: 'grid', tabindex: 0, 'aria-label': 'tracks',
      'data-lm-suppress-shortcuts': true,  // JupyterLab would take the arrow keys
      onscroll: () => { this.tip.hide(); this.draw(); }, onkeydown: event => this.key(event)},
    element('div', {class: 'head', role: 'row', 'aria-rowindex': 1},
      element('span', {role: 'columnheader', 'aria-label': 'ticked'}), ...this.heads.values()), this.empty, this.body);
    this.grid.classList.toggle('guesses', Boolean(this.shownModel));
    this.grid.classList.toggle('marked', this.columns.includes(CORRECTED));
    return this.grid;
  }

  head(name) {
    const text = name.replace('_', ' '), short = {confidence: 'conf.', corrected: 'now'}[name] ?? text;
    return element('span', {role: 'columnheader', class: name, 'aria-sort': 'none'},
      element('button', {type: 'button', text, title: `sort by ${text}`, 'data-short': short, onclick: () => this.sortBy(name)}));
  }

  // -- what is shown

  wanted() {
    const subset = this.model.get('subset');
    return {
      words: fold(this.search.value).split(/\s+/).filter(Boolean), genre: this.genre.value, split: this.split.value,
      verdict: this.verdict?.value ?? '', atLeast: Number(this.atLeast?.value ?? 0), inside: subset && this.maskOf(subset),
    };
  }

  maskOf(rows) {
    const mask = new Uint8Array(this.table.rows);
    for (const row of rows) mask[row] = 1;
    return mask;
  }

  resort() {
    this.order = sorted(this.table, this.sort, this.shownModel);
    for (const [name, head] of this.heads) {
      const way = name !== this.sort.by ? 'none' : this.sort.down ? 'descending' : 'ascending';
      head.setAttribute('aria-sort', way);
    }
    this.errors?.setAttribute('aria-pressed', this.sort.by === 'errors');
    this.refilter();
  }

  refilter() {
    if (!this.table) return;
    this.shown = matching(this.table, this.order, this.wanted(), this.shownModel);
    this.place = null;
    this.count.textContent = `${this.shown.length.toLocaleString('en')} of ${plural(this.table.rows, 'track')}`;
    if (this.bound) this.bound.textContent = Number(this.atLeast.value).toFixed(2);
    this.chip.hidden = this.model.get('subset') == null;
    this.chipName.textContent = this.model.get('subset_name') || 'a subset';
    this.empty.hidden = this.shown.length > 0;
    this.grid.setAttribute('aria-rowcount', this.shown.length + 1);
    this.grid.scrollTop = 0;
    this.draw();
  }

  // A second click turns the order round; a third click on "errors first" gives the table's own order back.
  sortBy(name) {
    performance.mark('mirnb:click');
    const again = this.sort.by === name;
    if (name === 'errors') this.sort = {by: again ? '' : name, down: false};
    else this.sort = {by: name, down: again ? !this.sort.down : name === 'confidence'};
    this.resort();
  }

  changeModel() {
    if (!this.table || !this.which) return;
    this.shownModel = this.which.value = this.model.get('model');
    this.forgetRows();
    this.resort();
  }

  closeSubset() {
    this.notice.act();
    tell(this.model, {subset: null, subset_name: ''});
    this.refilter();
    this.grid.focus();
  }

  showAll() {
    for (const control of [this.search, this.genre, this.split, this.verdict]) if (control) control.value = '';
    if (this.atLeast) this.atLeast.value = 0;
    if (this.model.get('subset') != null) this.closeSubset();
    else this.refilter();
    this.grid.focus();
  }

  // -- ticks

  readTicks() {
    this.ticks = new Set(this.model.get('ticked'));
    if (!this.table) return;
    this.tickCount.textContent = this.ticks.size ? `${this.ticks.size.toLocaleString('en')} ticked` : 'none ticked';
    this.clear.disabled = this.ticks.size === 0;
    this.draw();
  }

  sendTicks(ticks) {
    this.notice.act();
    tell(this.model, {ticked: [...ticks].sort((a, b) => a - b)});
    this.readTicks();
  }

  tick(row) {
    const ticks = new Set(this.ticks);
    if (!ticks.delete(row)) ticks.add(row);
    this.sendTicks(ticks);
  }

  // -- choosing

  // While a key is held the choice runs on and is told only where it rests.
  choose(row, running = false) {
    performance.mark('mirnb:click');
    this.model.set('selected', row);
    this.reveal(row);
    this.draw();
    clearTimeout(this.resting);
    if (running) this.resting = setTimeout(() => this.tellChoice(), 120);
    else this.tellChoice();
  }

  tellChoice() {
    this.notice.act();
    this.model.save_changes();
    const detail = {group: this.model.get('group'), key: this.table.ids[this.model.get('selected')]};
    window.dispatchEvent(new CustomEvent('mirnb-want', {detail}));
  }

  click(event) {
    const node = event.target.closest('[data-row]');
    if (!node) return;
    const row = Number(node.dataset.row);
    this.grid.focus({preventScroll: true});
    if (event.target.matches('input')) this.tick(row);
    else this.choose(row);
  }

  key(event) {
    if (event.target !== this.grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const selected = this.model.get('selected'), at = this.placeOf(selected), last = this.shown.length - 1;
    const page = Math.max(1, Math.floor(this.room() / ROW) - 1);
    const to = {ArrowUp: at - 1, ArrowDown: at + 1, PageUp: at - page, PageDown: at + page, Home: 0, End: last}[event.key];
    if ([' ', 'x'].includes(event.key) && at >= 0) this.tick(selected);
    else if (to === undefined || last < 0) { if (event.key !== ' ') return; }
    else this.choose(this.shown[Math.min(last, Math.max(0, to))], event.repeat);
    event.preventDefault();
    event.stopPropagation();
  }

  // A cell that is cut off is shown whole.
  hover(event) {
    const cell = event.target;
    if (cell.getAttribute('role') !== 'gridcell' || cell.scrollWidth <= cell.clientWidth) return this.tip.hide();
    const here = this.root.getBoundingClientRect(), there = cell.getBoundingClientRect();
    return this.tip.show(cell.textContent, there.left - here.left - 12, there.top - here.top + 4);
  }

  // -- rows in sight

  // Where a row stands among those shown, -1 if it is not.
  placeOf(row) {
    this.place ??= new Map();
    if (!this.place.has(row)) this.place.set(row, this.shown.indexOf(row));
    return this.place.get(row);
  }

  room() { return this.grid.clientHeight - HEAD; }

  // Pixels of the whole list for one pixel of the scroll bar: 1 unless the list is very long.
  scale() {
    const whole = this.shown.length * ROW, tall = Math.min(whole, TALLEST), room = this.room();
    return tall > room ? (whole - room) / (tall - room) : 1;
  }

  reveal(row) {
    const at = this.table ? this.placeOf(row) : -1;
    if (at < 0) return;
    const scale = this.scale(), top = this.grid.scrollTop * scale, lowest = (at + 1) * ROW - this.room();
    this.sizeBody();
    if (at * ROW < top) this.grid.scrollTop = at * ROW / scale;
    else if (lowest > top) this.grid.scrollTop = Math.ceil(lowest / scale);
  }

  sizeBody() { this.body.style.height = `${Math.min(this.shown.length * ROW, TALLEST)}px`; }

  draw() {
    if (!this.table || this.drawing) return;
    this.drawing = requestAnimationFrame(() => { this.drawing = null; this.drawNow(); });
  }

  drawNow() {
    this.sizeBody();
    const offset = this.grid.scrollTop * this.scale(), shift = this.grid.scrollTop - offset;
    const from = Math.max(0, Math.floor(offset / ROW) - SPARE);
    const to = Math.min(this.shown.length, Math.ceil((offset + this.room()) / ROW) + SPARE);
    const old = new Map(this.nodes);
    for (let at = from; at < to; at++) {
      const row = this.shown[at], node = old.get(row) ?? this.addRow(row);
      old.delete(row);
      this.dress(node, row, at, at * ROW + shift);
    }
    for (const [row, node] of old) { node.remove(); this.nodes.delete(row); }
    const active = this.nodes.get(this.model.get('selected'));
    if (active) this.grid.setAttribute('aria-activedescendant', active.id);
    else this.grid.removeAttribute('aria-activedescendant');
    if (!this.listed) performance.mark('mirnb:listed');  // once, for the measurement
    this.listed = true;
  }

  addRow(row) {
    const title = COLUMNS[0].says(this.table, row);
    const box = element('input', {type: 'checkbox', tabindex: -1, 'aria-label': `tick ${title}`});
    const cells = this.columns.map(({name, says}) => element('span', {
      role: 'gridcell', class: name, text: says(this.table, row, this.shownModel)}));
    const node = element('div', {class: 'row', role: 'row', id: `${this.id}-${row}`, 'data-row': row},
      element('span', {role: 'gridcell', class: 'tick'}, box), ...cells);
    if (this.shownModel) node.classList.add(['none', 'right', 'wrong'][verdicts(this.table, this.shownModel)[row]]);
    this.nodes.set(row, node);
    this.body.append(node);
    return node;
  }

  dress(node, row, at, top) {
    node.style.top = `${top}px`;
    node.setAttribute('aria-rowindex', at + 2);
    node.setAttribute('aria-selected', row === this.model.get('selected'));
    node.querySelector('input').checked = this.ticks.has(row);
  }

  forgetRows() {
    for (const node of this.nodes.values()) node.remove();
    this.nodes.clear();
  }
}

function render({model, el}) {
  const list = new TrackList(model, el);
  return () => list.stop();
}
export default {render};
