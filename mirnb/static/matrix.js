// Matrix: which class was taken for which, and Grid: a score for each row and column. A table of buttons, one in the tab
// order; the arrow keys move among them.

const DARKEST = .9;  // of the accent colour: a row that is all in one cell
const WIDEST = 76;  // pixels of a column whose head lies

const shares = counts => counts.map(row => {
  const whole = row.reduce((sum, count) => sum + count, 0);
  return row.map(count => (whole ? count / whole : 0));
});

// What a matrix of counts and a grid of scores say differently.
const COUNTS = {axes: ['true', 'guessed'], text: count => count.toLocaleString('en'), idle: 'Depth of colour: share of the row.',
  cell: (row, column, count) => `true ${row}, guessed ${column}: ${tracks(count)}`};
const SCORES = model => ({axes: ['', ''], text: value => (value < 0 ? '–' : value.toFixed(2).replace(/^0/, '')),
  idle: `${model.get('what')}; depth of colour says the same.`,
  cell: (row, column, value) => `${row}, ${column}: ${value < 0 ? 'none' : `${model.get('what')} ${value.toFixed(3)}`}`});

const tracks = count => `${count.toLocaleString('en')} track${count === 1 ? '' : 's'}`;

class Confusions {
  constructor(model, el) {
    this.model = model;
    this.root = element('div', {class: 'mirnb mirnb-matrix'});
    this.frame = element('div', {class: 'frame', onkeydown: event => this.key(event), onclick: event => this.click(event),
      'data-lm-suppress-shortcuts': true});  // JupyterLab would take the arrow keys
    this.detail = element('div', {class: 'detail'});
    this.root.append(this.frame, this.detail);
    this.notice = noticeLine(model, this.root);
    el.append(this.root);
    this.grid = Boolean(model.get('rows'));
    this.words = this.grid ? SCORES(model) : COUNTS;
    this.handlers = {'change:counts': () => this.build(), 'change:labels': () => this.build(),
      'change:rows': () => this.build(), 'change:cell': () => this.mark()};
    for (const [event, handler] of Object.entries(this.handlers)) model.on(event, handler);
    this.themes = onTheme(() => this.shade());
    this.sizes = new ResizeObserver(() => {  // also once the table is in the page: before that it has neither size nor colours
      this.fit();
      this.shade();
    });
    this.sizes.observe(this.root);
    this.build();
    model.send({do: 'ready', loopback: ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname)});
  }

  stop() {
    for (const [event, handler] of Object.entries(this.handlers)) this.model.off(event, handler);
    this.themes();
    this.sizes.disconnect();
    this.notice.stop();
  }

  // -- the table

  build() {
    const counts = this.model.get('counts'), labels = this.model.get('labels'), rows = this.model.get('rows') ?? labels;
    if (counts.length !== rows.length) return;  // the other of the two is on its way
    Object.assign(this, {counts, labels, rows, shares: this.grid ? counts.map(row => row.map(value => Math.max(0, value))) : shares(counts)});
    this.buttons = counts.map((row, i) => row.map((count, j) => this.button(count, i, j)));
    const heads = element('tr', {}, element('td'), element('td'),
      ...labels.map(text => element('th', {scope: 'col'}, element('span', {text}))));
    const top = element('tr', {}, element('td'), element('td'),
      element('th', {class: 'axis', colspan: labels.length, text: this.words.axes[1]}));
    this.frame.replaceChildren(element('table', {role: 'grid', 'aria-label': this.grid ? this.model.get('what') : 'true against guessed'},
      element('thead', {}, this.grid ? null : top, heads), element('tbody', {}, ...this.buttons.map((row, i) => this.row(row, i)))));
    this.fit();
    this.shade();
    this.mark();
  }

  row(buttons, i) {
    const side = i ? null : element('th', {class: 'axis side', rowspan: this.rows.length}, element('span', {text: this.words.axes[0]}));
    return element('tr', {}, side, element('th', {scope: 'row', text: this.rows[i]}),
      ...buttons.map((button, j) => element('td', {class: i === j && !this.grid ? 'hit' : ''}, button)));
  }

  button(count, i, j) {
    return element('button', {type: 'button', tabindex: -1, 'data-row': i, 'data-column': j, class: count ? '' : 'zero',
      text: this.words.text(count), 'aria-pressed': 'false', 'aria-label': this.sentence(i, j),
      onmouseenter: () => this.describe(i, j), onfocus: () => this.describe(i, j), onmouseleave: () => this.describeCell()});
  }

  // The share of the row is the depth of the colour.
  shade() {
    const paper = rgbOf(ink(this.root, 'paper')), accent = rgbOf(ink(this.root, 'accent'));
    this.buttons?.forEach((row, i) => row.forEach((button, j) => {
      const colour = mix(accent, paper, this.shares[i][j] * DARKEST);
      button.style.background = `rgb(${colour})`;
      button.style.color = this.counts[i][j] ? readableOn(colour) : '';
    }));
  }

  // All columns are equally wide. Heads stand upright where lying ones would make the table wider than its place.
  fit() {
    if (!this.labels?.length) return;
    const widest = nodes => Math.ceil(Math.max(...nodes.map(node => node.getBoundingClientRect().width)));
    const heads = [...this.frame.querySelectorAll('th[scope="col"] span')], style = this.frame.style;
    this.root.classList.remove('upright');
    style.setProperty('--cell', 'auto');
    const counts = Math.max(30, widest(this.buttons.flat())), lying = Math.max(counts, widest(heads) + 8);
    style.setProperty('--cell', `${lying}px`);
    if (lying <= WIDEST && this.frame.scrollWidth <= this.frame.clientWidth) return;
    this.root.classList.add('upright');
    style.setProperty('--cell', `${counts}px`);
  }

  // -- the cell

  mark() {
    const [row, column] = this.model.get('cell');
    this.buttons?.flat().forEach(button => {
      const here = Number(button.dataset.row) === row && Number(button.dataset.column) === column;
      button.setAttribute('aria-pressed', here);
    });
    this.rove(this.buttons?.[row ?? 0]?.[column ?? 0]);
    this.describeCell();
  }

  rove(button) {
    if (!button) return;
    if (this.roving) this.roving.tabIndex = -1;
    this.roving = button;
    button.tabIndex = 0;
  }

  sentence(i, j) { return this.words.cell(this.rows[i], this.labels[j], this.counts[i][j]); }

  describe(i, j) {
    const whole = this.grid ? 0 : this.counts[i].reduce((sum, count) => sum + count, 0);
    const share = whole ? `, ${(100 * this.shares[i][j]).toFixed(1)} % of ${whole.toLocaleString('en')}` : '';
    this.detail.textContent = this.sentence(i, j) + share;
  }

  describeCell() {
    const [row, column] = this.model.get('cell');
    if (this.buttons?.[row]?.[column]) this.describe(row, column);
    else this.detail.textContent = this.words.idle;
  }

  // A click on the chosen cell lets it go.
  click(event) {
    const button = event.target.closest('button');
    if (!button) return;
    performance.mark('mirnb:click');
    const here = [Number(button.dataset.row), Number(button.dataset.column)];
    const cell = button.getAttribute('aria-pressed') === 'true' ? [] : here;
    this.notice.act();
    tell(this.model, {cell});
    this.mark();
    this.rove(button);
  }

  key(event) {
    const button = event.target.closest('button');
    if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = Number(button.dataset.row), column = Number(button.dataset.column);
    const [low, last] = [this.rows.length - 1, this.labels.length - 1];
    const to = {ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      Home: [row, 0], End: [row, last], PageUp: [0, column], PageDown: [low, column]}[event.key];
    if (to) {
      const next = this.buttons[Math.min(low, Math.max(0, to[0]))][Math.min(last, Math.max(0, to[1]))];
      this.rove(next);
      next.focus();
    } else if (event.key === 'Escape') { tell(this.model, {cell: []}); this.mark(); this.rove(button); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function render({model, el}) {
  const matrix = new Confusions(model, el);
  return () => matrix.stop();
}
export default {render};
