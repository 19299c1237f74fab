"""The explorers in a real browser, on a tiny run of made-up music: what is clicked, what the kernel knows, what sounds.

The run is made once and serves both stages: `mirnb explore RUN`, with all explorers, and a notebook in JupyterLab.
"""
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

import browser as b
from notebooks import ROOT, Problem
from test_browser import RUN, STAGE, WINDOW, alone, served, soon, text_of, witnessed

MAKE = 'from mirnb.study.toys import tiny_run\nif __name__ == "__main__": print("run:", tiny_run().folder)'
CELL = '''
from mirnb.explorers.results import ResultsExplorer
from mirnb.explorers.tracks import TracksExplorer
tracks = TracksExplorer({0!r})
results = ResultsExplorer({0!r})
results
'''.strip()

CROWD = '''
import numpy as np, pandas as pd
from ipywidgets import Button, VBox
from mirnb.listening.tracklist import Tracks
def crowd():
    n, rng, genres = 100_000, np.random.default_rng(0), np.array([f'genre {k}' for k in range(16)])
    table = pd.DataFrame(dict(track_id=[f'{i:06d}' for i in range(n)], title=[f'Title of track {i}' for i in range(n)],
                              genre=genres[rng.integers(0, 16, n)], split='test'))
    said = pd.DataFrame(dict(guess=genres[rng.integers(0, 16, n)], confidence=rng.random(n)))
    box, button = VBox(), Button(description='list them')
    button.on_click(lambda _: setattr(box, 'children', (Tracks.of(table, dict(one=said, other=said)),)))
    return VBox([button, box])
'''


# -- the stages

@contextmanager
def made():
    "The folder of a finished run, under a home of its own."
    with TemporaryDirectory(prefix='mirnb-explored-') as home:
        (script := Path(home)/'make.py').write_text(MAKE)
        with patch.dict(os.environ, MIRNB_HOME=home):  # the servers inherit it
            env = os.environ | dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
            done = subprocess.run([sys.executable, script], env=env, text=True, capture_output=True)
            if done.returncode: raise Problem('the tiny run could not be made:\n' + done.stderr[-1500:])
            yield done.stdout.rpartition('run: ')[2].strip()


@contextmanager
def explored():
    "`mirnb explore` on the run: (server, page), with the first explorer drawn; the others wait for their tabs."
    with b.explorer(WINDOW.get(b.DRIVER), RUN.get(made), '--with', 'mel') as (server, page): yield server, page


@contextmanager
def notebook():
    "The results explorer in JupyterLab: (server, page)."
    window, run = WINDOW.get(b.DRIVER), RUN.get(made)
    with TemporaryDirectory(prefix='mirnb-lab-') as folder, ExitStack() as stack:
        kernel = dict(name='python3', display_name='Python 3', language='python')
        cells = [new_code_cell(CELL.format(run))]
        write(new_notebook(cells=cells, metadata=dict(kernelspec=kernel)), Path(folder, 'listen.ipynb'))
        server = stack.enter_context(b.jupyterlab(folder))
        page = stack.enter_context(b.visit(window, server.at('lab/tree/listen.ipynb'), (1400, 1000)))
        b.run_first_cell(page)
        page.wait_for_selector('.mirnb-tracks .row', timeout=120_000)
        yield server, page


@contextmanager
def crowded():
    "A page with a button that lists 100,000 tracks: (server, page)."
    window = WINDOW.get(b.DRIVER)
    with TemporaryDirectory(prefix='mirnb-crowd-') as folder:
        Path(folder, 'crowds.py').write_text(CROWD)
        code = served(folder, 'Crowd', {'Crowd': ('crowds:crowd',)})
        with b.command('-c', code) as server, b.visit(window, server.at()) as page:
            page.get_by_role('button', name='list them').wait_for()
            page.evaluate("() => document.addEventListener('click', () => performance.mark('asked'), true)")
            yield server, page


def voila(): return STAGE.get(explored)
def lab(): return STAGE.get(notebook)


# -- what tests share

PARTS = {'Tracks': '.mirnb-tracks .row', 'Codebook': '.mirnb-scatter .legend button', 'Results': '.mirnb-matrix td button',
         'Map': '.mirnb-scatter .legend button'}


def go(page, name: str):
    "Turn to a tab, which makes what lies on it; gives that."
    page.get_by_role('tab', name=name).click()
    part = page.locator(f'#part-{[*PARTS].index(name) + 1}')
    part.locator(PARTS[name]).first.wait_for(timeout=120_000)
    return part


def row(part, number: int):
    "A track of the list; the order of the nodes is not that of the rows."
    return part.locator(f'.mirnb-tracks .row[data-row="{number}"]').first


def on(name: str, number: int|None = None, stage=voila) -> tuple:
    "Turn to a tab (in JupyterLab, to all there is) and click a track of its list: (server, page, what lies there)."
    server, page = stage()
    part = go(page, name) if stage == voila else page
    if number is not None: row(part, number).click()
    return server, page, part


def playing(page) -> dict:
    "The one sound that plays; waits until it has moved on."
    def look():
        found = [s for s in b.sounds(page) if not s['paused'] and s['time'] > .05]
        return found if len(found) == 1 else None
    return soon(look, f'nothing plays, or more than one: {b.sounds(page)}')[0]


def silence(page) -> None:
    "Stop whatever plays."
    page.evaluate("() => { for (const a of window.mirnbSounds) a.pause(); }")


# -- tests

def track():
    server, page, part = on('Tracks', 2)
    sound = playing(page)
    assert abs(sound['duration'] - 6) < .05 and sound['source'] == 'blob:' and not sound['error'], sound
    assert b.ask(server, 'tracks.track_id') == 'bass-2'
    before = playing(page)['time']
    page.wait_for_timeout(1000)
    assert .5 < playing(page)['time'] - before < 2, 'its time does not move as the clock does'
    area = part.locator('.mirnb-area')
    area.focus()
    page.keyboard.press('Space')
    soon(lambda: all(s['paused'] for s in b.sounds(page)), 'space does not pause')
    page.keyboard.press('Home')
    page.keyboard.press('ArrowRight')
    soon(lambda: abs(b.ask(server, 'tracks.player.time') - 1) < .02, 'an arrow does not go one second on')
    box = area.bounding_box()
    page.mouse.click(box['x'] + box['width']*.75, box['y'] + 20)  # into the wave
    soon(lambda: 3.5 < b.ask(server, 'tracks.player.time') < 5, 'a click does not seek')
    b.picture(page, 'explorer-tracks')


def filtered():
    server, page, part = on('Tracks')
    part.get_by_placeholder('search title and id').fill('bells')
    soon(lambda: text_of(part, '.mirnb-tracks .count') == '8 of 24 tracks', 'the search leaves other than the 8 bells')
    row(part, 8).click()
    soon(lambda: b.ask(server, 'tracks.track_id') == 'bells-0', 'the first bell is not chosen')
    part.get_by_placeholder('search title and id').fill('')
    silence(page)


def hostile():
    _, page, part = on('Tracks', 0)
    title = 'bass 0 <img src=x onerror="window.harmed=true">'
    soon(lambda: text_of(part, '.mirnb-player .mirnb-title') == title, 'the title is not shown as it is')
    assert page.evaluate('() => window.harmed') is None and page.locator('img[src=x]').count() == 0, 'a title was run'
    silence(page)


def gone():
    server, page, part = on('Tracks')
    file = Path(b.ask(server, 'tracks.heard.tracks.path[20]'))
    away = file.rename(file.with_suffix('.away'))
    part.get_by_placeholder('search title and id').fill('drums')
    row(part, 20).click()
    soon(lambda: 'is no file' in text_of(part, '.mirnb-player .mirnb-notice'), 'nobody says that the file has gone')
    away.rename(file)
    row(part, 21).click()
    soon(lambda: text_of(part, '.mirnb-player .mirnb-notice') == '', 'the notice still stands')
    assert playing(page)
    part.get_by_placeholder('search title and id').fill('')
    silence(page)


def hears():
    server, page, part = on('Tracks', 8)
    playing(page)
    part.get_by_role('button', name='hear?').click()
    part.get_by_role('button', name='importance').wait_for()
    part.get_by_role('button', name='without what matters').click()
    title = '.mirnb-player .mirnb-title'
    soon(lambda: 'without what matters' in text_of(part, title), 'the rest of the track is not shown', 30)
    assert abs(playing(page)['duration'] - 6) < .05
    b.picture(page, 'explorer-hears')
    silence(page)


def against():
    server, page, part = on('Tracks', 2)
    playing(page)
    part.get_by_role('button', name='A/B').click()
    part.locator('.mirnb-switch .sound').nth(1).wait_for()
    assert b.ask(server, 'tracks.switch.names') == ('as it is', 'played back from its codes')
    soon(lambda: text_of(part, '.mirnb-switch .play') == 'pause', 'the sounds do not play')
    assert all(s['paused'] for s in b.sounds(page)), 'the player goes on meanwhile'
    part.locator('.mirnb-switch .area').press('2')
    assert part.locator('.mirnb-switch .sound').nth(1).get_attribute('aria-pressed') == 'true'
    b.picture(page, 'explorer-switch')
    row(part, 1).click()
    playing(page)
    soon(lambda: text_of(part, '.mirnb-switch .play') == 'play', 'two sounds play at once')
    silence(page)


def token():
    server, page, part = on('Tracks', 3)
    playing(page)
    silence(page)
    area = part.locator('.mirnb-area').first
    box, lane = area.bounding_box(), part.get_by_text('tokens', exact=True)
    y = lane.bounding_box()['y'] + 8 if lane.count() else box['y'] + 229  # below marks, wave and log-Mel
    page.mouse.click(box['x'] + box['width']*.5, y)
    opened = 'tracks.codebook is not None and tracks.codebook.code'
    soon(lambda: b.ask(server, opened) >= 0, 'a click on a token opens no code', 30)
    assert abs(playing(page)['duration'] - .6) < .05
    silence(page)


def code():
    server, page, part = on('Codebook')
    board = part.locator('.mirnb-scatter .board canvas').last
    box = board.bounding_box()
    for x in range(30, 71, 5):  # somewhere on this line there is a code
        page.mouse.click(box['x'] + box['width']*x/100, box['y'] + box['height']/2)
        page.wait_for_timeout(100)
    other = 'codebook.made.scatter.selected != [int(codebook.made.codes.uses.argmax())]'  # than the one shown at first
    soon(lambda: b.ask(server, other), 'no code is chosen')
    def told():  # whichever code the last click found: the kernel may still be at an earlier one
        found = b.ask(server, 'codebook.made.code')
        named = text_of(part, '.mirnb-player .mirnb-title') == f'code {found} alone'
        return named and f'code {found}:' in part.inner_text() and part.locator('svg').count() >= 1
    soon(told, 'the code is not shown')
    part.get_by_role('button', name='alone').click()
    assert abs(playing(page)['duration'] - .6) < .05
    b.picture(page, 'explorer-codebook')


def lasso():
    server, page, part = on('Codebook')
    box = part.locator('.mirnb-scatter .board canvas').last.bounding_box()
    def at(x, y): return box['x'] + box['width']*x, box['y'] + box['height']*y
    for name, left in (('lasso A', .2), ('lasso B', .5)):
        part.get_by_role('button', name=name).click()
        page.mouse.move(*at(left, .2))
        page.mouse.down()
        for x, y in ((left + .28, .2), (left + .28, .8), (left, .8), (left, .2)): page.mouse.move(*at(x, y), steps=4)
        page.mouse.up()
    soon(lambda: len(b.ask(server, 'sorted(codebook.made.scatter.groups)')) == 2, 'the lassos caught nothing')
    soon(lambda: 'A less B' in part.inner_html(), 'the groups are not compared')
    assert min(b.ask(server, '[len(g) for g in codebook.made.scatter.groups.values()]')) > 5
    silence(page)


def results(stage=voila):
    server, page, part = on('Results', stage=stage)
    shown = 'results' if stage == lab else 'results.made'
    cells = f'((i, j, n) for i, row in enumerate({shown}.matrix.counts) for j, n in enumerate(row) if n)'
    truth, guess, count = b.ask(server, f'next({cells})')
    part.locator('.mirnb-matrix td button').nth(truth*3 + guess).click()
    soon(lambda: text_of(part, '.mirnb-tracks .count') == f'{count} of 6 tracks', 'the cell does not list its tracks')
    part.locator('.mirnb-tracks .row').first.click()
    assert abs(playing(page)['duration'] - 6) < .05
    assert b.ask(server, f'{shown}.tracks.selected') == b.ask(server, f'{shown}.tracks.subset[0]')
    b.picture(page, f'explorer-results-{"voila" if stage == voila else "lab"}')
    silence(page)


def known():
    "Where on a map the tracks lie that a model knew."
    server, page, part = on('Map')
    part.get_by_label('colour').select_option('SpectroFormer is')
    def told(): return {text.split()[-1] for text in part.locator('.mirnb-scatter .legend').first.inner_text().split('\n')}
    soon(lambda: told() & {'right', 'wrong'}, 'the map does not say who was known')
    b.picture(page, 'explorer-run-map')


def export(stage=voila):
    server, page, part = on('Results', stage=stage)
    shown = 'results' if stage == lab else 'results.made'
    with TemporaryDirectory() as folder:
        part.get_by_label('save as').fill(f'{folder}/ticked.csv')
        part.locator('.mirnb-tracks .row input[type=checkbox]').first.click()
        soon(lambda: b.ask(server, f'len({shown}.tracks.ticked)') == 1, 'the tick does not reach the kernel')
        part.get_by_role('button', name='save ticked tracks').click()
        soon(lambda: Path(folder, 'ticked.csv').exists(), 'no table was written')
        chosen = b.ask(server, f'{shown}.table.track_id[{shown}.tracks.ticked[0]]')
        assert chosen in Path(folder, 'ticked.csv').read_text() and chosen in b.ask(server, f'{shown}.cell.value')


def quick():
    "Prints how soon the page was there, and how long a click on a track that it holds takes until it is drawn and plays."
    _, page, part = on('Tracks')
    print('        from the command, encoding six tracks for a map, to its address {:.1f} s, to the list {:.1f} s'.format(*page.took))
    for i in (1, 2):
        row(part, i).click()
        playing(page)
    b.marks(page, clear=True)
    for i in (1, 2)*8:
        row(part, i).click()
        page.wait_for_timeout(400)
    took, first = b.medians(b.marks(page)), page.evaluate("() => performance.getEntriesByType('mark').length")
    print(f'        click on a track that was heard before, median of 16: drawn in {took["drawn"]:.0f} ms, '
          f'drawn and playing in {took["both"]:.0f} ms')
    assert took['both'] < 5000, first
    silence(page)


def crowd():
    "Prints how long it is from a click until 100,000 tracks are listed, kernel and all, and how many nodes they need."
    _, page = STAGE.get(crowded)
    page.get_by_role('button', name='list them').click()
    page.wait_for_selector('.mirnb-tracks .row')
    def when(mark): return page.evaluate('mark => performance.getEntriesByName(mark)[0].startTime', mark)
    took = when('mirnb:listed') - when('asked')
    nodes = page.evaluate("() => document.querySelectorAll('.mirnb-tracks *').length")
    print(f'        100,000 tracks: listed in {took/1000:.2f} s from the click, {nodes} nodes')
    assert nodes <= 300 and '100,000 of 100,000' in text_of(page, '.mirnb-tracks .count'), nodes
    assert not page.outside and not page.errors, (page.outside, page.errors)


def saved():
    server, page = lab()
    file = Path(b.ask(server, '__import__("os").getcwd()'), 'listen.ipynb')
    page.locator('[data-command="docmanager:save"]').first.click()
    soon(lambda: 'widget-view' in file.read_text(), 'the notebook was not saved with what it shows')
    text = file.read_text()
    assert 'widget-state' not in text and 'audio' not in text and len(text) < 20_000, f'{len(text)} characters'


def closed():
    server, page = lab()
    page.locator('.mirnb-tracks .row').first.click()
    playing(page)
    page.locator('.jp-CodeCell .cm-content').first.click()
    page.keyboard.press('Escape')
    for _ in range(2): page.keyboard.press('d')  # deletes the cell
    soon(lambda: all(s['paused'] for s in b.sounds(page)), 'the sound of a deleted cell goes on')


def keys():
    server, page = lab()
    cells = page.locator('.jp-Notebook .jp-Cell').count()
    page.locator('.mirnb-tracks .row').first.click()
    grid, before = page.locator('.mirnb-tracks .grid'), b.ask(server, 'results.tracks.ticked')
    grid.press('x')  # JupyterLab would cut the cell
    soon(lambda: b.ask(server, 'results.tracks.ticked') != before, 'x does not tick')
    grid.press('x')
    soon(lambda: b.ask(server, 'results.tracks.ticked') == before, 'x does not take the tick back')
    assert page.locator('.jp-Notebook .jp-Cell').count() == cells, 'a key went on to JupyterLab'
    silence(page)


def dead():
    server, page, part = on('Tracks')
    for i in (1, 2):
        row(part, i).click()
        playing(page)
    silence(page)
    b.kill_kernel(server)
    row(part, 1).dispatch_event('click')
    soon(lambda: 'does not answer' in part.inner_text(), 'the page does not say that the kernel is gone', 8)
    assert abs(playing(page)['duration'] - 6) < .05, 'what was heard before does not play any more'


TESTS = witnessed({
    'explorers: a click plays a track, keys and clicks move it': track,
    'explorers: a filter': filtered,
    'explorers: a hostile title stays text': hostile,
    'explorers: a track whose file has gone': gone,
    'explorers: what a model hears, and the track without it': hears,
    'explorers: two sounds at one position': against,
    'explorers: a token opens its code': token,
    'explorers: a code is drawn and heard': code,
    'explorers: two lassos are compared': lasso,
    'explorers: a cell of the matrix lists and plays its tracks': results,
    'explorers: a map of the tested tracks, by who knew them': known,
    'explorers: ticked tracks leave as a table': export,
    'explorers: how quick a click is': quick,
    'explorers: no request to others, no error': partial(alone, voila),
    'explorers: a dead kernel is told, what was heard still plays': dead,
    'a list of 100,000 tracks': crowd,
    'explorers in JupyterLab: a cell of the matrix lists and plays its tracks': partial(results, lab),
    'explorers in JupyterLab: ticked tracks leave as a table': partial(export, lab),
    'explorers in JupyterLab: keys of the list stay in it': keys,
    'explorers in JupyterLab: a saved notebook holds neither sounds nor widgets': saved,
    'explorers in JupyterLab: a deleted cell is silent': closed,
    'explorers in JupyterLab: no request to others, no error': partial(alone, lab),
})
