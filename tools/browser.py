"""A real browser for the tests: JupyterLab, `mirnb.explorers.app`, Chromium or Firefox, and what can be asked of each.

    with chromium() as browser, jupyterlab(folder) as server, visit(browser, server.at('lab/tree/demo.ipynb')) as page:
        run_first_cell(page)
        page.get_by_role('button', name='Ring').click()
        assert ask(server, 'bell.rings') == 1 and not page.outside and not page.errors

Servers get a free port, throw-away settings and a folder for temporary files; they end with their whole process group.
A browser gets a fresh profile. What a page asks of any other machine is refused and counted in `page.outside`, and what
goes wrong in it stands in `page.errors`: a test that is content asserts that both are empty.
"""
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from ast import literal_eval
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from jupyter_client import BlockingKernelClient
from playwright.sync_api import Browser, Page, sync_playwright

from mirnb.explorers.app import free_port
from notebooks import ROOT, Problem

NAMES = ('chromium', 'chromium-browser', 'google-chrome')
INSTALL = 'apt-get install -y --no-install-recommends chromium fonts-dejavu-core'
FOXES = ('firefox-esr', 'firefox')
INSTALL_FOX = 'apt-get install -y --no-install-recommends firefox-esr pulseaudio'  # without a sink it plays no sound
# No sandbox: in a container Chromium cannot make one, and it sees only our pages. The others keep it from calling home.
# The last two find no address but our own, so that nothing leaves this machine. Playwright's interception could refuse
# requests too, but it loses those that a page sends while it goes, switches the cache off and takes its time.
FLAGS = [*('--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
           '--disable-component-update --disable-sync').split(), '--no-proxy-server',
         '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']
# Whatever is not of this machine goes to a proxy that is not there; and sounds may begin without a click.
PREFERENCES = {'network.proxy.type': 1, 'network.proxy.no_proxies_on': '127.0.0.1', 'media.autoplay.default': 0,
               **{f'network.proxy.{kind}{part}': value for kind in ('http', 'ssl')
                  for part, value in (('', '127.0.0.1'), ('_port', 9))}}
HERE = ('http://127.0.0.1', 'ws://127.0.0.1', 'data:', 'blob:')  # what a page may ask for
PICTURES = None  # the folder of screenshots, inside `pictures`


# -- servers

@dataclass
class Server:
    "A server under test."
    root: str  # 'http://127.0.0.1:port/'
    token: str
    folder: Path  # where its temporary files lie, those through which one talks to its kernels among them
    process: subprocess.Popen
    log: Path  # what it says

    def at(self, path: str = '') -> str:
        "The address of a page, with the token."
        return f'{self.root}{path}?token={self.token}'

    def said(self, lines: int = 15) -> str:
        "The end of what it says."
        return '\n'.join(self.log.read_text(errors='replace').splitlines()[-lines:])


def environment(folder: Path) -> dict:
    "The environment, but every folder of Jupyter's and IPython's is thrown away later, and this checkout comes first."
    names = ('JUPYTER_CONFIG_DIR', 'JUPYTER_DATA_DIR', 'JUPYTER_RUNTIME_DIR', 'JUPYTERLAB_SETTINGS_DIR',
             'JUPYTERLAB_WORKSPACES_DIR', 'IPYTHONDIR', 'TMPDIR')
    made = {name: folder/name.lower() for name in names}
    for path in made.values(): path.mkdir(mode=0o700)
    quiet = made['JUPYTERLAB_SETTINGS_DIR']/'@jupyterlab'/'apputils-extension'/'notification.jupyterlab-settings'
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')  # else JupyterLab asks whether news are wanted
    plain = {k: v for k, v in os.environ.items() if not k.startswith(('JUPYTER', 'IPYTHON'))}
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get('PYTHONPATH'))))
    own = dict(PYTHONPATH=paths, PYTHONUNBUFFERED='1', OMP_NUM_THREADS='1')
    return plain | {name: str(path) for name, path in made.items()} | own


def end(process: subprocess.Popen, patience: float = 15) -> None:
    "End a process and its group: politely, so that it ends its kernels, then by force."
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
        except (ProcessLookupError, subprocess.TimeoutExpired): pass


@contextmanager
def started(words: list, cwd: Path, ready, patience: float = 90):
    "A Server that runs `words`; `ready(server)` says when it is, by a true value, and may add what is known of it."
    folder = Path(tempfile.mkdtemp(prefix='mirnb-browser-'))
    log = folder/'log'
    env = environment(folder)
    with open(log, 'wb') as out:
        process = subprocess.Popen([sys.executable, *map(str, words)], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, start_new_session=True)
    server = Server('', '', folder, process, log)
    try:
        until(lambda: ready(server) or process.poll() is not None, patience, 'the server did not start')
        if process.poll() is not None: raise Problem(f'the server ended with {process.returncode}:\n{server.said()}')
        yield server
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def jupyterlab(cwd: Path):
    "JupyterLab on a folder: no news, no look for updates."
    port, token = free_port(), secrets.token_hex(16)
    words = ['-m', 'jupyter', 'lab', '--no-browser', '--allow-root', '--ServerApp.ip=127.0.0.1',
             f'--ServerApp.port={port}', '--ServerApp.port_retries=0', f'--IdentityProvider.token={token}',
             '--LabApp.news_url=None', '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
             '--log-level=WARN']
    def ready(server):
        server.root, server.token = f'http://127.0.0.1:{port}/', token
        return answers(server.at('api/status'))
    with started(words, cwd, ready) as server: yield server


@contextmanager
def command(*words):
    "A command that serves a page and prints its address, such as 'mirnb explore': `python WORDS ...`."
    def ready(server):
        said = server.log.read_text(errors='replace').split()
        found = [word for word in said if '/?token=' in word and not word.endswith('...')]
        if found: server.root, _, server.token = found[0].partition('?token=')
        return found
    with started(list(words), ROOT, ready) as server: yield server


def answers(address: str) -> bool:
    "Whether a server answers at all, be it with a refusal."
    try: return bool(urlopen(address, timeout=3).status)
    except HTTPError: return True
    except OSError: return False


def until(true, seconds: float, otherwise: str):
    "Wait until `true()` is; what it was then. Raises Problem with `otherwise` when the time is up."
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if value := true(): return value
        time.sleep(.05)
    raise Problem(f'{otherwise} within {seconds:g} s')


# -- kernels

def kernel_files(server: Server) -> list:
    "The connection files of a server's kernels, oldest first."
    return sorted(server.folder.rglob('kernel-*.json'), key=lambda path: path.stat().st_mtime)


def ask(server: Server, expression: str, patience: float = 20):
    """What the server's newest kernel says that an expression is: independent of what the page shows.

    The connection file holds the key that signs messages; only this user can read it. An expression is evaluated after
    whatever the kernel is busy with, without a trace in its history; what comes back is a literal, never unpickled.
    """
    client = BlockingKernelClient(connection_file=str(kernel_files(server)[-1]))
    client.load_connection_file()
    client.start_channels(iopub=False, stdin=False, hb=False, control=False)
    try:
        sent = client.execute('', silent=True, store_history=False, allow_stdin=False,
                              user_expressions=dict(it=expression))
        limit = time.monotonic() + patience
        while (left := limit - time.monotonic()) > 0:
            try: reply = client.get_shell_msg(timeout=left)
            except Exception: break  # queue.Empty: the time is up
            if reply['parent_header'].get('msg_id') != sent: continue
            it = reply['content'].get('user_expressions', {}).get('it', {})
            if it.get('status') != 'ok':
                raise Problem(f'{expression}: the kernel says {it.get("ename")}: {it.get("evalue")}')
            return literal_eval(it['data']['text/plain'])
        raise Problem(f'{expression}: the kernel is busy or gone, it said nothing for {patience:g} s')
    finally: client.stop_channels()


def kill_kernel(server: Server) -> None:
    "End the newest kernel as a lack of memory would, without a word."
    os.kill(ask(server, "__import__('os').getpid()"), signal.SIGKILL)


# -- the browser

def find_chromium() -> str|None:
    "The browser on this machine: $MIRNB_CHROMIUM, or the first of the usual names."
    return os.environ.get('MIRNB_CHROMIUM') or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium(path: str|None = None, **more):
    "Chromium without a window; `more` goes to playwright's launch. Each visit has a profile of its own."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path or find_chromium(), args=FLAGS, **more)
        try: yield browser
        finally: browser.close()


def find_firefox() -> str|None:
    "The other browser on this machine: $MIRNB_FIREFOX, or the first of the usual names."
    return os.environ.get('MIRNB_FIREFOX') or next(filter(None, map(shutil.which, FOXES)), None)


@contextmanager
def sink():
    "A loudspeaker that nobody hears: the environment of who plays into it. Where there is none, the machine's own."
    if not shutil.which('pulseaudio'):
        yield os.environ
        return
    with tempfile.TemporaryDirectory(prefix='mirnb-sink-') as folder:
        socket = f'{folder}/native'
        words = ['-n', '--daemonize=no', '--exit-idle-time=-1', '-L', 'module-null-sink', '-L',
                 f'module-native-protocol-unix auth-anonymous=1 socket={socket}']
        own = dict(HOME=folder, XDG_RUNTIME_DIR=folder, PULSE_SERVER=f'unix:{socket}', PULSE_LATENCY_MSEC='50')
        env = os.environ | own
        process = subprocess.Popen(['pulseaudio', *words], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            until(lambda: os.path.exists(socket), 20, 'pulseaudio did not start')
            yield env
        finally: end(process)


@contextmanager
def firefox(path: str|None = None, **more):
    "Firefox without a window, as its makers ship it, by WebDriver BiDi; else as `chromium`."
    with sink() as env, sync_playwright() as playwright:
        browser = playwright.firefox.launch(channel='moz-firefox', executable_path=path or find_firefox(), env=env,
                                            firefox_user_prefs=PREFERENCES, **more)
        try: yield browser
        finally: browser.close()


DRIVER = chromium  # whose pages the tests see now


# Runs in each page before its own scripts: remembers every sound that is ever played, in the page or not.
WATCH = '''(() => {
  const seen = window.mirnbSounds = new Set(), play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () { seen.add(this); return play.call(this); };
})()'''


@contextmanager
def visit(browser: Browser, address: str, size: tuple = (1280, 900), dark: bool = False):
    "A page at an address, with a fresh profile: `.outside` holds what it asked of others, `.errors` what went wrong."
    viewport = dict(zip(('width', 'height'), size))
    context = browser.new_context(viewport=viewport, color_scheme='dark' if dark else 'light')
    try:
        context.add_init_script(WATCH)
        page = context.new_page()
        page.outside, page.errors = [], []

        def note(asked):
            if not asked.url.startswith(HERE): page.outside.append(asked.url)
        def complain(said):
            if said.type == 'error': page.errors.append(f'console: {said.text}')
        context.on('request', note)
        page.on('websocket', note)
        context.on('weberror', lambda error: page.errors.append(f'{error.error}'))
        page.on('console', complain)
        page.set_default_timeout(60_000)
        page.goto(address, wait_until='commit')
        yield page
    finally: context.close()


IDLE = "() => [...document.querySelectorAll('.jp-StatusBar-TextItem')].some(e => /\\| Idle/.test(e.textContent))"


@contextmanager
def explorer(window: Browser, *words: str, size: tuple = (1400, 1000)):
    "`mirnb explore` with these words, a page of its own: (server, page), with its first list drawn."
    call, start = f'from mirnb.cli import main; main({["explore", *words, "--no-browser"]!r})', time.monotonic()
    with command('-c', call) as server:
        opened = time.monotonic()
        with visit(window, server.at(), size) as page:
            page.wait_for_selector('#part-1 .mirnb-tracks .row', timeout=300_000)
            page.took = opened - start, time.monotonic() - start  # s from the command to its address, and to the first list
            yield server, page


def wait_idle(page: Page, seconds: float = 90) -> None:
    "JupyterLab's status bar says that the kernel waits."
    page.wait_for_function(IDLE, timeout=seconds*1000)


def run_first_cell(page: Page) -> None:
    "In JupyterLab: run the first code cell, as a reader would."
    wait_idle(page)
    page.locator('.jp-CodeCell .cm-content').first.click()
    page.keyboard.press('Shift+Enter')


@contextmanager
def pictures(folder: str|None = None):
    "Where screenshots go meanwhile: a folder, or else a temporary one that stays only where it shows a failure."
    global PICTURES
    before, place = PICTURES, Path(folder or tempfile.mkdtemp(prefix='mirnb-pictures-')).absolute()
    place.mkdir(parents=True, exist_ok=True)
    PICTURES = place
    try: yield place
    finally:
        PICTURES = before
        if not folder and not any(place.glob('failed*')): shutil.rmtree(place, ignore_errors=True)


def picture(page: Page, name: str) -> Path:
    "A screenshot in the folder of `pictures`."
    path = PICTURES/f'{name}.png'
    page.screenshot(path=path, timeout=20_000)
    return path


# -- what a page did

def sounds(page: Page) -> list:
    "Each sound of the page: {source (its kind), duration s, time s, paused, error}."
    return page.evaluate('''() => {
      const all = new Set([...document.querySelectorAll('audio'), ...window.mirnbSounds]);
      return [...all].map(a => ({source: a.src.slice(0, 5), duration: a.duration, time: a.currentTime, paused: a.paused,
                                 error: a.error && a.error.message}));
    }''')


def marks(page: Page, clear: bool = False) -> list:
    "[('click', ms), ('drawn', ms), ...]: the marks `mirnb:*` in the order of time; `clear` forgets them afterwards."
    found = page.evaluate("() => performance.getEntriesByType('mark').map(m => [m.name, m.startTime])")
    if clear: page.evaluate('() => performance.clearMarks()')
    own = [(name.removeprefix('mirnb:'), ms) for name, ms in found if name.startswith('mirnb:')]
    return sorted(own, key=lambda mark: mark[1])


def clicks(found: list) -> list:
    "Each click of `marks`: {'drawn': ms after it, 'playing': ms after it, 'both': the later}, with what there was."
    starts = [ms for name, ms in found if name == 'click'] + [float('inf')]
    made = []
    for start, stop in zip(starts, starts[1:]):
        first = {name: ms - start for name, ms in reversed(found) if name != 'click' and start <= ms < stop}
        if {'drawn', 'playing'} <= first.keys(): first['both'] = max(first.values())
        made.append(first)
    return made


def medians(found: list) -> dict:
    "{'drawn': ms, 'playing': ms, 'both': ms}: the medians over the clicks that led to each."
    made, middle = clicks(found), {}
    for name in ('drawn', 'playing', 'both'):
        if ms := [click[name] for click in made if name in click]: middle[name] = round(statistics.median(ms), 1)
    return middle
