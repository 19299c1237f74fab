// The frame around the explorers. It runs before they are made: the header stands at once and says what is being opened.
'use strict';

const page = (() => {
  const byId = id => document.getElementById(id);
  let titles = [];

  // Light or dark: what the reader chose last, else what the system says. JupyterLab's two style sheets take turns.
  const saved = () => { try { return localStorage.getItem('mirnb-theme'); } catch { return null; } };
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => document.body.dataset.jpThemeLight === 'false';

  function theme(dark) {
    document.body.dataset.jpThemeLight = String(!dark);
    document.body.dataset.jpThemeName = dark ? 'JupyterLab Dark' : 'JupyterLab Light';
    document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
    byId('theme-light').media = dark ? 'not all' : 'all';
    byId('theme-dark').media = dark ? 'all' : 'not all';
    const button = byId('page-theme');
    if (button) button.textContent = dark ? 'Light' : 'Dark';
  }

  function switchTheme() {
    theme(!isDark());
    try { localStorage.setItem('mirnb-theme', isDark() ? 'dark' : 'light'); } catch { /* a page without storage forgets it */ }
    window.dispatchEvent(new Event('resize'));  // canvases draw themselves anew, in the other colours
  }

  // Tabs: one part is shown, the others keep their size. What plays in a part that goes away stops.
  function show(number) {
    titles.forEach((_, i) => {
      const chosen = i + 1 === number, tab = byId(`tab-${i + 1}`), part = byId(`part-${i + 1}`);
      tab.setAttribute('aria-selected', String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (!part) return;
      part.classList.toggle('page-away', !chosen);
      if (!chosen) part.querySelectorAll('audio').forEach(audio => audio.pause());
      else part.querySelector('.mirnb-later')?.click();  // it is made when it is first turned to
    });
    history.replaceState(null, '', `#${titles[number - 1].toLowerCase()}`);
    window.scrollTo(0, 0);
    window.dispatchEvent(new Event('resize'));
  }

  const shown = () => titles.findIndex((_, i) => byId(`tab-${i + 1}`).getAttribute('aria-selected') === 'true') + 1;

  function onKey(event) {
    const last = titles.length, now = shown();
    const to = {ArrowRight: now % last + 1, ArrowLeft: (now + last - 2) % last + 1, Home: 1, End: last}[event.key];
    if (!to) return;
    event.preventDefault();
    show(to);
    byId(`tab-${to}`).focus();
  }

  const say = text => { byId('page-state').textContent = text; };

  // voila's script comes after the cells, and only then asks for its parts, some sixty files. They are brought while the
  // kernel works. Parts have numbers; a pattern in the script says of which there is no file.
  async function bring(script) {
    const text = await fetch(script).then(found => found.text()).catch(() => '');
    const none = new RegExp((text.match(/\/(\^\([\d()|]+\)\$)\/\.test/) || ['', '^$'])[1]);
    for (const number of new Set([...text.matchAll(/\.e\((\d+)\)/g)].map(found => found[1]))) {
      const href = script.replace(/[^/]*$/, `${number}.voila.js`);
      if (!none.test(number)) document.head.append(Object.assign(document.createElement('link'), {rel: 'preload', as: 'script', href}));
    }
  }

  // The header has been read: give it life.
  function begin(names, script) {
    titles = names;
    bring(script);
    theme(isDark());
    byId('page-theme').addEventListener('click', switchTheme);
    document.querySelector('.page-tabs').addEventListener('keydown', onKey);
    titles.forEach((_, i) => byId(`tab-${i + 1}`).addEventListener('click', () => show(i + 1)));
    if (titles.length) show(Math.max(1, titles.findIndex(title => `#${title.toLowerCase()}` === location.hash) + 1));
    say(`Starting Python${titles.length ? ` and opening ${titles[0]}` : ''} ...`);
  }

  // Part `number` has been made by the kernel; the next one is under way.
  function opened(number) {
    show(shown());
    say(number < titles.length ? `Opening ${titles[number]} ...` : 'Drawing ...');
  }

  theme(saved() ? saved() === 'dark' : system.matches);
  system.addEventListener('change', () => { if (!saved()) theme(system.matches); });

  // A page that is left ends its kernel. voila sees to that once its script runs; until then, this does.
  window.addEventListener('beforeunload', () => {
    const config = byId('jupyter-config-data');
    if (window.themeLoaded || !config) return;
    const {baseUrl, kernelId} = JSON.parse(config.textContent), form = new FormData();
    form.append('_xsrf', (document.cookie.match('\\b_xsrf=([^;]*)') || ['', ''])[1]);
    navigator.sendBeacon(`${baseUrl}voila/api/shutdown/${kernelId}`, form);
  });

  // voila calls this when the cells have come and when its own script is ready: the later call counts.
  window.voila_finish = () => {
    window.cellLoaded = true;
    if (window.themeLoaded) say('');
  };
  window.voila_heartbeat = () => {};  // voila calls it while a cell takes long, to keep the connection
  return {begin, opened};
})();
