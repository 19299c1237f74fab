"""Tests of the tools: what they must catch is built in a toy project and must be caught, what is right must pass."""
import base64
import io
import json
import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from contextlib import contextmanager, redirect_stderr
from functools import cache
from multiprocessing import Pipe
from pathlib import Path
from unittest.mock import patch

import numpy as np
import soundfile
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import checks
from make_readme import readme
from notebooks import ROOT, Problem

RUNNER = Path(__file__).with_name('test_notebooks.py')
INI = '''[DEFAULT]
repo = toy
lib_name = toy
lib_path = toy
nbs_path = nbs
doc_path = _docs
version = 0.0.1
min_python = 3.11
license = apache2
user = toy
author = toy
author_email = toy@example.com
copyright = toy
title = toy
description = toy
keywords = toy
git_url = https://example.com/toy
doc_host = https://example.com
doc_baseurl = /toy
branch = main
recursive = True
update_pyproject = False
tst_flags = slow gpu data browser
requirements = numpy>=2
dev_requirements = nbdev
console_scripts = toy=toy.last:main
'''


def write(root: Path, name: str, *cells):
    "A clean notebook: text that begins with '# T' is Markdown, other text is code, a pair is code and its output."
    made = []
    for i, cell in enumerate(cells):
        text, output = cell if isinstance(cell, tuple) else (cell, None)
        kind = new_markdown_cell if text.startswith('# T') else new_code_cell
        made.append(kind(text, id=f'c{i}'))
        if output: made[-1].outputs = [output]
    kernel = dict(display_name='python3', language='python', name='python3')
    path = root/'nbs'/f'{name}.ipynb'
    path.parent.mkdir(parents=True, exist_ok=True)
    nb = new_notebook(cells=made, metadata=dict(kernelspec=kernel), nbformat_minor=5)
    path.write_text(json.dumps(nb, indent=1, sort_keys=True, ensure_ascii=False) + '\n')


def module(root: Path, number: str, name: str, *cells):
    "A notebook that exports, with the opening that the house wants."
    write(root, f'{number}_{name}', f'#| default_exp {name}', '# T\n\n> A quote.', *cells)


@contextmanager
def project():
    "An empty toy project in a folder of its own."
    with tempfile.TemporaryDirectory(prefix='mirnb-toy-') as folder:
        root = Path(folder).resolve()
        (root/'settings.ini').write_text(INI)
        (root/'setup.py').write_text((ROOT/'setup.py').read_text())
        (root/'nbs').mkdir()
        yield root


def run(root: Path, *args) -> tuple:
    "Exit code and lines of the runner over a toy project."
    env = {k: v for k, v in os.environ.items() if k != 'IN_TEST'} | {'MIRNB_HOME': str(root/'mine')}
    done = subprocess.run([sys.executable, RUNNER, '--root', root, *args], text=True, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.strip().splitlines()


HANG = '''import subprocess, time, pathlib
child = subprocess.Popen(['sleep', '600'])
pathlib.Path('../child').write_text(str(child.pid))
time.sleep(600)'''
HOME = '''import os, pathlib
home = pathlib.Path(os.environ['MIRNB_HOME'])
assert sorted(p.name for p in home.iterdir()) == ['kernels', 'scores'] and home.name != 'mine'  # made once for all notebooks
assert os.environ['IN_TEST'] == '1' and os.environ['OMP_NUM_THREADS'] == '1'
(home/'mine').touch()'''


@cache
def toy_run() -> tuple:
    "One run over notebooks of every fate, shared by the tests below: exit code, lines, whether the hanging child died."
    with project() as root:
        write(root, '01_good', '1 + 1')
        write(root, '02_bad', 'assert 1 == 2, "one is not two"')
        write(root, '03_hang', HANG)
        write(root, '04_quit', 'import os', 'os._exit(0)')
        write(root, '05_slow', '#| slow\nassert False, "ran a slow cell"')
        write(root, 'studies/06_home', HOME)
        write(root, 'studies/07_home', HOME)
        write(root, '.ipynb_checkpoints/08_old', 'assert False')
        code, lines = run(root, '--only', 'notebooks', '--timeout', '20', '--workers', '4')
        return code, lines, gone(int((root/'child').read_text()))


def gone(pid: int) -> bool:
    "Whether a process has ended, or ends within a second."
    for _ in range(20):
        try: os.kill(pid, 0)
        except ProcessLookupError: return True
        if Path(f'/proc/{pid}/stat').exists() and ' Z ' in Path(f'/proc/{pid}/stat').read_text(): return True
        time.sleep(.05)
    return False


def verdicts(lines: list) -> dict:
    "{notebook: 'passed' or 'FAILED'} from the runner's lines."
    return {line.split()[1]: line.split()[0] for line in lines if line.startswith(('passed  ', 'FAILED  '))}


def want(problems: list, *parts):
    "Each part stands in one of the problems, and there is no other problem."
    text = '\n'.join(problems)
    assert len(problems) == len(parts), f'{len(parts)} problems wanted, but: {text}'
    for part in parts: assert part in text, f'{part!r} is not in: {text}'


def failing_notebook():
    code, lines, _ = toy_run()
    assert code == 1 and verdicts(lines)['02_bad'] == 'FAILED' and verdicts(lines)['01_good'] == 'passed', lines
    assert any('AssertionError: one is not two' in line for line in lines), lines


def hanging_notebook():
    _, lines, died = toy_run()
    assert verdicts(lines)['03_hang'] == 'FAILED' and any('time-out: killed after 20 s' in line for line in lines), lines
    assert died, 'its child still runs'
    assert any('line 4' in line for line in lines), 'no traceback says where it hung'


def stopped_runner():
    with project() as root:
        write(root, '03_hang', HANG)
        args = [sys.executable, RUNNER, '--root', root, '03']
        runner = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(600):
            if (root/'child').exists() and (root/'child').read_text(): break
            time.sleep(.05)
        runner.terminate()
        said = runner.communicate()[0].decode()
        assert runner.returncode == 1 and said.splitlines()[-1] == 'stopped', said
        assert gone(int((root/'child').read_text())), 'a notebook runs on'


def leaving_notebook():
    assert verdicts(toy_run()[1])['04_quit'] == 'FAILED'


def own_home():
    found = verdicts(toy_run()[1])
    assert found['studies/06_home'] == found['studies/07_home'] == 'passed', toy_run()[1]


def last_line():
    code, lines, _ = toy_run()
    assert lines[-1] == '5 passed, 3 failed', lines  # seven notebooks, and that they left the checkout as it was
    assert sum(' passed, ' in line for line in lines) == 1, lines


def slow_flag():
    assert verdicts(toy_run()[1])['05_slow'] == 'passed'
    with project() as root:
        write(root, '05_slow', '#| slow\nassert False, "ran a slow cell"')
        code, lines = run(root, '05', '--flags', 'slow')
        assert code == 1 and lines[-1] == '0 passed, 1 failed', lines


def empty_selection():
    with project() as root:
        for args in (['--only', 'notebooks'], ['nowhere']):
            code, lines = run(root, *args)
            assert code == 1 and lines[-1].endswith(' 1 failed'), lines


def unknown_flags():
    with project() as root:
        write(root, '01_a', '#| slow\n1', '#| eval: false\n1', '#| hide\n# |x| is no directive\n1', 'x = "#| export"')
        want(checks.flags(root), "cell 3: unknown directive 'x|'")
        write(root, '01_a', '#| slwo\n1', '#| slow gpu\n1', '#| export other\n1', '1\n#| export', '#| eval false\n1')
        want(checks.flags(root), "cell 1: unknown directive 'slwo'", "cell 2: 'gpu' after 'slow'",
             'cell 3: exports into another', 'cell 4', "cell 5: unknown directive 'eval'")


def upward_import():
    with project() as root:
        module(root, '10', 'low', '#| export\ndef f():\n    from toy.high import g')
        module(root, '20', 'high', '#| export\nfrom toy.low import f\nfrom toy import low\nimport toy.low, os',
               'import toy.top')
        module(root, '30', 'top', '#| export\nimport toy.top', '#| export\nfrom .high import g\nfrom toy import nothing')
        want(checks.direction(root), '10_low cell 3: low (0/10) imports high (0/20)', 'top (0/30) imports top (0/30)', 'toy.nothing')


def rooms_in_folders():
    def room(root, folder, number, name, *cells):
        write(root, f'{folder}/{number}_{name}', f'#| default_exp {folder[3:]}.{name}', '# T\n\n> A quote.', *cells)
    with project() as root:
        room(root, '10_base', '10', 'files', '#| export\nX = 1')
        room(root, '10_base', '20', 'more', '#| export\nfrom toy.base.files import X\nfrom toy.base import files')
        room(root, '20_sound', '05', 'audio', '#| export\nfrom toy.base.more import X')
        write(root, 'last', '#| default_exp last', '# T\n\n> A quote.', '#| export\nfrom toy.sound.audio import X')
        want(checks.direction(root) + checks.rooms(root))
        room(root, '10_base', '30', 'up', '#| export\nfrom toy.sound import audio', '#| export\nimport toy.last')
        want(checks.direction(root), 'base.up (10/30) imports sound.audio (20/05)', 'base.up (10/30) imports last')
        room(root, '10_base', '10', 'again')
        caught(checks.numbered, root, 'has the number of another notebook of its folder')
        (root/'nbs/10_base/10_again.ipynb').unlink()
        write(root, '10_base/40_other', '#| default_exp sound.other')
        caught(checks.numbered, root, "exports sound.other, so its folder must be a number and 'sound'")
        write(root, '10_base/40_other', '#| default_exp base.else')
        caught(checks.numbered, root, "exports base.else, so its name must be a number and 'else'")
        for n in range(15): write(root, f'20_articles/{n:02}_x')
        want(checks.rooms(root))
        shutil.rmtree(root/'nbs/20_articles')
        for n in range(15): write(root, f'3_many/{n:02}_x')
        want(checks.rooms(root), 'nbs/3_many: has 15 notebooks, 14 at most')
        for n in range(4, 13): write(root, f'{n}_folder/01_x')
        write(root, '90_articles/01_x')
        want(checks.rooms(root), 'has 15 notebooks')
        write(root, '14_folder/01_x')
        want(checks.rooms(root), 'has 15 notebooks', 'nbs: has 13 folders of rooms, 12 at most')


def caught(check, root: Path, part: str):
    "A check raises a Problem that says so."
    try: check(root)
    except Problem as e: assert part in str(e), e
    else: assert False, f'{part}: was not caught'


def readable_code():
    easy = '#| export\ndef f(x):\n    "Doc."\n    if x: return sorted(x, key=lambda a: -a)\n    return [a for b in x for a in b]'
    with project() as root:
        write(root, '01_a', easy, 'a = 1; b = 2; c = lambda x: x')  # a test may be terse
        want(checks.readable(root))
        write(root, '01_a', f'#| export\nX = "{"x"*120}"', '#| export\nX = 1; Y = 2', '#| export\nf = lambda x: x',
              '#| export\nX.sort(), Y.sort()', '#| export\nf(lambda x: 1 if x else 2)', '#| export\nf(lambda x: [y for y in x])',
              '#| export\nX = [a for b in c for d in b for a in d]', '#| export\nX = [[[a for a in b] for b in c] for c in d]',
              '#| export\ndef f(x):\n    if x:\n        a(); b()', '#| export\nX, f = 1, lambda x: x')
        want(checks.readable(root), 'a line has 126 columns', 'cell 2: two statements', 'cell 3: a lambda has a name',
             'cell 4: a comma joins', 'cell 5: a lambda does the work', 'cell 6: a lambda does the work', 'more than two loops',
             'nested three deep', 'cell 9: two statements', 'cell 10: a lambda has a name')


def articles_and_links():
    with project() as root:
        write(root, '01_a', 'def f(): pass')  # a room's tests may define
        write(root, '90_articles/67_b', '# T\n[a](../01_a.ipynb), [b](https://x.y), `[no](link)`', '\n'.join(['1']*12))
        want(checks.articles(root) + checks.links(root))
        write(root, '90_articles/67_b', '# T\n[a](01_a.ipynb#x)', '\n'.join(['1']*13), 'def f(): pass', 'x = [lambda: 1]')
        want(checks.articles(root), 'cell 2: has 13 lines, 12 at most', 'cell 3: defines f', 'cell 4: defines a lambda')
        want(checks.links(root), 'cell 1: links to 01_a.ipynb, which does not exist')


def extras_are_asked_for():
    with project() as root:
        (root/'settings.ini').write_text(INI + 'study_requirements = soundfile\n')
        write(root, '01_a', "#| export\nrequire('study')", '#| export\nimport soundfile', '#| export\nimport numpy')
        want(checks.import_cells(root))
        write(root, '01_a', '#| export\nimport soundfile')
        want(checks.import_cells(root), "imports soundfile, which comes with an extra; before it, export require('study')")


def house_rules():
    good = '#| export\ndef f(x,  # a number\n      *rest,  # more\n     ):\n    "Doc."'
    with project() as root:
        module(root, '01', 'a', '#| export\nimport numpy as np\nfrom toy.b import c', good, '#| export\n_x = 1\nY, Z = 2, 3')
        want([p for check in (checks.export_cells, checks.docments, checks.import_cells, checks.shape) for p in check(root)])
        long = '#| export\ndef g():\n    "Doc."\n' + '    1\n'*40
        module(root, '01', 'a', '#| export\nclass A: "Doc."\nB: int = 1', '#| export\ndef f(x): pass', long,
               'import os\nos.getcwd()', '#| export\nfrom numpy import *\nfrom . import b\nimport fastcore.test')
        want(checks.export_cells(root), 'exports A, B; a cell holds one function, one class or some constants',
             'f has no docstring', 'g has 42 lines')
        want(checks.docments(root), 'f has no comment beside x')
        want(checks.import_cells(root), 'cell 6: has imports beside', '* from numpy', 'relative',
             'fastcore.test, which settings.ini')
        write(root, '01_a', '#| default_exp a\nimport os', *['1']*60)
        want(checks.shape(root), 'has 61 cells', 'first cell')
        write(root, '02_b', '%time 1')
        try: checks.import_cells(root)
        except Problem as e: assert '02_b cell 1: is no plain Python' in str(e)
        else: assert False, 'a magic was not caught'


def sound(seconds: float):
    "The output of a cell that shows a sound, as IPython writes it."
    soundfile.write(wav := io.BytesIO(), np.zeros(int(8000*seconds)), 8000, format='WAV')
    code = base64.b64encode(wav.getvalue()).decode()
    return new_output('display_data', {'text/html': f'<audio controls><source src="data:audio/wav;base64,{code}"></audio>'})


def heavy_outputs():
    with project() as root:
        widget = new_output('display_data', {'application/vnd.jupyter.widget-view+json': {}})
        write(root, '01_a', ('1', sound(2.9)))
        want(checks.saved_outputs(root))
        error = new_output('error', ename='E', evalue='', traceback=[])
        write(root, '01_a', ('1', sound(3.1)), ('2', widget), ('3', error))
        want(checks.saved_outputs(root), 'cell 1: holds 3.1 s', 'cell 2: has a saved widget', 'cell 3: its saved output is')


def modules_and_clean():
    with project() as root:
        module(root, '01', 'a', '#| export\nX = 1')
        module(root, '02', 'b', '#| export\nY = 1')
        checks.call('nbdev_export', [checks.tool('nbdev_export')], root)
        want(checks.modules_match(root) + checks.clean(root))
        (root/'toy'/'old.py').write_text('')
        (root/'toy'/'b.py').unlink()
        module(root, '01', 'a', '#| export\nX = 2')
        path = root/'nbs'/'01_a.ipynb'
        path.write_text(path.read_text().replace('"execution_count": null', '"execution_count": 7'))
        want(checks.modules_match(root), 'old.py: no notebook', 'b.py: is missing', 'a.py: is not what its notebook')
        want(checks.clean(root), '01_a: is not clean')


def readme_from_index():
    with project() as root:
        want(checks.readme_matches(root), 'nbs/index.ipynb: does not exist yet')
        table = new_output('execute_result', {'text/markdown': '| a |', 'text/html': '<table>', 'text/plain': 'a'})
        write(root, 'index', '# Toy\n\n![f](../figures/f.png) and [low](01_low.ipynb#x) and [web](https://a.b/c)',
              '#| hide\nsecret = 1', ('#| echo: false\nshow()', table), '#| eval: false\nx = 1')
        text = readme(root)
        for part in ('![f](figures/f.png)', '[low](nbs/01_low.ipynb#x)', '(https://a.b/c)', '| a |', 'x = 1'):
            assert part in text, text
        for part in ('secret', 'show()', '#|', '<table>'): assert part not in text, text
        want(checks.readme_matches(root), 'README.md: is not what')
        (root/'README.md').write_text(text)
        want(checks.readme_matches(root), 'figures/f.png, which', 'nbs/01_low.ipynb, which')
        write(root, 'index', ('1', new_output('display_data', {'image/png': ''})))
        want(checks.readme_matches(root), 'shows a picture as output')


def incomplete_wheel():
    with project() as root:
        for name, text in {'toy/__init__.py': '', 'toy/a.py': 'X = 1', 'toy/data.txt': 'lost'}.items():
            (root/name).parent.mkdir(exist_ok=True)
            (root/name).write_text(text)
        want(checks.wheel(root), 'toy/data.txt: is not in the wheel', 'promises a command from toy.last')


def gpu_rehearsal():
    "All parts of the GPU's check run on the CPU, each of its encoders too; without a GPU it says so and ends."
    tool = Path(__file__).with_name('gpu_check.py')
    with tempfile.TemporaryDirectory() as d:
        said(Path(d), sys.executable, tool, '--rehearse', '--out', 'found.json', '--limit', '1200')
        found = json.loads((Path(d)/'found.json').read_text())
    parts = found['parts']
    assert found['rehearsal'] and {part['state'] for part in parts.values()} == {'ok'}, parts
    want([f'{name}: {said}' for name, said in parts['encoders'].items() if isinstance(said, str) and name != 'state'])
    assert len(parts['encoders']) > 30 and parts['cost']['paper']['total'] > 0, parts
    done = subprocess.run([sys.executable, tool], text=True, capture_output=True, env=os.environ | dict(CUDA_VISIBLE_DEVICES=''))
    assert done.returncode == 1 and done.stdout.splitlines() == [
        'gpu_check: torch finds no CUDA device here; run it where there is one, or add --rehearse.'], done


def gpu_parts_end_alone():
    "A part that fails, dies or hangs says so, and what it had measured is kept."
    import torch  # noqa: F401, so that what is forked need not load it
    import gpu_check

    def fails(plan, tell):
        tell(a=1)
        raise ValueError('on purpose')

    def dies(plan, tell):
        tell(b=2)
        os._exit(3)

    def hangs(plan, tell):
        tell(c=3)
        time.sleep(600)

    parts = dict(fails=(fails, 1), dies=(dies, 1), hangs=(hangs, 1))
    with patch.object(gpu_check, 'PARTS', parts), redirect_stderr(io.StringIO()):
        found = {name: gpu_check.run_part(name, gpu_check.Plan(True, time.time() + (5 if name == 'hangs' else 600)),
                                          multiprocessing.get_context('fork')) for name in parts}
    assert found['fails']['state'] == 'failed: ValueError: on purpose' and found['fails']['a'] == 1, found
    assert found['dies']['state'] == 'failed: its process ended (exit code 3)' and found['dies']['b'] == 2, found
    assert 'was cut after' in found['hangs']['state'] and found['hangs']['c'] == 3, found


def gpu_numbers():
    "A code that differs is a tie only between two that are as near; hours follow from seconds a step."
    import gpu_check
    from mirnb.representations.jukebox import VQVAE
    part, wave = (model := VQVAE.load()).level(2), gpu_check.made_wave(.2)
    codes = model.encode(wave)
    other = codes.copy()
    other[3] = (codes[3] + 1) % 2048
    same, moved = (gpu_check.differing(part, wave, codes, x) for x in (codes, other))
    assert (same['differ'], moved['differ'], moved['ties']) == (0, 1, 0) and moved['farthest'] > 1e-3, moved
    assert gpu_check.differing(part, wave, codes, other, tolerance=1e3)['ties'] == 1
    found = gpu_check.hours('paper', {f'{arm} {kind}': dict(seconds=3600/312) for arm in gpu_check.arms_of('paper', False)
                                      for kind in ('pretrain', 'finetune')})
    assert abs(found['total'] - 3*(500 + 40)) < 1e-6, found  # 312 steps an epoch
    assert gpu_check.hours('paper', {})['total'] is None


def no_browser():
    none, failed = ('skipped', '0 passed, 0 failed'), ('FAILED', '0 passed, 1 failed')
    for ci, (verdict, last), part, name, package in (('', none, 'browser', 'a browser', 'chromium'), ('true', failed, 'browser', 'a browser', 'chromium'),
                                                     ('true', none, 'firefox', 'a second browser', 'firefox-esr')):
        env = os.environ | dict(CI=ci, MIRNB_CHROMIUM='', MIRNB_FIREFOX='', PATH='/nowhere')
        done = subprocess.run([sys.executable, RUNNER, '--only', part], text=True, env=env, capture_output=True)
        lines = done.stdout.splitlines()
        assert done.returncode == 1 and lines[-1] == last and lines[1].startswith(f'{verdict}  {name}'), done
        assert f'apt-get install -y --no-install-recommends {package}' in lines[2], lines


def parts_beside():
    "Parts in processes of their own are shown in the order in which they are named; one whose process dies has failed."
    from test_notebooks import Part, Result, run_parts
    with patch.dict(os.environ, dict(CI='', MIRNB_CHROMIUM='', MIRNB_FIREFOX='', PATH='/nowhere')):
        found = list(run_parts(['firefox', 'browser'], ROOT, 2))
    assert [(part, r.name, r.skipped) for part, r in found] == [('firefox', 'a second browser', True), ('browser', 'a browser', True)], found

    class Killed:
        exitcode = -9
        def is_alive(self): return False

    part = Part.__new__(Part)
    part.name, part.results, part.ended, part.process, (part.heard, sender) = 'site', deque(), False, Killed(), Pipe(False)
    sender.send(Result('a page', True, 1.))
    part.listen(), part.listen()
    assert [(r.name, r.passed, r.story) for r in part.results] == [('a page', True, ''), ('the site', False, 'its process ended with -9')]


PAGE = ROOT/'docs'/'encoder.md'
STORED = '''
import json, sys
import numpy as np
from mirnb.cli import main
for words in json.loads(sys.argv[1]): main(words)
from mirnb.encoders.encoder import encoder
from mirnb.encoders.reading import hear, mean_and_spread
from mirnb.representations.store import Store
from mirnb.sound.audio import load_audio
from mirnb import load_corpus
contrast, store = encoder('contrast.py:Contrast'), Store('contrast-pooled')
tracks = load_corpus('folder', 'music').table
assert len(store) == len(tracks) == 2 and not len(store.bad), store.bad
for track, path in zip(tracks.track_id, tracks.path):
    wanted = mean_and_spread(hear(contrast, load_audio(path, 22_050))['contrast'])
    assert np.allclose(store.array(track), wanted[None], atol=1e-4), (store.array(track), wanted)
'''
PLUGGED = '''
import numpy as np
from mirnb.encoders.catalogue import listed
from mirnb.encoders.encoder import encoder
assert 'of the package contrast-encoder' in listed().set_index('encoder').what['contrast']
made = encoder('contrast', hop=1024)
assert (made.name, made.read(np.ones(4096, np.float32))['contrast'].values.shape) == ('contrast', (5, 7))
'''


def blocks(kind: str) -> list:
    "The blocks of code of one language on the page for newcomers."
    return re.findall(rf'^```{kind}\n(.*?)^```$', PAGE.read_text(encoding='utf8'), re.M | re.S)


def said(folder: Path, *command, **env) -> str:
    "What a command says in a folder, with a home of its own there; raises Problem where it fails."
    done = subprocess.run(command, cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=os.environ | {'MIRNB_HOME': str(folder/'home')} | env)
    if done.returncode: raise Problem(f'{shlex.join(map(str, command))[:200]} failed:\n{done.stdout[-800:]}')
    return done.stdout


def unknown_commands(text: str) -> list:
    "Each `mirnb ...` in a block of shell that the command does not take."
    from mirnb.cli import parser
    wrong = []
    for line in re.split(r'\n| ; | && ', ''.join(re.findall(r'^```sh\n(.*?)^```$', text, re.M | re.S))):
        name, *words = shlex.split(line, comments=True) or ['']
        try: name == 'mirnb' and parser().parse_args(words)
        except SystemExit: wrong.append(line)
    return wrong


def written_commands():
    "Every `mirnb ...` in a block of shell on a page is one that the command takes."
    pages = [ROOT/'README.md', *sorted((ROOT/'docs').glob('*.md'))]
    want([f'{page.name}: {line}' for page in pages for line in unknown_commands(page.read_text(encoding='utf8'))])


def newcomers_page():
    "What the page shows runs as it stands there: the class, the check, the commands, and every link leads somewhere."
    code, check = blocks('python')
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) == 15, f'the class has {len(lines)} lines'
    want([t for t in re.findall(r'\]\(([^)\s#]+)', PAGE.read_text(encoding='utf8')) if not (PAGE.parent/t).exists()])
    with tempfile.TemporaryDirectory() as d:
        folder, noise = Path(d).resolve(), np.random.default_rng(0).standard_normal((2, 22_050))/9
        (folder/'contrast.py').write_text(code)
        for name, wave in zip(('music/quiet/a.wav', 'music/loud/b.wav'), noise):
            (folder/name).parent.mkdir(parents=True)
            soundfile.write(folder/name, wave, 22_050)
        soundfile.write(folder/'song.wav', noise[0], 22_050)
        shapes = said(folder, sys.executable, '-c', check)
        assert "Rung(name='contrast'" in shapes and '(87, 7)' in shapes, shapes
        commands = [line for block in blocks('sh') for line in block.splitlines()]
        assert len(commands) == 4 and all(line.startswith('mirnb ') for line in commands), commands
        said(folder, sys.executable, '-c', STORED, json.dumps([shlex.split(line)[1:] for line in commands]))


def plug_in():
    "A package made of the page's two files, installed by pip, is found by its name, and not where it is not installed."
    with tempfile.TemporaryDirectory() as d:
        folder = Path(d).resolve()
        (folder/'package').mkdir()
        (folder/'package'/'contrast.py').write_text(blocks('python')[0])
        (folder/'package'/'pyproject.toml').write_text(*blocks('toml'))
        said(folder, sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-build-isolation', '--no-index',
             '--target', folder/'site', folder/'package')
        path = os.pathsep.join(filter(None, [str(folder/'site'), os.environ.get('PYTHONPATH')]))
        said(folder, sys.executable, '-c', PLUGGED, PYTHONPATH=path)
        try: said(folder, sys.executable, '-c', PLUGGED)
        except Problem as e: assert 'contrast' in str(e), e
        else: raise Problem('a plug-in is found where it is not installed')


TESTS = {
    'a notebook that fails is reported with its error': failing_notebook,
    'a notebook that hangs is killed, and its children': hanging_notebook,
    'a runner that is stopped leaves nothing running': stopped_runner,
    'a notebook that leaves early has not passed': leaving_notebook,
    'each notebook has a $MIRNB_HOME of its own, empty but for what all share': own_home,
    'the last line counts, once': last_line,
    'a flagged cell runs when asked for only': slow_flag,
    'an empty selection fails': empty_selection,
    'an unknown flag is caught': unknown_flags,
    'an upward import is caught': upward_import,
    'folders and numbers are the direction, and none is crowded': rooms_in_folders,
    'code that needs three readings is caught': readable_code,
    'an article that computes, and a dead link, are caught': articles_and_links,
    'a package of an extra is asked for before it is imported': extras_are_asked_for,
    'broken house rules are caught': house_rules,
    'heavy outputs are caught': heavy_outputs,
    'stale modules and unclean notebooks are caught': modules_and_clean,
    'README.md follows the index notebook': readme_from_index,
    'an incomplete wheel is caught': incomplete_wheel,
    "the newcomer's page runs as it stands there": newcomers_page,
    'commands on pages are commands': written_commands,
    'a package that pip installs brings an encoder by name': plug_in,
    "the GPU's check runs on the CPU in tiny sizes, and says where there is no GPU": gpu_rehearsal,
    "a part of the GPU's check that fails, dies or hangs ends alone": gpu_parts_end_alone,
    "the GPU's check tells ties from other codes, and counts hours": gpu_numbers,
    'without Chromium its tests are skipped, and that is said; on CI it fails': no_browser,
    'parts beside each other are shown one after the other, and one that dies has failed': parts_beside,
}
