"""Tests of the site: a small one is built into a temporary folder, read as files, then seen and heard in Chromium.

The small site has every kind of page (front page, articles, rooms, how-tos, leaderboard, cards, live pages) and a few
of each; what is left out of it only differs in its text. `make site` puts the whole one to the same checks, those of
site_check.py.
"""
import contextlib
import json
import re
import tempfile
import threading
from functools import lru_cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import browser as b
from notebooks import ROOT, settings
from site_check import MOST, check, pages
from site_live import unpacked
from test_browser import WINDOW

NEEDS = ('sphinx', 'furo', 'myst_nb')  # what the extra `site` brings
SOME = '90_articles/66 90_articles/70 50_evidence/10 20_clips _codes 45_codebook'.split()  # parts of names of notebooks
def missing() -> str:
    "Why the site cannot be built here; '' where it can."
    gone = [name for name in NEEDS if find_spec(name) is None]
    bring = "not installed; `pip install -c constraints.txt -e '.[site]'` brings them"
    return f"{', '.join(gone)}: {bring}" if gone else ''


# -- the small site

@lru_cache(1)
def small() -> Path:
    "A small site, built once; it goes with this process."
    from make_site import build, lay_out
    small.folder = tempfile.TemporaryDirectory(prefix='mirnb-site-', ignore_cleanup_errors=True)
    source, to = Path(small.folder.name, 'source'), Path(small.folder.name, 'site')
    lay_out(ROOT, source, list(SOME))
    build(ROOT, source, to)
    return to


def built():
    "Every link leads somewhere, nothing comes from elsewhere, no page is heavy, and Sphinx has nothing to complain of."
    found = check(small())
    assert not found, '\n'.join(found[:20])
    assert len(pages(small())) > 30, 'hardly a page was built'


def faults_are_seen():
    "A dead link, a place that is not there, a script from elsewhere and a heavy page are found."
    with tempfile.TemporaryDirectory() as d:
        (Path(d)/'other.html').write_text('<p id=here>', encoding='utf8')
        (Path(d)/'big.png').write_bytes(bytes(MOST + 1))
        links = '<a href="gone.html">a</a><a href="other.html#there">b</a><a href="other.html#here">c</a>'
        loads = '<script src="https://cdn.example/x.js"></script><img src="big.png"><img src="lost.png">'
        (Path(d)/'index.html').write_text(links + loads, encoding='utf8')
        found = '\n'.join(check(Path(d)))
    faults = 'links to gone.html', 'other.html#there', 'loads https://cdn.example', 'weighs 2.0 MB', 'loads lost.png'
    for said in faults:
        assert said in found, f'{said}: was not found in\n{found}'
    assert found.count('\n') == 4, found
    pages.cache_clear()


def rooms_are_a_reference():
    "A function has an entry with what stands beside each parameter, its code is folded, its example is not."
    text = (small()/'nbs'/'50_evidence'/'10_metrics.html').read_text(encoding='utf8')
    assert 'id="mirnb.evidence.metrics.macro_f1"' in text, 'macro_f1 has no entry'
    entry = text[text.index('id="mirnb.evidence.metrics.macro_f1"'):][:6000]
    assert 'also those that the N rows lack, which score 0' in entry, 'the comment beside K is not shown'
    assert '<details class="admonition hide above-input">' in text, 'no code is folded'
    assert '#| export' not in text and 'default_exp' not in text, 'directives of nbdev are shown'


def articles_are_read():
    "An article shows its answer and its figure; its code is folded."
    folder = small()/'nbs'/'90_articles'
    text = (folder/'66_which_representation.html').read_text(encoding='utf8')
    assert 'has the highest macro-F1' in text and '<img' in text, 'the answer or the figure is not there'
    unfolded = re.sub(r'<details.*?</details>', '', text, flags=re.S)
    assert 'class="cell_input docutils container"' not in unfolded, 'code stands open'


def widgets_are_the_package():
    "The scripts of the live pages are those of the widgets, joined as the widgets join them."
    from mirnb.listening.player import Player
    from mirnb.listening.plots import Matrix, Scatter
    from mirnb.listening.tracklist import Tracks
    for name, widget in dict(player=Player, scatter=Scatter, matrix=Matrix, tracks=Tracks).items():
        script = (small()/'_static'/'live'/f'{name}.js').read_text(encoding='utf8')
        assert script == str(widget._esm), f"{name}.js is not the widget's script"


def answers_are_published():
    "What the live pages and the cards show is what the published results say."
    results = json.loads((ROOT/'nbs'/'90_articles'/'results'/'70_reproduction.json').read_text())
    shown = json.loads((small()/'_static'/'live'/'confusions.json').read_text())
    assert shown['counts'] == results['confusion'] and shown['genres'] == results['genres']
    scores = json.loads((ROOT/'nbs'/'90_articles'/'results'/'66_which_representation.json').read_text())
    for corpus in ('embedded', 'recorded'):
        card = json.loads((small()/'answers'/f'{corpus}.card.json').read_text())
        rows = {row['encoder']: row['score'] for row in scores[corpus]['probes']['logistic']['rows']}
        told = {encoder: score['value'] for encoder, score in card['scores']['logistic'].items()}
        assert told == rows, f'{corpus}: the card has other scores'


def commands_are_commands():
    "What pages of the site alone tell one to type is what the command takes."
    from site_cards import card_pages
    from test_tools import unknown_commands
    texts = {p.name: p.read_text(encoding='utf8') for p in (ROOT/'site'/'pages').glob('*.md')} | card_pages(ROOT, 100)
    wrong = [f'{name}: {line}' for name, text in texts.items() for line in unknown_commands(text)]
    assert not wrong, '\n'.join(wrong)


REQUIRED = ('@context @type conformsTo name description license url creator datePublished version distribution '
            'recordSet').split()


def croissant_fits():
    "The metadata has what Croissant 1.0 requires; each file is there with its hash, each column is in its file."
    from mirnb.base.files import sha256_of
    for corpus in ('embedded', 'recorded'):
        folder = small()/'data'
        told = json.loads((folder/f'{corpus}.croissant.json').read_text())
        lost = [name for name in REQUIRED if not told.get(name)]
        assert not lost, f'{corpus}: has no {lost}'
        assert told['@type'] == 'sc:Dataset' and told['conformsTo'] == 'http://mlcommons.org/croissant/1.0'
        heads = {}
        for file in told['distribution']:
            assert file['@type'] == 'cr:FileObject' and file['encodingFormat'], file
            assert sha256_of(folder/file['contentUrl']) == file['sha256'], f"{file['name']}: is another file"
            heads[file['@id']] = (folder/file['contentUrl']).read_text(encoding='utf8').splitlines()[0].split(',')
        for field in (field for records in told['recordSet'] for field in records['field']):
            source = field['source']
            assert source['extract']['column'] in heads[source['fileObject']['@id']], field['@id']
            assert field['description'] and field['dataType'].startswith('sc:')


def pages_agree():
    "Both workflows run what is run here, and the extra that builds the site is pinned."
    pinned = {line.split('==')[0].lower() for line in (ROOT/'constraints.txt').read_text().splitlines()}
    wanted = {re.match(r'[\w-]+', r).group().lower() for r in settings(ROOT)['site_requirements'].split()}
    assert wanted <= pinned, f'not in constraints.txt: {wanted - pinned}'
    assert 'run: make site' in (ROOT/'.github'/'workflows'/'site.yaml').read_text()


# -- in a browser

@contextlib.contextmanager
def served(folder: Path):
    "A folder as a site, on this machine's own address."
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_): pass
    class Server(ThreadingHTTPServer):
        def handle_error(self, *_): pass  # a page that goes while a sound is on its way
    server = Server(('127.0.0.1', 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try: yield f'http://127.0.0.1:{server.server_port}/'
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def seen(path: str, **look):
    "A page of the small site in Chromium; nothing may be asked of others, nothing may go wrong."
    with served(small()) as root, b.visit(WINDOW.get(b.DRIVER), root + path, **look) as page:
        page.wait_for_load_state('load')
        yield page
        assert not page.outside, f'{path}: asked others for {page.outside}'
        assert not page.errors, f'{path}: {page.errors}'


def ready(page) -> None:
    "Until every live part of a page is drawn."
    page.wait_for_function("() => [...document.querySelectorAll('[data-live]')].every(e => e.dataset.ready)")


def sounds(page) -> None:
    "A sound plays: its time goes on."
    def on(): return any(s['time'] > .1 for s in b.sounds(page)) or page.wait_for_timeout(50)
    b.until(on, 20, 'nothing sounds')
    assert not any(s['error'] for s in b.sounds(page)), b.sounds(page)


def silent(page) -> None:
    "Stop and rewind whatever plays, so that the next sound is heard as one."
    page.evaluate('() => window.mirnbSounds.forEach(a => { a.pause(); a.currentTime = 0; })')


def quiet_pages():
    "A page of each kind, wide and on a telephone, light and dark: no request outside, no error, nothing too wide."
    rooms = 'nbs/90_articles/66_which_representation.html', 'nbs/50_evidence/10_metrics.html'
    for path in ('index.html', *rooms, 'answers/leaderboard.html'):
        for size, dark in (((1360, 900), False), ((400, 800), True)):
            with seen(path, size=size, dark=dark) as page:
                wide = page.evaluate('() => document.documentElement.scrollWidth - innerWidth')
                assert wide <= 0, f'{path}: is {wide} pixels too wide at {size[0]}'
    with seen('search.html?q=macro') as page:
        page.wait_for_selector('#search-results li a')


def clips_play():
    "A click in the list plays that clip, and the player shows it."
    with seen('live/listen.html') as page:
        ready(page)
        row = page.locator('.mirnb-tracks .row').nth(1)
        title = row.locator('.title').inner_text()
        row.click()
        sounds(page)
        assert page.locator('.mirnb-player .mirnb-title').inner_text() == title


def codes_play():
    "A click on the map of codes selects one, plays it, and shows its neighbours."
    with seen('live/codebook.html') as page:
        ready(page)
        page.wait_for_timeout(300)
        page.locator('.mirnb-scatter .board canvas').nth(1).focus()
        page.keyboard.press('ArrowRight')
        page.keyboard.press('Enter')
        sounds(page)
        said = page.locator('.mirnb-scatter .said').inner_text()
        assert re.match(r'code \d+: .* is selected, with \d neighbours', said), said
        assert said.split(':')[0] in page.locator('.mirnb-player .mirnb-title').inner_text()


def point(box: dict) -> dict:
    "Where a track that sounds lies on the first map, in pixels of its board."
    told, parts = unpacked(small()/'_static'/'live'/'map.pack')
    xy = np.frombuffer(parts[f"xy {next(iter(told['rungs']))}"], '<f4').reshape(-1, 2)
    unit = min((box[side]/2 - 18)/reach for side, reach in zip(('width', 'height'), np.abs(xy).max(0)))
    x, y = xy[told['loud'][0]]
    return dict(x=float(box['width']/2 + x*unit), y=float(box['height']/2 - y*unit))


def maps_play():
    "A click with the mouse on a point that sounds selects it on both maps and plays it; a button plays its neighbour."
    with seen('live/disagree.html') as page:
        ready(page)
        page.wait_for_timeout(500)
        maps = page.locator('.mirnb-scatter')
        board = maps.nth(0).locator('canvas').nth(1)
        board.click(position=point(board.bounding_box()))
        sounds(page)
        told = [maps.nth(k).locator('.said').inner_text() for k in (0, 1)]
        assert told[0] == told[1] and 'is selected, with 3 neighbours' in told[0], told
        silent(page)
        page.locator('.live-told button').first.click()
        sounds(page)


def cells_play():
    "A cell of the matrix of which a clip is here plays it; another one says that there is none."
    shown = json.loads((small()/'_static'/'live'/'clips.json').read_text())
    genres = json.loads((small()/'_static'/'live'/'confusions.json').read_text())['genres']
    with seen('live/confusions.html') as page:
        ready(page)
        truth, guess = shown[0]['genre'], shown[0]['said']['TokenFormer'][0]
        row, column = genres.index(truth), genres.index(guess)
        page.locator(f'.mirnb-matrix button[data-row="{row}"][data-column="{column}"]').click()
        sounds(page)


def front_sounds():
    "The front page plays a clip."
    with seen('index.html') as page:
        ready(page)
        page.locator('.mirnb-play').first.click()
        sounds(page)


TESTS = {
    'faults of a site are seen': faults_are_seen,
    'a small site is built: no dead link, no foreign file, no heavy page': built,
    'rooms are a reference': rooms_are_a_reference,
    'articles show answers and fold their code': articles_are_read,
    'live pages run the scripts of the package': widgets_are_the_package,
    'the site shows what is published': answers_are_published,
    'commands on pages of the site are commands': commands_are_commands,
    'Croissant metadata fit their files': croissant_fits,
    'workflow, extra and pins agree': pages_agree}
HEARD = {
    'the front page plays a clip': front_sounds,
    'pages are quiet: no request outside, no error': quiet_pages,
    'a clip of the list plays': clips_play,
    'a code of the map plays': codes_play,
    'a track plays and is shown on two maps': maps_play,
    'a cell of the matrix plays': cells_play}
