"""Marks and the switch in a real browser: what is heard around a switch, and what is marked, undone and kept."""
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import browser as b
from mirnb.listening.switch import loudness
from mirnb.listening.widgets import static
from test_browser import HOSTILE, STAGE, WINDOW, alone, fits, served, soon, text_of, witnessed

SWITCHES = '''
import numpy as np
from mirnb.listening.clips import Clip
from mirnb.listening.switch import Switch
def switch():
    t = np.arange(4*44_100)/44_100
    tone = (.5*np.sin(2*np.pi*440*t)*(1 - t/8)).astype('f4')  # it gets softer, so that its level tells the place
    return Switch.of([Clip('one', 'a tone', tone, 44_100), Clip('two', '<img src=x onerror=window.bad=1>', tone/4, 44_100)], trials=3)
'''

MARKS = '''
import numpy as np, pandas as pd, tempfile
from ipywidgets import VBox
from mirnb.listening.clips import Clip, Picture
from mirnb.listening.player import Player
from mirnb.listening.tracklist import Tracks
from mirnb.explorers.marker import marker_of
HOSTILE = '<img src=x onerror=window.bad=1>'
def marking():
    folder = tempfile.mkdtemp()
    table = pd.DataFrame(dict(track_id=['a', 'b', 'c'], title=['Tune A', 'Tune B', HOSTILE], genre=['jig', 'reel', 'jig'], split='test', path=''))
    said = pd.DataFrame(dict(guess=['jig', 'jig', 'jig'], confidence=[.9, .8, .7]))
    player, tracks = Player(group='x'), Tracks.of(table, dict(one=said))
    tracks.group = 'x'
    box = VBox([tracks, player])
    box.marker = marker_of(folder + '/marks.jsonl', player, table, tracks=tracks, choices=['jig', 'reel'])
    box.children = (tracks, player, box.marker)
    def show(change):
        t = np.arange(4*44_100)/44_100
        wave = (.3*np.sin(2*np.pi*330*t)*np.exp(-t%1)).astype('f4')
        mel = Picture('log-Mel', np.random.default_rng(0).integers(0, 255, (40, 200), 'u1'), 50., ticks=((.2, '200'), (.8, '4k')))
        row = change['new']
        if row >= 0: player.show(Clip(table.track_id[row], table.title[row], wave, 44_100, (mel,)), play=False)
    tracks.observe(show, 'selected')
    return box
'''

# Before the page's own scripts: whatever is connected to a context's output goes through a recorder too, which runs
# where sound is made, so that no sample is lost however busy the page is.
RECORD = '''(() => {
  const code = `registerProcessor('keep', class extends AudioWorkletProcessor {
    process(inputs) { this.port.postMessage([currentFrame, inputs[0][0] ? inputs[0][0].slice() : null]); return true; } })`;
  window.heard = [];
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...more) {
    if (to === this.context.destination && this.context instanceof AudioContext) {
      const context = window.heardBy = this.context, address = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
      context.audioWorklet.addModule(address).then(() => {
        const keep = new AudioWorkletNode(context, 'keep');
        keep.port.onmessage = ({data: [frame, samples]}) => window.heard.push([frame, samples]);
        connect.call(this, keep);
        connect.call(keep, context.destination);
        window.recording = true;
      });
    }
    return connect.call(this, to, ...more);
  };
})()'''


# -- what was heard, as numbers

def recorded(page) -> tuple:
    "(frames, samples, Hz): what was recorded, and when by the clock of the sound; a busy machine may leave frames out."
    blocks, rate = page.evaluate('() => [window.heard.map(([f, s]) => [f, s ? Array.from(s) : null]), window.heardBy.sampleRate]')
    assert len(blocks) > 10, 'nothing was recorded'
    frames = np.concatenate([frame + np.arange(128) for frame, _ in blocks])
    return frames, np.concatenate([np.array(s if s else [0.]*128) for _, s in blocks]), rate


def silences(samples, rate: int, below: float = 1e-4) -> float:
    "The longest silence within a sound, ms."
    loud = np.flatnonzero(np.abs(samples) > below)
    return 1000*(np.diff(loud).max() - 1)/rate


def level(samples) -> float:
    "dB."
    return 20*np.log10(np.sqrt(np.mean(np.square(samples))))


# -- the stage

@contextmanager
def page_of(code: str, what: str, ready: str):
    "A page with one part that a module makes: (server, page)."
    window = WINDOW.get(b.DRIVER)
    with TemporaryDirectory(prefix='mirnb-marks-') as folder:
        Path(folder, 'parts.py').write_text(code)
        serve = served(folder, 'Marks', {'Part': (f'parts:{what}',)})
        with b.command('-c', serve) as server, b.visit(window, 'about:blank') as page:
            page.context.add_init_script(RECORD)
            page.goto(server.at(), wait_until='commit')
            page.wait_for_selector(ready, timeout=120_000)
            yield server, page


def marked(): return STAGE.get(page_of, MARKS, 'marking', '.mirnb-tracks .row')
def switched(): return STAGE.get(page_of, SWITCHES, 'switch', '.mirnb-switch .sound')


# -- tests of the switch

# The widget's own graph without a loudspeaker: switches at 1.0 s, and back 4 ms after 1.5 s, in the middle of a fade.
OFFLINE = '''async ([text, levels, dip]) => {
  const {Deck} = await import(URL.createObjectURL(new Blob([text], {type: 'text/javascript'})));
  const rate = 44100, context = new OfflineAudioContext(1, 2 * rate, rate);
  const buffers = [1, 0.25].map(gain => {
    const buffer = context.createBuffer(1, 4 * rate, rate);
    buffer.getChannelData(0).forEach((_, i, all) => { all[i] = gain * 0.5 * Math.sin(2 * Math.PI * 441 * i / rate); });
    return buffer;
  });
  const deck = new Deck(context, buffers), places = [];
  deck.levels = levels;
  deck.start(0.5, 0);
  for (const [at, i] of [[1, 1], [1.5, 0], [1.504, 1]]) {
    context.suspend(at).then(() => { places.push(deck.position()); deck.choose(i, context.currentTime, dip); context.resume(); });
  }
  return [Array.from((await context.startRendering()).getChannelData(0)), places];
}'''


def graph():
    _, page = switched()
    text = static('common.js', 'colours.js', 'switch.js')
    for dip in (False, True):
        samples, places = page.evaluate(OFFLINE, [text, [.25, 1], dip])
        samples, rate = np.array(samples), 44_100
        assert silences(samples[100:], rate) < (20 if dip else 2), silences(samples[100:], rate)
        assert np.allclose(places, [1.5, 2, 2.004], atol=.004), places  # begun at 0.5: the clock runs on, whatever is heard
        assert abs(level(samples[rate//2:rate - 100]) - level(samples[rate + 1000:rate*3//2])) < .05
        sine = .125*np.sin(2*np.pi*441*(np.arange(2*rate)/rate + .5))
        quiet = np.r_[1000:rate, rate + 1000:rate*3//2, rate*3//2 + 2000:2*rate - 1000]
        assert np.abs(samples - sine)[quiet].max() < 1e-3, 'not at the same place'  # phase and all
        assert np.abs(np.diff(samples)).max() < .02, 'it clicks'


def gap():
    server, page = switched()
    page.get_by_role('button', name='play', exact=False).first.click()
    soon(lambda: page.evaluate('window.recording'), 'nothing is recorded')
    page.wait_for_timeout(400)
    area = page.locator('.mirnb-switch .area')
    for key in ('2', '1', 'x', 'x', 'x'):
        area.press(key)
        page.wait_for_timeout(150)
    page.wait_for_timeout(200)
    area.press('Space')
    page.wait_for_timeout(300)
    where = float(area.get_attribute('aria-valuenow'))
    frames, samples, rate = recorded(page)
    loud = np.flatnonzero(np.abs(samples) > 1e-4)
    own, at = samples[loud[0]:loud[-1]], (frames[loud[0]:loud[-1]] - frames[loud[-1]])/rate + where  # s in the sounds
    assert len(own) > .8*rate, 'too little was heard'
    longest, length = silences(own, rate), rate//50
    found = [(np.abs(own[i:i + length]).max(), at[i]) for i in range(length, len(own) - 2*length, length)]
    worst = max(abs(20*np.log10(peak/(.125*(1 - t/8)))) for peak, t in found)  # both sounds, brought to the softer one
    print(f'        five switches by key while it plays: longest silence {longest:.1f} ms, level within {worst:.2f} dB of the tone')
    assert longest < 20 and worst < .5, (longest, worst)


def matched():
    server, page = switched()
    said = page.locator('.mirnb-switch .gain').all_inner_texts()
    assert said == ['−12.0 dB', '0.0 dB'], said
    assert text_of(page, '.mirnb-switch .sound >> nth=1').startswith('■') and HOSTILE in text_of(page, '.mirnb-switch .sound >> nth=1')
    assert page.evaluate('() => window.bad') is None and page.locator('img[src=x]').count() == 0
    page.get_by_label('level-matched').click()
    assert page.locator('.mirnb-switch .gain').all_inner_texts() == ['0.0 dB', '0.0 dB']
    page.get_by_label('level-matched').click()
    b.picture(page, 'switch')


def blind():
    server, page = switched()
    page.get_by_role('button', name='blind test').click()
    answer = page.get_by_role('button', name='X is A')
    answer.wait_for()
    names = page.locator('.mirnb-switch .sound').all_inner_texts()
    assert [name.strip() for name in names] == ['A', 'B', 'X'], names
    b.picture(page, 'switch-blind')
    area, x = page.locator('.mirnb-switch .area'), b.ask(server, 'part.blind.x')
    area.press('a')
    soon(lambda: 'Hear X first' in text_of(page, '.mirnb-switch .mirnb-notice'), 'an X that nobody heard can be answered')
    for number, key in enumerate('ab'[k] for k in x):
        area.press('x')
        assert page.locator('.mirnb-switch .sound[aria-pressed=true]').inner_text().strip() == 'X'
        area.press(key)
        area.press(key)  # pressed twice
        soon(lambda: b.ask(server, '(len(part.blind.said) if part.blind else 3)') == number + 1, 'the answer does not arrive')
        page.wait_for_timeout(100)  # the next trial is shown
    soon(lambda: 'right' in text_of(page, '.mirnb-switch .said'), 'the result is not told')
    words = b.ask(server, 'part.rounds[0]["words"]')
    assert words.startswith('3 of 3 right'), words
    assert words in text_of(page, '.mirnb-switch .said') and '1: X was' in text_of(page, '.mirnb-switch .said')
    assert page.locator('.mirnb-switch .sound').count() == 2


# -- tests of marks

def marks(server, what: str): return b.ask(server, f'part.marker.marks.{what}')


def spans(server) -> list: return marks(server, 'table()[["start", "end", "label", "note"]].values.tolist()')


def tune(number: int) -> tuple:
    "Choose a track of the list, and wait until it is drawn: (server, page, the area of its lanes)."
    server, page = marked()
    page.locator(f'.mirnb-tracks .row[data-row="{number}"]').click()
    soon(lambda: b.ask(server, 'part.marker.track') == 'abc'[number], 'the track is not shown')
    page.get_by_role('button', name='mark', exact=False).first.wait_for()
    return server, page, page.locator('.mirnb-area')


def typed(page, field, text: str) -> None:
    "In the place of what a field held; Firefox empties a field of numbers where it is filled at once."
    field.press('Control+a')
    page.keyboard.type(text)


def keyboard():
    server, page, area = tune(0)
    area.focus()
    for key in ('Home', 'ArrowRight', 'i', 'ArrowRight', 'o', 'm'): page.keyboard.press(key)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == 'label'
    page.keyboard.type('0 + m x')  # keys of the player are letters here
    page.keyboard.press('Tab')
    page.keyboard.type(HOSTILE)
    page.keyboard.press('Enter')
    soon(lambda: len(spans(server)) == 1, 'nothing was marked')
    (start, end, label, note), = spans(server)
    assert abs(start - 1) < .02 and abs(end - 2) < .02 and (label, note) == ('0 + m x', HOSTILE), spans(server)
    soon(lambda: page.locator('.mirnb-form').is_hidden(), 'the form stays open')
    chip = page.locator('.mirnb-chips button')
    assert HOSTILE in chip.inner_text() and page.evaluate('() => window.bad') is None
    area.focus()
    page.keyboard.press('Control+z')
    soon(lambda: spans(server) == [], 'ctrl and z does not undo')
    page.keyboard.press('Control+y')
    soon(lambda: len(spans(server)) == 1 and chip.count() == 1, 'ctrl and y does not do it again')


def mouse():
    server, page, area = tune(0)
    box = area.bounding_box()
    left, right = box['x'] + box['width']*.6, box['x'] + box['width']*.8
    page.mouse.move(left, box['y'] + 40)
    page.mouse.down()
    page.mouse.move(right, box['y'] + 40, steps=4)
    page.mouse.up()
    page.get_by_role('button', name='mark: mark the region').click()
    page.locator('.mirnb-form').get_by_label('label', exact=True).fill('reel')
    page.get_by_role('button', name='save: keep this mark').click()
    soon(lambda: len(spans(server)) == 2, 'nothing was marked')
    soon(lambda: page.locator('.mirnb-chips button').count() == 2, 'the mark is not shown')
    page.wait_for_timeout(300)
    b.picture(page, 'marks')
    page.mouse.click((left + right)/2, area.bounding_box()['y'] + 10)  # in the lane of marks: it is heard, and can be changed
    soon(lambda: [s['time'] > 2 for s in b.sounds(page) if not s['paused']] == [True], 'the mark is not heard')
    begins, ends = (page.get_by_label(f'{name} at, seconds') for name in ('begins', 'ends'))
    begins.fill('')
    page.get_by_role('button', name='save: keep this mark').click()
    soon(lambda: 'write both' in text_of(page, '.mirnb-player .mirnb-notice'), 'an empty field is not refused')
    typed(page, begins, '3.5')
    typed(page, ends, '3')
    page.get_by_role('button', name='save: keep this mark').click()
    soon(lambda: 'end after it starts' in text_of(page, '.mirnb-player .mirnb-notice'), 'an empty stretch is not refused')
    assert page.locator('.mirnb-form').is_visible(), 'what was typed is lost'
    typed(page, begins, '2.5')
    page.get_by_role('button', name='save: keep this mark').click()
    soon(lambda: [2.5, 3., 'reel', ''] in spans(server), 'the mark is not changed')
    page.locator('.mirnb-chips button').last.click()
    page.get_by_role('button', name='delete: take this mark away').click()
    soon(lambda: len(spans(server)) == 1, 'the mark is not taken away')
    page.evaluate('() => { for (const a of window.mirnbSounds) a.pause(); }')


def ticks():
    server, page, _ = tune(1)
    grid = page.locator('.mirnb-tracks .grid')
    grid.press('x')
    soon(lambda: marks(server, 'ticks') == ['b'], 'x does not tick')
    page.get_by_role('button', name='tick all shown').click()
    soon(lambda: marks(server, 'ticks') == ['b', 'a', 'c'], 'not all are ticked')
    page.locator('.mirnb-marker').get_by_label('label').fill(HOSTILE)
    page.locator('.mirnb-marker').get_by_label('label').press('Tab')
    page.get_by_role('button', name='correct label').click()
    cell = page.locator('.mirnb-tracks .row[data-row="1"] .corrected')
    soon(lambda: cell.count() and cell.inner_text() == HOSTILE, 'the corrected label is not in the list')
    assert page.evaluate('() => window.bad') is None and page.locator('img[src=x]').count() == 0
    page.get_by_role('button', name='corrected').click()
    assert page.locator('.mirnb-tracks [aria-sort=ascending]').inner_text().startswith('corrected')
    fits(page, 'marks')
    page.set_viewport_size(dict(width=1280, height=900))
    page.get_by_role('button', name='undo', exact=True).click()
    soon(lambda: cell.inner_text() == '–' and marks(server, 'labels') == {}, 'undo does not take the label back')


def kept():
    server, page = marked()
    path, before = Path(marks(server, 'path.as_posix()')), marks(server, 'ticks')
    b.kill_kernel(server)
    from mirnb.listening.marks import Marks
    again = Marks(path)
    assert again.ticks == before and len(again.spans) == 1, 'a killed kernel took marks along'


TESTS = witnessed({
    'switch: its graph has no gap, keeps the place and the level': graph,
    'switch: no silence around a switch while it plays': gap,
    'switch: equally loud, as it says; a hostile title stays text': matched,
    'switch: a blind test by keys': blind,
    'switch: no request to others, no error': partial(alone, switched),
    'marks: a stretch by keys, undone and done again': keyboard,
    'marks: a stretch by mouse, heard, changed, taken away': mouse,
    'marks: ticks and a corrected label, in a narrow page too': ticks,
    'marks: no request to others, no error': partial(alone, marked),
    'marks: a killed kernel loses none': kept,
})
