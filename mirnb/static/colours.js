// Colours as numbers, for widgets that mix or paint them themselves.

// [red, green, blue], 0 to 255, of anything that CSS takes for a colour.
function rgbOf(colour) {
  const pen = rgbOf.pen ??= element('canvas', {width: 1, height: 1}).getContext('2d', {willReadFrequently: true});
  pen.fillStyle = colour.trim();
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

// `part` of one colour over another.
const mix = (over, under, part) => over.map((value, i) => Math.round(value * part + under[i] * (1 - part)));

// Relative luminance, 0 to 1, as the Web Content Accessibility Guidelines define it.
function luminance(rgb) {
  const [r, g, b] = rgb.map(v => v / 255).map(v => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4));
  return .2126 * r + .7152 * g + .0722 * b;
}

// Black or white, whichever reads better on a colour; the contrast is at least 4.5 to 1 on every colour there is.
const readableOn = rgb => (luminance(rgb) > .179 ? '#000000' : '#ffffff');

// Calls back when JupyterLab's theme or the system's changes; returns what ends it.
function onTheme(callback) {
  const system = matchMedia('(prefers-color-scheme: dark)'), page = new MutationObserver(callback);
  system.addEventListener('change', callback);
  page.observe(document.body, {attributes: true, attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name']});
  return () => { system.removeEventListener('change', callback); page.disconnect(); };
}
