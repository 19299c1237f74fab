"""Tests in a real browser: what only a page, a kernel and a server together can show. See browser.py.

Tests that stand together in TESTS share one server and one open page, made when the first of them asks for it; a test
leaves the page as the next one needs it. `session()` is what they run in: it ends everything, whatever happens.
"""
import os
import re
import shutil
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from functools import partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from urllib.error import HTTPError
from urllib.request import urlopen

from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

import browser as b
from browser import INSTALL, find_chromium  # for the runner
from mirnb.comparison.page import toy_comparison, write_page
from notebooks import Problem

HOSTILE = '<img src=x onerror=window.bad=1>'

# The least that has every part of `mirnb.listening.widgets`: a script, traits, messages both ways, a fault that is told
BELL = '''
from ipywidgets import IntSlider, Label, VBox
from traitlets import Int, Unicode
from mirnb.base.files import MirnbError
from mirnb.listening.widgets import Widget, static

SCRIPT = """
function render({model, el}) {
  const root = element('div', {class: 'mirnb mirnb-bell'});
  const sound = element('span', {class: 'sound'});
  const ring = times => () => { line.act(); model.send({do: 'ring', times}); };
  const buttons = [['Ring', 1], ['Refuse', -1]].map(([text, times]) => element('button', {text, onclick: ring(times)}));
  const style = 'display: flex; gap: 8px; align-items: center; padding: 6px 0';
  const row = element('div', {style}, ...buttons, sound);
  root.append(element('strong', {text: model.get('title')}), row);
  const line = noticeLine(model, root);
  el.append(root);
  model.on('msg:custom', message => {
    if (message.do === 'sound') sound.textContent = `${message.text} ${message.rings}`;
    if (message.do === 'pong') root.dataset.pongs = Number(root.dataset.pongs || 0) + 1;
  });
  model.send({do: 'ready', loopback: location.hostname === '127.0.0.1'});
}
export default {render};
"""

class Bell(Widget):
    _esm, _css = static('common.js') + SCRIPT, static('theme.css')
    title, rings = Unicode('<img src=x onerror=window.bad=1>').tag(sync=True), Int(0)

    def hear(self, content):
        if content['times'] < 0: raise MirnbError(f'{self.title}: does not ring.')
        self.rings += content['times']
        self.tell('sound', text='ding', rings=self.rings)

def controls():
    return VBox([IntSlider(3, description='Level'), Label('a \\\\(b\\\\)')])  # a formula, which voila sets
'''


# -- what tests share

class Shared:
    "One thing at a time that several tests use; who asks for another ends it. What cannot be made is not tried again."

    def __init__(self): self.key, self.value, self.error, self.stack = None, None, None, ExitStack()

    def get(self, make, *arguments):
        "The value of a context manager, kept open."
        if self.key != (make, arguments):
            self.close()
            self.key = make, arguments
            try: self.value = self.stack.enter_context(make(*arguments))
            except Exception as e: self.error = e
        if self.error: raise Problem(f'could not be opened: {type(self.error).__name__}: {self.error}')
        return self.value

    def close(self):
        "End it."
        self.key = self.value = self.error = None
        self.stack.close()


WINDOW, STAGE, RUN = Shared(), Shared(), Shared()  # Chromium; a server with a page; a run for the explorers


@contextmanager
def session(browser=b.chromium):
    "Where the tests see this browser. Screenshots go to $MIRNB_ARTEFACTS, else to a folder that stays where one failed."
    with b.pictures(os.environ.get('MIRNB_ARTEFACTS')), patch.object(b, 'DRIVER', browser):
        try: yield
        finally:
            for shared in (STAGE, WINDOW, RUN): shared.close()


def witnessed(tests: dict) -> dict:
    "The same tests; one that fails takes a picture of the page first, and prints where it lies."
    def seen(name, test):
        def run():
            try: test()
            except Exception:
                with suppress(Exception):  # the page may be gone too
                    path = b.picture(STAGE.value[1], 'failed-' + re.sub(r'\W+', '-', name))
                    print(f'        the page as it was then: {path}')
                raise
        return run
    return {name: seen(name, test) for name, test in tests.items()}


def served(folder: str, title: str, parts: dict) -> str:
    "Code that serves a page of some parts, whose modules may lie in the folder."
    return ('from mirnb.explorers.app import serve, write_notebook\n'
            f'serve(write_notebook({f"{folder}/page.ipynb"!r}, {title!r}, {parts!r}))')


@contextmanager
def demo(kind: str):
    "The bell in 'voila' or in 'lab': (server, page), with the widget drawn."
    window = WINDOW.get(b.DRIVER)
    with TemporaryDirectory(prefix='mirnb-demo-') as folder, ExitStack() as stack:
        Path(folder, 'bells.py').write_text(BELL)
        parts = {'Bell': ('bells:Bell',), 'Controls': ('bells:controls',), 'Broken': ('nowhere:Nothing', HOSTILE)}
        if kind == 'voila':
            server = stack.enter_context(b.command('-c', served(folder, f'Demo {HOSTILE}', parts)))
            page = stack.enter_context(b.visit(window, server.at()))
        else:
            cell = new_code_cell('from bells import Bell\nbell = Bell()\nbell')
            kernel = dict(name='python3', display_name='Python 3', language='python')
            write(new_notebook(cells=[cell], metadata=dict(kernelspec=kernel)), Path(folder, 'demo.ipynb'))
            server = stack.enter_context(b.jupyterlab(folder))
            page = stack.enter_context(b.visit(window, server.at('lab/tree/demo.ipynb')))
            b.run_first_cell(page)
        page.wait_for_selector('.mirnb-bell')
        yield server, page


def voila(): return STAGE.get(demo, 'voila')
def lab(): return STAGE.get(demo, 'lab')


def text_of(page, selector: str) -> str:
    "The text of the first element."
    return page.locator(selector).first.inner_text()


def fits(page, name: str) -> None:
    "On a telephone, and enlarged to twice the size: nothing is wider than the page; pictures NAME-narrow, NAME-zoomed."
    for size, kind in (((400, 900), 'narrow'), ((640, 450), 'zoomed')):
        page.set_viewport_size(dict(zip(('width', 'height'), size)))
        page.wait_for_timeout(400)
        wide, shown = (page.evaluate(f'document.documentElement.{side}Width') for side in ('scroll', 'client'))
        b.picture(page, f'{name}-{kind}')
        assert wide <= shown, f'{name}: the {kind} page scrolls sideways: {wide} in {shown}'


def soon(true, otherwise: str, seconds: float = 10):
    "`browser.until` for a page: it lets the page go on meanwhile."
    page = STAGE.value[1]
    def look():
        page.wait_for_timeout(50)
        return true()
    return b.until(look, seconds, otherwise)


# -- tests of any page, in either place

def heard(stage):
    server, page = stage()
    before = b.ask(server, 'bell.rings')
    page.get_by_role('button', name='Ring').click()
    soon(lambda: text_of(page, '.sound') == f'ding {before + 1}', 'no answer came back to the page')
    assert b.ask(server, 'bell.rings') == before + 1
    assert int(page.locator('.mirnb-bell').get_attribute('data-pongs')) >= 1, 'the ping was not answered'


def refused(stage):
    server, page = stage()
    page.get_by_role('button', name='Refuse').click()
    soon(lambda: text_of(page, '.mirnb-notice') == f'{HOSTILE}: does not ring.', 'no notice')
    page.get_by_role('button', name='Ring').click()
    soon(lambda: text_of(page, '.mirnb-notice') == '', 'the notice of an old fault still stands')
    assert text_of(page, '.mirnb-bell strong') == HOSTILE and page.locator('img[src=x]').count() == 0
    assert page.evaluate('() => window.bad') is None, 'a title was run as a script'


def alone(stage):
    _, page = stage()
    page.wait_for_timeout(500)
    assert not page.outside, f'asked of others: {page.outside}'
    assert not page.errors, f'errors in the page: {page.errors}'


def dead(stage):
    server, page = stage()
    b.kill_kernel(server)
    page.get_by_role('button', name='Ring').dispatch_event('click')  # a dialogue of JupyterLab's may lie over it
    told = 'the page does not say that the kernel is gone'
    soon(lambda: 'does not answer' in text_of(page, '.mirnb-notice'), told, 6)


# -- the page of `mirnb.explorers.app`

def token():
    server, page = voila()
    for address in (server.root, f'{server.root}?token=wrong'):
        with urlopen(address, timeout=10) as answer:
            hidden = '/login' in answer.url and 'Controls' not in answer.read().decode()
            assert hidden, f'{address} is answered without the token'
    try: urlopen(f'{server.root}api/kernels/{kernel_id(server)}', timeout=10)
    except HTTPError as e: assert e.code == 403, e
    else: assert False, 'a kernel is shown without the token'
    with b.visit(WINDOW.value, server.root) as stranger:
        stranger.wait_for_selector('input[type=password]')
        assert not stranger.outside, stranger.outside
    assert text_of(page, 'h1') == f'Demo {HOSTILE}' == page.title()


def kernel_id(server) -> str:
    "The newest kernel's, as the server names it."
    return b.kernel_files(server)[-1].stem.removeprefix('kernel-')


def tabs():
    _, page = voila()
    assert page.get_by_role('button', name='Ring').is_visible() and not page.get_by_text('Level').is_visible()
    def width(): return page.locator('#part-2').evaluate('part => part.clientWidth')
    before = width()
    page.get_by_role('tab', name='Bell').focus()
    page.keyboard.press('ArrowRight')
    page.get_by_text('Level').wait_for()  # a part is made when its tab is first turned to
    assert not page.get_by_role('button', name='Ring').is_visible()
    assert page.url.endswith('#controls') and page.evaluate("() => document.activeElement.textContent") == 'Controls'
    assert width() == before > 1000, 'a hidden part had no size'
    page.get_by_role('tab', name='Broken').click()
    page.locator('#part-3 [role=alert]').wait_for()
    sorry = "Nothing cannot be shown (ModuleNotFoundError: No module named 'nowhere')."
    assert text_of(page, '#part-3') == text_of(page, '[role=alert]') == sorry
    page.keyboard.press('Home')
    assert page.get_by_role('button', name='Ring').is_visible()


def brought():
    "What will draw the page has come while the kernel was still at work."
    _, page = voila()
    early = page.evaluate(r'''() => {
      const [whole] = performance.getEntriesByType('navigation');
      return performance.getEntriesByType('resource')
        .filter(part => /\d+\.voila\.js/.test(part.name) && part.responseEnd < whole.responseEnd).length;
    }''')
    assert early > 40, f'{early} parts of its script came early'


def themes():
    _, page = voila()
    def paper(selector='.mirnb'):
        return page.locator(selector).first.evaluate('e => getComputedStyle(e).backgroundColor')
    light = paper()
    page.get_by_role('button', name='Dark').click()
    assert paper() != light and paper('body') == paper()
    b.picture(page, 'demo-dark')
    page.get_by_role('button', name='Light').click()
    assert paper() == light


def left():
    server, _ = voila()
    before = len(b.kernel_files(server))
    for sight, state in {'#jupyter-config-data': 'still opens', '.mirnb-bell': 'is open'}.items():
        with b.visit(WINDOW.value, server.at()) as second:
            second.wait_for_selector(sight, state='attached')
            assert len(b.kernel_files(server)) == before + 1, 'each page has a kernel of its own'
            second.goto('about:blank')
            b.until(lambda: second.wait_for_timeout(50) or len(b.kernel_files(server)) == before, 20,
                    f'the kernel of a page that {state} was not ended when the page was left')


# -- the harness itself

def outside():
    window = WINDOW.get(b.DRIVER)
    asked = 'http://example.com/a.png', 'http://192.0.2.1/b.png', 'ws://example.com/c'
    lines = ''.join(f'<img src={url}>' for url in asked[:2]) + f'<script>new WebSocket("{asked[2]}"); null.x</script>'
    with b.visit(window, f'data:text/html,{lines}') as page:
        b.until(lambda: page.wait_for_timeout(50) or len(page.errors) >= 4, 10, 'four errors are not seen')
        assert sorted(page.outside) == sorted(asked), page.outside
        assert any('null' in error for error in page.errors), page.errors
        assert sum('ERR_' in error for error in page.errors) == 3, page.errors


def sorting():
    window, strengths = WINDOW.get(b.DRIVER), {HOSTILE: 2., 'beta': .8, 'alpha': 0.}
    with TemporaryDirectory(prefix='mirnb-page-') as folder:
        toy_comparison(folder, strengths, ('air', HOSTILE))
        address = write_page(folder).as_uri()
        with b.visit(window, address) as page:
            table = page.locator('table.main')
            def names(): return [' '.join(text.split()) for text in table.locator('tbody th').all_inner_texts()]
            def ways(): return page.evaluate("[...document.querySelectorAll('table.main [aria-sort]')].map(h => h.innerText + h.ariaSort)")
            as_made = names()
            assert len(as_made) == 4 and as_made[0].startswith(HOSTILE), as_made  # the technical control among them
            assert ways() == ['macro-F1descending'], ways()
            table.get_by_role('button', name='macro-F1').click()
            assert (names(), ways()) == (as_made[::-1], ['macro-F1ascending']), names()
            table.get_by_role('button', name='encoder').focus()
            page.keyboard.press('Enter')
            assert (names(), ways()) == (sorted(as_made), ['encoderascending']), names()
            table.get_by_role('button', name='CPU s').focus()
            page.keyboard.press('Space')
            assert names()[0].startswith(HOSTILE), names()  # the only one whose cost is known: what is empty stays last
            page.keyboard.press('Space')
            assert names()[0].startswith(HOSTILE) and ways() == ['CPU sdescending'], names()
            width, shown = (page.evaluate(f'document.documentElement.{side}Width') for side in ('scroll', 'client'))
            assert width <= shown, 'the page itself scrolls sideways'
            assert not page.evaluate('window.bad') and not page.errors, page.errors
            assert page.outside == [address], page.outside  # itself, and nothing else


def delays():
    made = [('click', 100), ('drawn', 150), ('playing', 190), ('drawn', 195),
            ('click', 300), ('drawn', 310), ('click', 400), ('playing', 420)]
    found = b.clicks(made)
    assert found == [dict(drawn=50, playing=90, both=90), dict(drawn=10), dict(playing=20)], found
    assert b.medians(made) == dict(drawn=30, playing=55, both=90), b.medians(made)


def failures():
    _, page = voila()
    def fault(): raise Problem('a fault')
    said = StringIO()
    with b.pictures() as folder, redirect_stdout(said):
        try: witnessed({'a: fault': fault})['a: fault']()
        except Problem as e: assert str(e) == 'a fault', e
        else: assert False, 'the fault was swallowed'
    kept, told = [path.name for path in folder.iterdir()], said.getvalue()
    assert kept == ['failed-a-fault.png'] and str(folder/kept[0]) in told, (kept, told)
    shutil.rmtree(folder)
    with b.pictures() as folder: b.picture(page, 'fine')
    assert not folder.exists(), 'pictures of what went well are left behind'


TESTS = witnessed({
    'what a page asks of others, and its errors, are seen': outside,
    'a comparison is sorted by mouse and keyboard, and a hostile name stays text': sorting,
    'delays are measured from click to click': delays,
    'a failure leaves a picture of its page, a success nothing': failures,
    'voila: a message and its answer': partial(heard, voila),
    'voila: a fault is told, and a hostile title stays text': partial(refused, voila),
    'voila: the page asks for the token': token,
    'voila: tabs, and a part that cannot be made': tabs,
    'voila: its script comes while the kernel works': brought,
    'voila: light and dark': themes,
    'voila: a page that is left takes its kernel along': left,
    'voila: no request to others, no error': partial(alone, voila),
    'voila: a dead kernel is told': partial(dead, voila),
    'JupyterLab: a message and its answer': partial(heard, lab),
    'JupyterLab: a fault is told, and a hostile title stays text': partial(refused, lab),
    'JupyterLab: no request to others, no error': partial(alone, lab),
    'JupyterLab: a dead kernel is told': partial(dead, lab),
})
