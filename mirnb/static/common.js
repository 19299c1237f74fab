// What all widgets share. Each widget's script is these lines and its own, joined: no imports, no build step.

// <tag> with properties and children; text is always text, so a hostile title cannot become markup.
function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.className = value;
    else if (name === 'text') node.textContent = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter(child => child != null));
  return node;
}

// What a screen reader says of a button: the word on it, which a voice may call it by, and what it does; of a sign only the latter.
const named = (text, does) => /\w/.test(text) ? `${text}: ${does}` : does;

// The bytes of a buffer from the kernel, copied, so that typed arrays over them are aligned.
function bytes(view) {
  if (view == null) return new Uint8Array(0);
  const whole = view.buffer ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(view);
  return whole.slice();
}

// A colour of the theme, as the widget's place in the page has it now.
const ink = (root, name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

// Set traits and tell the kernel.
function tell(model, traits) {
  for (const [name, value] of Object.entries(traits)) model.set(name, value);
  model.save_changes();
}

// Under each widget one line that says what went wrong: what the kernel says, or that it says nothing any more.
// The answer to `act()`, which every click calls, may be late while the kernel computes.
function noticeLine(model, root, patience = 4000) {
  const line = element('div', {class: 'mirnb-notice', role: 'status'});
  let waiting = null, silent = '', said = '';
  const show = () => { line.textContent = silent || said || model.get('notice') || ''; };
  const quiet = () => {
    waiting = null;
    silent = 'The kernel does not answer: it is busy, or it has ended. What was heard before still plays.';
    show();
  };
  const heard = message => {
    if (message.do !== 'pong') return;
    clearTimeout(waiting);
    waiting = null;
    silent = '';
    show();
  };
  model.on('msg:custom', heard);
  model.on('change:notice', show);
  root.append(line);
  show();
  return {
    act() {
      if (waiting == null) waiting = setTimeout(quiet, patience);
      model.send({do: 'ping'});
    },
    say(text) { said = text; show(); },
    stop() { clearTimeout(waiting); model.off('msg:custom', heard); model.off('change:notice', show); },
  };
}

// A tip at a place inside `root`: it lies over the page and never moves anything.
function tipOver(root) {
  const tip = element('div', {class: 'mirnb-tip', 'aria-hidden': 'true'});
  root.append(tip);
  return {
    show(text, x, y) {
      tip.textContent = text;
      tip.style.display = 'block';
      const room = root.clientWidth - tip.offsetWidth - 4;
      tip.style.left = `${Math.max(0, Math.min(x + 12, room))}px`;
      tip.style.top = `${Math.max(0, y - tip.offsetHeight - 8)}px`;
    },
    hide() { tip.style.display = 'none'; },
  };
}
