"""Runs every notebook through nbdev's `test_nb`, then the checks of the house; ends with `N passed, N failed`.

    tools/test_notebooks.py                     everything, as `make test`: the notebooks, then the parts below, two at a time
    tools/test_notebooks.py 25_mel 80_studies/    only the notebooks whose path has one of these fragments
    tools/test_notebooks.py --flags slow gpu    with the cells that are left out otherwise
    tools/test_notebooks.py --only checks       only the checks
    tools/test_notebooks.py --only site         only the site, a small one, read as files and in Chromium
    tools/test_notebooks.py --only browser      only the tests in Chromium; skipped where there is none, failed where $CI is true
    tools/test_notebooks.py --only firefox      only those in Firefox; skipped where there is none

nbdev's own `nbdev_test` prints no counts, succeeds when a path matches nothing, and waits for ever for a cell that
hangs; that is why there is this file.
"""
import argparse
import atexit
import contextlib
import faulthandler
import io
import os
import re
import signal
import sys
import tempfile
import time
import traceback
import types
from collections import deque
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import Pipe
from operator import itemgetter
from pathlib import Path

from notebooks import FLAGS, ROOT, Problem, name_of, notebooks

NOTEBOOKS = 'notebooks'
PARTS = {'browser': 'in a browser', 'tools': 'the tools themselves', 'firefox': 'in another browser', 'site': 'the site',
         'checks': 'the house'}  # what follows the notebooks, two at a time, the longest first

# What most notebooks import. On Linux each notebook's own process is a copy of one that has imported this, which spares
# each of them two or three seconds; elsewhere a process begins anew.
COMMON = ('nbdev.test', 'nbdev.showdoc', 'execnb.shell', 'psutil', 'torch', 'pytorch_lightning', 'pandas', 'scipy.stats',
          'sklearn.ensemble', 'sklearn.svm', 'sklearn.neural_network', 'matplotlib.pyplot', 'seaborn', 'librosa', 'soundfile',
          'distributed', 'umap', 'ipywidgets', 'anywidget', 'transformers')
SHARED = 'scores', 'kernels'  # what an installed package holds is read and compiled once, not by each notebook


def spent() -> float:
    "CPU time of this process, of the workers that it saw end, and of those that are there still, s."
    import psutil
    def of(process):
        try: return sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess: return 0.
    return sum(os.times()[:4]) + sum(map(of, psutil.Process().children(recursive=True)))


def run_one(notebook: str, root: str, verdict: str, patience: float, skip: list, env: dict, log: str):
    """What a notebook's own process does.

    Only a file written at the very end says "passed": a notebook that leaves by os._exit(0) has not passed. Shortly
    before the time is up, faulthandler tells in which line a notebook hangs.
    """
    os.setsid()
    with open(log, 'wb') as out:  # a file, not a pipe: a left-over grandchild could hold a pipe open
        for number in (1, 2): os.dup2(out.fileno(), number)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(Path(notebook).parent)
    sys.path[:] = ['', root, *(at for at in sys.path if Path(at) != Path(__file__).parent)]
    sys.modules['__main__'] = types.ModuleType('__main__')  # what it starts must not begin with this file
    tempfile.tempdir, sys.argv = None, ['']
    faulthandler.dump_traceback_later(patience)
    from nbdev.test import test_nb
    passed, seconds = test_nb(Path(notebook), skip_flags=skip, basepath=root)
    faulthandler.cancel_dump_traceback_later()
    if passed and not seconds: sys.exit('its front matter says skip_exec: nothing was tested')
    if passed: Path(verdict).write_text(str(spent()))
    atexit._run_exitfuncs()  # which a copy would leave out
    sys.exit(not passed)


@dataclass
class Result:
    "What came of one notebook, check or test."
    name: str
    passed: bool
    seconds: float
    story: str = ''  # why it failed or was skipped
    told: str = ''  # what it has printed
    skipped: bool = False  # then it has neither passed nor failed
    cpu: float = 0.  # s, of a notebook: what it costs on a busy machine too

    def show(self):
        "What it has printed, one line, and for a failure the story under it."
        print(self.told, end='')
        verdict = 'skipped' if self.skipped else 'passed' if self.passed else 'FAILED'
        cpu = f', {self.cpu:.1f} s of CPU' if self.cpu else ''
        print(f'{verdict}  {self.name:<58} {self.seconds:6.1f} s{cpu}', flush=True)
        if self.story: print('\n'.join(f'        {line}' for line in self.story.splitlines()), flush=True)


class Job:
    "One notebook in its own process group, with its own $MIRNB_HOME, so that it sees no other notebook's leavings."

    def __init__(self, root: Path, path: Path, timeout: float, skip: list, home: str|None, shared: str):
        from mirnb.base.processes import ONE_THREAD, copies
        self.name, self.timeout, self.start = name_of(root, path), timeout, time.monotonic()
        self.folder = tempfile.TemporaryDirectory(prefix='mirnb-test-', ignore_cleanup_errors=True)
        self.verdict, self.log = Path(self.folder.name, 'verdict'), Path(self.folder.name, 'log')
        if not home:
            home = f'{self.folder.name}/home'
            Path(home).mkdir()
            for name in SHARED:
                Path(shared, name).mkdir(exist_ok=True)
                Path(home, name).symlink_to(Path(shared, name))
        env = os.environ | ONE_THREAD | dict(IN_TEST='1', PYTHONPATH=str(root), MIRNB_HOME=home)
        args = str(path), str(root), str(self.verdict), timeout*.95, skip, env, str(self.log)
        self.log.touch()
        self.process = copies(COMMON).Process(target=run_one, args=args)
        self.process.start()

    def poll(self) -> Result|None:
        "The result once there is one; a notebook whose time is up is killed here."
        seconds = time.monotonic() - self.start
        late = seconds > self.timeout
        if self.process.is_alive() and not late: return None
        self.kill()
        passed = not late and self.process.exitcode == 0 and self.verdict.exists()
        why = (f'time-out: killed after {self.timeout:g} s' if late else
               f'its process ended with {self.process.exitcode} before the last cell')
        story, cpu = ('', float(self.verdict.read_text())) if passed else (self.tail(why), 0.)
        self.folder.cleanup()
        return Result(self.name, passed, seconds, story, cpu=cpu)

    def tail(self, why: str, lines: int = 25) -> str:
        "The end of what the notebook said; where it said nothing, `why`."
        text = re.sub(r'\x1b\[[0-9;]*m', '', self.log.read_text(errors='replace')).strip()
        said = [line for line in text.splitlines() if line.strip()][-lines:]
        return '\n'.join(said if said and not why.startswith('time-out') else [why, *said])

    def kill(self):
        "End the whole process group: a notebook's workers must not outlive it."
        try: os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError: self.process.kill()  # it has no group of its own yet, or is gone
        self.process.join()


def run_notebooks(root: Path, paths: list, workers: int, timeout: float, skip: list, home: str|None = None):
    "Yield a Result a notebook as they end, `workers` at a time; whatever happens, nothing is left running."
    waiting, running, shared = deque(paths), [], tempfile.TemporaryDirectory(prefix='mirnb-shared-', ignore_cleanup_errors=True)
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(Job(root, waiting.popleft(), timeout, skip, home, shared.name))
            for job in list(running):
                if result := job.poll():
                    running.remove(job)
                    yield result
            time.sleep(.05)
    finally:
        for job in running: job.kill()
        shared.cleanup()


def run_functions(functions: dict):
    "Yield a Result a function: it passes when it returns no problems; an exception is a problem."
    for name, function in functions.items():
        start, told = time.monotonic(), io.StringIO()
        with contextlib.redirect_stdout(told):
            try: problems = function() or []
            except Problem as e: problems = [str(e)]
            except Exception as e:
                last = traceback.extract_tb(e.__traceback__)[-1]
                problems = [f'{type(e).__name__}: {e}', f'in {Path(last.filename).name}, line {last.lineno}: {last.line}']
        yield Result(name, not problems, time.monotonic() - start, '\n'.join(problems), told.getvalue())


def run_browser():
    "Yield a Result a test in Chromium; without it, one that says how to get it: skipped, or failed where CI should have it."
    from test_browser import INSTALL, TESTS, find_chromium, session
    from test_explorers import TESTS as EXPLORERS
    from test_maps import TESTS as MAPS
    from test_marks import TESTS as MARKS
    tests = TESTS | EXPLORERS | MAPS | MARKS
    if not find_chromium():
        story = f'no Chromium here; to run these {len(tests)} tests too: make chromium (as root: {INSTALL}), or set MIRNB_CHROMIUM'
        yield Result('a browser', False, 0, story, skipped=os.environ.get('CI') != 'true')
        return
    with session(): yield from run_functions(tests)


def run_firefox():
    "As `run_browser`, in Firefox; it is a second look, so that without it nothing fails."
    from browser import INSTALL_FOX, find_firefox, firefox
    from test_browser import session
    from test_firefox import TESTS
    if not find_firefox():
        story = f'no Firefox here; to run these {len(TESTS)} tests too: make firefox (as root: {INSTALL_FOX}), or set MIRNB_FIREFOX'
        yield Result('a second browser', False, 0, story, skipped=True)
        return
    with session(firefox): yield from run_functions(TESTS)


def run_site():
    "Yield a Result a test of the site; without Sphinx, one that says how to get it; what is seen and heard needs Chromium too."
    from test_site import HEARD, TESTS, missing
    from test_browser import INSTALL, find_chromium, session
    if why := missing():
        yield Result('the site', False, 0, why, skipped=os.environ.get('CI') != 'true')
        return
    yield from run_functions(TESTS)
    if not find_chromium():
        yield Result('the site in a browser', False, 0, f'no Chromium here; as root: {INSTALL}', skipped=os.environ.get('CI') != 'true')
        return
    with session(): yield from run_functions(HEARD)


def run_tools():
    "Yield a Result a test of the tools."
    from test_tools import TESTS
    yield from run_functions(TESTS)


def run_checks(root: Path):
    "Yield a Result a check of the house."
    from checks import CHECKS
    yield from run_functions({name: lambda check=check: check(root) for name, check in CHECKS.items()})


def outcomes(part: str, root: Path):
    "Yield the Results of one of PARTS."
    if part == 'checks': return run_checks(root)
    return dict(browser=run_browser, tools=run_tools, firefox=run_firefox, site=run_site)[part]()


def tell(part: str, root: Path, sender) -> None:
    "What a part's own process does: send one Result after the other."
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('stopped'))  # unwinds, so that no browser is left running
    for result in outcomes(part, root): sender.send(result)


class Part:
    "One of PARTS in its own process; its results are kept until it is its turn to be shown."

    def __init__(self, name: str, root: Path):
        from mirnb.base.processes import copies
        self.name, self.results, self.ended = name, deque(), False
        self.heard, sender = Pipe(False)
        self.process = copies(COMMON).Process(target=tell, args=(name, root, sender))
        self.process.start()
        sender.close()

    def listen(self):
        "Take what it has said; a process that dies of its part is a failure."
        if self.ended: return
        self.ended = not self.process.is_alive()  # asked first: what it said before it ended is heard below
        with contextlib.suppress(EOFError):
            while self.heard.poll(): self.results.append(self.heard.recv())
        if self.ended and self.process.exitcode:
            self.results.append(Result(PARTS[self.name], False, 0, f'its process ended with {self.process.exitcode}'))

    def stop(self):
        "End it, and what it has started."
        self.process.terminate()
        self.process.join(30)
        if self.process.is_alive(): self.process.kill()


def run_parts(names: list, root: Path, workers: int):
    "Yield (part, Result), part after part, while others are at work, `workers` at a time; nothing is left running."
    parts, waiting = {}, deque(names)
    try:
        for name in names:
            while True:
                while waiting and sum(not part.ended for part in parts.values()) < workers:
                    following = waiting.popleft()
                    parts[following] = Part(following, root)
                for part in parts.values(): part.listen()
                while parts[name].results: yield name, parts[name].results.popleft()
                if parts[name].ended: break
                time.sleep(.05)
    finally:
        for part in parts.values():
            if not part.ended: part.stop()


def select(root: Path, names: list) -> tuple:
    "The notebooks that the names mean, and the names that mean none."
    everything = notebooks(root)
    def means(name, path): return name in str(path.relative_to(root)) or Path(name).resolve() == path
    lost = [n for n in names if not any(means(n, p) for p in everything)]
    return [p for p in everything if not names or any(means(n, p) for n in names)], lost


def snapshot(root: Path) -> dict:
    "Size and time of every file that a notebook could spoil."
    files = [p for folder in ('nbs', 'mirnb', 'figures') for p in (root/folder).rglob('*') if p.is_file()]
    seen = [p for p in files if '__pycache__' not in p.parts and '.ipynb_checkpoints' not in p.parts]
    return {str(p.relative_to(root)): (p.stat().st_size, p.stat().st_mtime_ns) for p in seen}


def parse(argv: list|None = None) -> argparse.Namespace:
    "The command line."
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('names', nargs='*', help='paths or fragments of paths; none = every notebook and every check')
    p.add_argument('--flags', nargs='+', default=[], choices=FLAGS, help='run the cells under these flags too')
    p.add_argument('--only', choices=(NOTEBOOKS, *PARTS), help='one part of the whole')
    p.add_argument('--workers', type=int, default=min(cores, 8), help='notebooks at a time (default: %(default)s)')
    p.add_argument('--timeout', type=float, default=1200, help='seconds a notebook may take (default: %(default)g)')
    p.add_argument('--home', help='one $MIRNB_HOME for all; default: an empty one for each notebook, never your own')
    p.add_argument('--root', type=Path, default=ROOT, help=argparse.SUPPRESS)
    return p.parse_args(argv)


def main() -> int:
    "Run what was asked for; 0 only when something ran and nothing failed."
    args = parse()
    root, results = args.root.resolve(), []
    parts = [args.only] if args.only else [NOTEBOOKS] if args.names else [NOTEBOOKS, *PARTS]

    def report(title, found):
        print(title, flush=True)
        for result in found:
            result.show()
            results.append(result)

    if NOTEBOOKS in parts:
        paths, lost = select(root, args.names)
        before, skip = snapshot(root), [f for f in FLAGS if f not in args.flags]
        report(f'{len(paths)} notebook{"s"*(len(paths) != 1)}, {args.workers} at a time',
               run_notebooks(root, paths, args.workers, args.timeout, skip, args.home))
        for name in lost or ([] if paths else ['nbs']):
            report('selection', [Result(name, False, 0, 'no notebook has this in its path')])
        if not args.names:
            spoilt = dict(set(snapshot(root).items()) ^ set(before.items()))
            unspoilt = lambda: [f'{file}: was written while they ran' for file in sorted(spoilt)]
            report('after the notebooks', run_functions({'the notebooks left the checkout as it was': unspoilt}))
    others = [part for part in PARTS if part in parts]
    found = run_parts(others, root, min(args.workers, 2)) if len(others) > 1 else ((p, r) for p in others for r in outcomes(p, root))
    for part, some in groupby(found, itemgetter(0)): report(PARTS[part], map(itemgetter(1), some))

    counted = [r for r in results if not r.skipped]
    failed = [r.name for r in counted if not r.passed]
    if failed: print(f'failed: {"; ".join(failed)}')
    if len(counted) < len(results): print(f'skipped: {"; ".join(r.name for r in results if r.skipped)}')
    print(f'{len(counted) - len(failed)} passed, {len(failed)} failed')
    return int(bool(failed) or not counted)


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('stopped'))  # unwinds, so that no notebook is left running
    try: sys.exit(main())
    except KeyboardInterrupt: sys.exit('stopped')
