"""The explorers of collections and comparisons in a real browser: maps that are clicked, lists of what is near, a blind vote.

Two stages: `mirnb explore FOLDER --with mel chroma` on a few made-up sounds, and a map of 100,000 tracks for the times.
"""
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import browser as b
from notebooks import ROOT, Problem
from test_browser import STAGE, WINDOW, alone, fits, served, soon, text_of, witnessed
from test_explorers import playing, silence

SOUNDS = '''
import sys
from pathlib import Path
import numpy as np
from mirnb.sound.audio import save_audio
t, rng = np.arange(2*22_050)/22_050, np.random.default_rng(0)
for k, kind in enumerate(('bass', 'bells', 'hiss <img src=x onerror=window.harmed=true>')):
    for i in range(6):
        tone = rng.normal(size=len(t)) if k == 2 else np.sin(2*np.pi*(110, 1760)[k]*2**(i/12)*t)*np.exp(-t*(.5 + k))
        save_audio(Path(sys.argv[1], kind, f'{i}.wav'), (tone/4).astype('f4'), 22_050)
'''

COMPARED = '''
import sys
from mirnb.comparison.run import run
from mirnb.comparison.settings import CompareConfig
asked = dict(probes=('neighbours',), folds=3, deals=1, shots=(), twins=False, bootstrap=100)
if __name__ == '__main__': print('folder:', run(CompareConfig(('mel', 'chroma'), sys.argv[1], **asked), 1, False).folder)
'''

CROWD = '''
import numpy as np, pandas as pd, sys
from mirnb.explorers.map import MapExplorer
from mirnb.listening.collection import Collection
def crowd():
    n, rng = 100_000, np.random.default_rng(0)
    table = pd.DataFrame(dict(track_id=[f'{i:06d}' for i in range(n)], path=[FILES[i % 2] for i in range(n)],
                              genre=[f'genre {i % 9}' for i in range(n)]))
    table['clap'], table['mert'] = (list(rng.normal(size=(n, 256)).astype('f4')) for _ in range(2))
    return MapExplorer(Collection(table), how='PCA')
'''


# -- the stages

def made(script: str, *words) -> str:
    "What a script printed; it stands in a file, since its workers import it anew."
    with TemporaryDirectory(prefix='mirnb-script-') as folder:
        (file := Path(folder, 'make.py')).write_text(script)
        env = os.environ | dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
        done = subprocess.run([sys.executable, file, *map(str, words)], env=env, text=True, capture_output=True)
    if done.returncode: raise Problem('what the tests need could not be made:\n' + done.stderr[-1500:])
    return done.stdout


@contextmanager
def sounds():
    "A folder of eighteen sounds in three classes, under a home of its own."
    with TemporaryDirectory(prefix='mirnb-sounds-') as folder:
        with patch.dict(os.environ, MIRNB_HOME=f'{folder}/home'):  # the servers inherit it
            made(SOUNDS, f'{folder}/music')
            yield f'{folder}/music'


@contextmanager
def mapped():
    "The list and the map of the sounds: (server, page)."
    window = WINDOW.get(b.DRIVER)
    with sounds() as music, b.explorer(window, music, '--with', 'mel', 'chroma') as (server, page): yield server, page


@contextmanager
def compared():
    "A comparison of the sounds: (server, page)."
    with sounds() as music:
        folder = made(COMPARED, music).rpartition('folder: ')[2].strip()
        with b.explorer(WINDOW.get(b.DRIVER), folder) as (server, page): yield server, page


@contextmanager
def crowded():
    "The map of 100,000 tracks, of two sounds in turn: (server, page)."
    window = WINDOW.get(b.DRIVER)
    with sounds() as music, TemporaryDirectory(prefix='mirnb-crowd-') as folder:
        files = [f'{music}/bass/0.wav', f'{music}/bells/0.wav']
        Path(folder, 'crowds.py').write_text(f'FILES = {json.dumps(files)}\n{CROWD}')
        with b.command('-c', served(folder, 'Crowd', {'Map': ('crowds:crowd',)})) as server:
            with b.visit(window, server.at(), (1400, 1000)) as page:
                page.wait_for_selector('.mirnb-scatter .legend button', timeout=240_000)
                yield server, page


# -- what tests share

def the_map():
    "The tab of the maps: (server, page, what lies there)."
    server, page = STAGE.get(mapped)
    page.get_by_role('tab', name='Map').click()
    part = page.locator('#part-2')
    part.locator('.mirnb-scatter .legend button').nth(1).wait_for(timeout=120_000)
    return server, page, part


def click_on(page, server, side: int, row: int, shown: str = 'map.made') -> None:
    "Click a track on one of the two maps, by its place there."
    xy, (wide, high) = b.ask(server, f'(lambda s: [s.xy[s.place[{row}]].tolist(), abs(s.xy).max(0).tolist()])({shown}.sides[{side}])')
    board = page.locator('.mirnb-scatter .board').nth(side)
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    unit = min((box['width']/2 - 18)/max(wide, 1e-6), (box['height']/2 - 18)/max(high, 1e-6))
    page.mouse.click(box['x'] + box['width']/2 + xy[0]*unit, box['y'] + box['height']/2 - xy[1]*unit)


# -- tests

def listed():
    server, page = STAGE.get(mapped)
    part = page.locator('#part-1')
    title = text_of(part, '.mirnb-player .mirnb-title')
    assert title == '0.wav', f'the first track is not shown at once, but {title!r}'
    part.locator('.mirnb-tracks .row[data-row="7"]').click()
    assert abs(playing(page)['duration'] - 2) < .05
    part.get_by_label('frame').select_option('512')
    soon(lambda: b.ask(server, 'list.picker.lens.hop') == 512, 'the lens does not turn')
    assert page.evaluate('() => window.harmed') is None, 'the name of a folder was run'
    b.picture(page, 'explorer-list')
    silence(page)


def lit():
    server, page, part = the_map()
    soon(lambda: b.ask(server, 'map.made.lit') == 0, 'no track is lit at once')
    click_on(page, server, 1, 9)
    soon(lambda: b.ask(server, 'map.made.lit') == 9, 'a click on the right map lights no track')
    assert b.ask(server, '[side.scatter.selected for side in map.made.sides]') == [[9], [9]]
    playing(page)
    for side in (0, 1):
        first = part.locator('.mirnb-tracks').nth(side).locator('.row').first
        first.wait_for()
        assert first.inner_text().strip()[0] in '0123456789-', first.inner_text()
    part.locator('.mirnb-tracks').nth(0).locator('.row').first.click()
    near = b.ask(server, 'map.made.sides[0].near[0]')
    soon(lambda: b.ask(server, 'map.made.shown') == near, 'the nearest track is not played')
    b.picture(page, 'explorer-map')
    silence(page)


def blind():
    server, page, part = the_map()
    part.get_by_role('button', name='blind test').click()
    ballot = part.get_by_role('button', name='A sounds nearer')
    ballot.wait_for()
    assert part.locator('.mirnb-scatter:visible').count() == 0, 'the maps tell whose list is whose'
    assert 'mel' not in part.inner_text(), 'a name is told'
    playing(page)
    ballot.click()
    soon(lambda: b.ask(server, 'len(map.made.blind.votes.given)') == 1, 'the vote does not arrive')
    part.get_by_role('button', name='blind test').click()
    soon(lambda: 'fair coin' in part.inner_text(), 'the score is not told')
    b.picture(page, 'explorer-blind')
    silence(page)


def narrow():
    "On a telephone, and enlarged to twice the size: nothing is wider than the page; by keys alone a track is found and heard."
    server, page, part = the_map()
    for tab in ('List', 'Map'):
        page.get_by_role('tab', name=tab).click()
        fits(page, f'explorer-{tab.lower()}')
    page.set_viewport_size(dict(width=1400, height=1000))
    before = b.ask(server, 'map.made.lit')
    board = part.locator('.mirnb-scatter .board canvas').nth(1)
    board.focus()
    page.keyboard.press('ArrowRight')
    page.keyboard.press('Enter')
    soon(lambda: b.ask(server, 'map.made.lit') not in (-1, before), 'the keyboard chooses no track on the map')
    playing(page)
    silence(page)
    part.get_by_role('button', name='lasso A').first.press('Enter')
    board.focus()
    for key in ('ArrowLeft', 'Enter', 'ArrowRight', 'Enter'): page.keyboard.press(key)
    soon(lambda: b.ask(server, 'map.made.tracks.subset is not None and len(map.made.tracks.subset)') == 2,
         'the keyboard gathers no two tracks')
    page.keyboard.press('Enter')  # which takes it out again
    soon(lambda: b.ask(server, 'len(map.made.tracks.subset)') == 1, 'the keyboard takes no track out')
    page.keyboard.press('Escape')
    soon(lambda: b.ask(server, 'map.made.tracks.subset') is None, 'the groups are not cleared')
    part.get_by_role('button', name='pan').first.press('Enter')


def errors():
    server, page = STAGE.get(compared)
    cells = b.ask(server, '[[i, j] for i in range(2) for j in range(3) if len(comparison.said.errors('
                          'comparison.encoders[i], comparison.said.classes[j], 0))]')
    row, column = cells[0] if cells else (0, 0)
    page.locator('.mirnb-matrix td button').nth(row*3 + column).click()
    soon(lambda: b.ask(server, 'comparison.tracks.subset is not None'), 'a cell does not list its errors')
    if cells:
        page.locator('.mirnb-tracks .row').first.click()  # the second click
        playing(page)
        assert page.locator('.mirnb-player').inner_text().count('mel: ') == 1
    b.picture(page, 'explorer-comparison')
    silence(page)


def quick():
    "Prints how long a click on a map of 100,000 takes to sound and to list what is near; and what 200 clicks cost in memory."
    server, page = STAGE.get(crowded)
    rows = [11, 12]
    for row in rows:
        click_on(page, server, 0, row, 'map')
        playing(page)
    near = b.ask(server, '__import__("timeit").timeit(lambda: map.sides[0].space.nearest(7, 20), number=5)/5')
    b.marks(page, clear=True)
    for row in rows*8:
        click_on(page, server, 0, row, 'map')
        page.wait_for_timeout(500)
    took = b.medians(b.marks(page))
    def heap():  # MiB
        page.evaluate("() => { if (window.gc) window.gc(); }")
        return page.evaluate('() => performance.memory.usedJSHeapSize')/2**20
    before = heap()
    for row in rows*100:
        click_on(page, server, 0, row, 'map')
        page.wait_for_timeout(40)
    after = heap()
    print(f'        of 100,000 tracks: a click sounds after {took["both"]:.0f} ms (median of 16, cached), the nearest are found '
          f'in {1000*near:.0f} ms; the heap goes from {before:.0f} to {after:.0f} MiB over 200 clicks')
    assert near < .3 and took['both'] < 5000 and after < before + 30, (near, took, before, after)
    silence(page)


TESTS = witnessed({
    'collections: a list, a lens, a first track': listed,
    'collections: a click on one map lights the track on both': lit,
    'collections: a blind vote': blind,
    'collections: a narrow page, an enlarged one, a map by keys': narrow,
    'collections: no request to others, no error': partial(alone, partial(STAGE.get, mapped)),
    'comparisons: from a score to its errors in two clicks': errors,
    'comparisons: no request to others, no error': partial(alone, partial(STAGE.get, compared)),
    'a map of 100,000 tracks': quick,
})
