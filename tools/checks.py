"""The checks of the house: what is committed fits together, and notebooks keep the rules that can be measured.

Each check takes the project's root and returns a list of problems, one sentence each, naming notebook and cell.
"""
import ast
import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import soundfile

from make_readme import dead_links, readme
from nbdev.process import first_code_ln
from notebooks import FLAGS, Problem, name_of, notebooks, read, settings

WORDS = {'default_exp', 'export', 'exporti', 'exports', 'hide', 'hide_input', 'hide_output', 'hide_line'}  # nbdev's
KEYS = {'eval:', 'echo:', 'output:', 'warning:', 'code-fold:', 'code-summary:', 'fig-cap:', 'fig-alt:', 'label:'}  # Quarto's
LINES, CELLS, BYTES, AUDIO = 36, 50, 800_000, 3.  # of a function, of a notebook, of its file, seconds of a saved sound
EXTRAS = 'study', 'explore', 'cluster', 'hf', 'onnx'  # lists of requirements besides the one that everybody needs
COLUMNS, ARTICLE, LAST = 120, 12, 99  # of a line; lines of an article's cell; the place behind all
FOLDERS, ROOMS, ARTICLES = 12, 14, 20  # with rooms; rooms with code in each; articles, which are a list of contents
DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)


# -- what is committed fits together

def call(what: str, args: list, cwd: Path) -> None:
    "Run a command quietly; raises Problem with the end of what it said."
    done = subprocess.run(list(map(str, args)), cwd=cwd, env=plain_env(), text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode: raise Problem(f'{what} failed:\n' + '\n'.join(done.stdout.strip().splitlines()[-8:]))


def plain_env() -> dict:
    "The environment without IN_TEST (under which nbdev_export silently does nothing) and without a Python path."
    return {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PYTHONPATH')}


def tool(name: str) -> Path:
    "A command of the environment that this Python belongs to."
    return Path(sys.executable).parent/name


def copy_of(root: Path, folder: str, *names: str) -> Path:
    "A copy of some files and folders of the project, without caches."
    target = Path(folder)/'project'
    target.mkdir()
    for name in names:
        source, ignore = root/name, shutil.ignore_patterns('__pycache__', '.*')
        if source.is_dir(): shutil.copytree(source, target/name, ignore=ignore)
        elif source.exists(): shutil.copy(source, target/name)
    return target


def modules_match(root: Path) -> list:
    "The package rebuilt from nothing equals the package on disk; a module without a notebook is a left-over."
    lib = settings(root)['lib_path']
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of(root, folder, 'nbs', 'settings.ini', 'setup.py', 'pyproject.toml')
        call('nbdev_export', [tool('nbdev_export')], copy)
        made = {str(p.relative_to(copy)): p.read_bytes() for p in (copy/lib).rglob('*.py')}
    here = {str(p.relative_to(root)): p.read_bytes() for p in (root/lib).rglob('*.py')}
    return ([f'{f}: no notebook exports it; delete the file' for f in sorted(here.keys() - made.keys())] +
            [f'{f}: is missing; run `make export`' for f in sorted(made.keys() - here.keys())] +
            [f'{f}: is not what its notebook exports; edit the notebook, then run `make export`'
             for f in sorted(made.keys() & here.keys()) if made[f] != here[f]])


def clean(root: Path) -> list:
    "nbdev_clean finds nothing to do: no execution counts, no editor's metadata."
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of(root, folder, 'nbs', 'settings.ini', 'setup.py', 'pyproject.toml')
        before = {p: p.read_bytes() for p in notebooks(copy)}
        call('nbdev_clean', [tool('nbdev_clean')], copy)
        return [f'{name_of(copy, p)}: is not clean; run `make export`' for p in before if p.read_bytes() != before[p]]


def readme_matches(root: Path) -> list:
    "README.md is what index.ipynb says, and what it links to exists."
    try: text = readme(root)
    except Problem as e: return [str(e)]
    path = root/'README.md'
    if not path.exists() or path.read_text(encoding='utf8') != text:
        return ['README.md: is not what nbs/index.ipynb says; run `make readme`']
    lost = [p for p in notebooks(root) if p.name != 'index.ipynb' and p.relative_to(root).as_posix() not in text]
    return ([f'README.md: links to {target}, which does not exist' for target in dead_links(root, text)] +
            [f'README.md: does not lead to {name_of(root, p)}; run nbs/index.ipynb, then `make readme`' for p in lost])


# What runs inside a foreign folder, isolated (-I): the unpacked wheel must come first and hold every module.
IMPORT_ALL = '''
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    module = importlib.import_module(name)
    assert module.__file__.startswith(sys.argv[1]), f'{name} came from {module.__file__}, not from the wheel'
'''


def wheel(root: Path) -> list:
    "A wheel built from a copy holds every module, the weights and the static files, and imports without the checkout."
    lib = settings(root)['lib_path']
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of(root, folder, lib, 'settings.ini', 'setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md',
                       'LICENSE')
        build = [sys.executable, '-m', 'build', '--wheel', '--no-isolation', '--outdir', folder, copy]
        call('building the wheel', build, copy)
        unpacked = Path(folder, 'unpacked')
        with ZipFile(next(Path(folder).glob('*.whl'))) as z: z.extractall(unpacked)
        want = {str(p.relative_to(root)) for p in (root/lib).rglob('*') if p.is_file() and not hidden(p.relative_to(root))}
        have = {str(p.relative_to(unpacked)) for p in (unpacked/lib).rglob('*')}
        lost = [f'{f}: is not in the wheel; see package_data in setup.py' for f in sorted(want - have)]
        names = [f.removesuffix('.py').removesuffix('/__init__') for f in sorted(have) if f.endswith('.py')]
        modules = [name.replace('/', '.') for name in names]
        (elsewhere := Path(folder, 'elsewhere')).mkdir()
        call('importing the wheel', [sys.executable, '-I', '-c', IMPORT_ALL, unpacked, *modules], elsewhere)
        promised = re.findall(r'=\s*([\w.]+):', settings(root).get('console_scripts', ''))
        return lost + [f'settings.ini: promises a command from {m}, which the wheel has not'
                       for m in promised if m not in modules]


def hidden(path: Path) -> bool:
    "Whether a path is a cache or a hidden file."
    return any(part.startswith('.') or part == '__pycache__' for part in path.parts)


# -- what notebooks hold

def each_cell(root: Path):
    "Every cell of every notebook; a file that is no notebook raises Problem."
    for path in notebooks(root): yield from read(root, path)


def tree_of(cell) -> ast.Module:
    "The parsed code of a cell; raises Problem where it is no plain Python, such as a magic."
    try: return ast.parse(cell.code)
    except SyntaxError as e: raise Problem(f'{cell.where}: is no plain Python: {e.msg}') from None


def comments(code: str) -> dict:
    "{line number: comment}."
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {t.start[0]: t.string for t in tokens if t.type == tokenize.COMMENT}


def flags(root: Path) -> list:
    "A mistyped flag silently runs, a mistyped directive silently does nothing: only known ones are allowed, at the top."
    problems = []
    if set(settings(root).get('tst_flags', '').split()) != set(FLAGS):
        problems.append(f'settings.ini: tst_flags must be {" ".join(FLAGS)}')
    for cell in (c for c in each_cell(root) if c.kind == 'code' and c.raw.strip()):
        say = lambda text: problems.append(f'{cell.where}: {text}')
        for word, args in cell.directives.items():
            if word not in WORDS | KEYS | set(FLAGS): say(f'unknown directive {word!r}')
            elif word in FLAGS and args: say(f'{args[0]!r} after {word!r} is not read; one flag a line')
            elif word.startswith('export') and args: say(f'exports into another module, {args[0]!r}')
        top = first_code_ln(lines := cell.raw.splitlines(True))
        top = len(lines) if top is None else top
        known = {w.rstrip(':') for w in WORDS | KEYS} | set(FLAGS)
        for line, comment in comments_or_none(cell).items():
            word = re.match(r'#\s*\|\s*([\w-]+)', comment)
            if line > top and word and word.group(1) in known:
                say(f'{comment!r} stands below the first line of code, where it does nothing')
    return problems


def comments_or_none(cell) -> dict:
    "The comments of a cell as it stands; none where it does not parse (another check says so)."
    try: return comments(cell.raw)
    except (tokenize.TokenError, SyntaxError): return {}


def module_of(cells: list) -> str|None:
    "The module that a notebook exports to, if any."
    return next((c.directives['default_exp'][0] for c in cells if c.directives.get('default_exp')), None)


def place_of(root: Path, path: Path, module: str) -> tuple:
    "Where a notebook stands in the story: (folder's number, own number); raises Problem where names and numbers do not say it."
    folder, name = path.relative_to(root/'nbs').parent.as_posix(), name_of(root, path)
    package, _, last = module.rpartition('.')
    if folder == '.' and (path.stem == last or last == '__init__'): return LAST, 0  # a room of its own, behind all folders
    number = re.match(r'(\d+)_(.+)', path.stem)
    if not number or number.group(2) != last:
        raise Problem(f'{name}: exports {module}, so its name must be a number and {last!r}')
    if folder == '.' and not package: return 0, int(number.group(1))
    kept = re.fullmatch(r'(\d+)_(.+)', folder)
    if not kept or kept.group(2) != package:
        raise Problem(f'{name}: exports {module}, so its folder must be a number and {package!r}')
    return int(kept.group(1)), int(number.group(1))


def numbered(root: Path) -> dict:
    "{module: place of its notebook}; raises Problem where two notebooks claim one module or one number, or one has none."
    found = {}
    for path in notebooks(root):
        if not (module := module_of(read(root, path))): continue
        place = place_of(root, path, module)
        if module in found: raise Problem(f'{name_of(root, path)}: exports {module}, which another notebook exports too')
        if place in found.values() and place[0] != LAST:
            raise Problem(f'{name_of(root, path)}: has the number of another notebook of its folder')
        found[module] = place
    return found


def own_imports(node, lib: str, known: dict) -> list:
    "The modules of the package that an import statement names; `known` are all there are."
    packages = {lib} | {f'{lib}.{name.rpartition(".")[0]}' for name in known if '.' in name}
    if isinstance(node, ast.Import): names = [a.name for a in node.names]
    elif node.level: names = [f'{lib}.{node.module}'] if node.module else [f'{lib}.{a.name}' for a in node.names]
    elif node.module in packages: names = [f'{node.module}.{a.name}' for a in node.names if a.name != '__version__']
    else: names = [node.module]
    return [n.removeprefix(f'{lib}.') for n in names if n.startswith(f'{lib}.')]


def direction(root: Path) -> list:
    "Order is direction: exported code imports only what stands before it, also inside functions; folders have an order too."
    lib, place, problems = settings(root)['lib_name'], numbered(root), []
    def shown(module): return f'{module} ({place[module][0]}/{place[module][1]:02})'
    for path in notebooks(root):
        cells = read(root, path)
        module = module_of(cells)
        for cell in (c for c in cells if c.exported and module):
            for node in (n for n in ast.walk(tree_of(cell)) if isinstance(n, IMPORTS)):
                for name in own_imports(node, lib, place):
                    if name not in place: problems.append(f'{cell.where}: imports {lib}.{name}, which no notebook exports')
                    elif place[name] >= place[module]:
                        problems.append(f'{cell.where}: {shown(module)} imports {shown(name)}; '
                                        'a module imports only what stands before it')
    return problems


def rooms(root: Path) -> list:
    "Numbered folders are few and none is crowded: the listing of nbs/ is the story of the project."
    held = {}
    for path in notebooks(root): held.setdefault(path.relative_to(root/'nbs').parent.as_posix(), []).append(path)
    folders = sorted(held.keys() - {'.'})
    def tells(folder): return folder.endswith('articles')
    def most(folder): return ARTICLES if tells(folder) else ROOMS
    crowded = [f'nbs/{f}: has {len(held[f])} notebooks, {most(f)} at most' for f in folders if len(held[f]) > most(f)]
    rooms = [folder for folder in folders if not tells(folder)]
    return crowded + ([f'nbs: has {len(rooms)} folders of rooms, {FOLDERS} at most'] if len(rooms) > FOLDERS else [])


def public(tree: ast.Module) -> tuple:
    "The public functions and classes that a cell defines, and its public constants."
    made, stored = [], []
    for node in tree.body:
        if isinstance(node, (*DEFS, ast.ClassDef)): made.append(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        leaves = (leaf for target in targets for leaf in ast.walk(target))
        stored += [leaf.id for leaf in leaves if isinstance(leaf, ast.Name) and isinstance(leaf.ctx, ast.Store)]
    return [n for n in made if not n.startswith('_')], [n for n in stored if not n.startswith('_')]


def export_cells(root: Path) -> list:
    "An export cell holds one function, one class, or constants; it is short and has a docstring."
    problems = []
    for cell in (c for c in each_cell(root) if c.exported):
        tree = tree_of(cell)
        names, constants = public(tree)
        say = lambda text: problems.append(f'{cell.where}: {text}')
        if len(names) > 1 or names and constants:
            say(f'exports {", ".join(names + constants)}; a cell holds one function, one class or some constants')
        for f in (n for n in ast.walk(tree) if isinstance(n, DEFS)):
            if (lines := f.end_lineno - f.lineno + 1) > LINES: say(f'{f.name} has {lines} lines, {LINES} at most')
        for node in (n for n in tree.body if isinstance(n, (*DEFS, ast.ClassDef)) and n.name in names):
            if not ast.get_docstring(node): say(f'{node.name} has no docstring')
    return problems


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def readable(root: Path) -> list:
    "Exported code can be read in one go: short lines, one statement a line, lambdas that are no functions, comprehensions of one thought."
    problems = []
    for cell in (c for c in each_cell(root) if c.exported):
        say = lambda text: problems.append(f'{cell.where}: {text}')
        for line in cell.code.splitlines():
            if len(line) > COLUMNS: say(f'a line has {len(line)} columns, {COLUMNS} at most: {line.strip()[:40]}...')
        for node in ast.walk(tree_of(cell)):
            for fault in hard_to_read(node): say(f'{fault}: {ast.unparse(node).strip().splitlines()[0][:60]}')
    return problems


def hard_to_read(node):
    "What a reader would stumble over in one node of the syntax tree."
    for body in (getattr(node, name, None) for name in ('body', 'orelse', 'finalbody')):
        if isinstance(body, list) and any(a.end_lineno == b.lineno for a, b in zip(body, body[1:])):
            yield 'two statements stand on one line'
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Tuple): yield 'a comma joins two statements'
    if isinstance(node, ast.Assign):
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        if any(isinstance(value, ast.Lambda) for value in values): yield 'a lambda has a name; write a def'
    if isinstance(node, ast.Lambda):
        inside = [n for n in ast.walk(node.body) if isinstance(n, (ast.Lambda, ast.IfExp, *COMPREHENSIONS))]
        if inside or len(ast.unparse(node)) > 80: yield 'a lambda does the work of a function; write a def'
    if isinstance(node, COMPREHENSIONS):
        if len(node.generators) > 2: yield 'a comprehension has more than two loops; name a step'
        if nesting(node) > 2: yield 'comprehensions are nested three deep; name a step'


def nesting(node) -> int:
    "How many comprehensions lie in each other."
    inner = max((nesting(child) for child in ast.iter_child_nodes(node)), default=0)
    return inner + isinstance(node, COMPREHENSIONS)


def docments(root: Path) -> list:
    "Every parameter of a public function has a comment on its own line: its shape, its unit, what it means."
    problems = []
    for cell in (c for c in each_cell(root) if c.exported):
        tree, beside = tree_of(cell), comments(cell.code)
        for node in (n for n in tree.body if isinstance(n, DEFS) and not n.name.startswith('_')):
            bare = [a.arg for a in parameters(node) if a.lineno not in beside]
            if bare: problems.append(f'{cell.where}: {node.name} has no comment beside {", ".join(bare)}')
    return problems


def parameters(node) -> list:
    "The parameters of a function."
    a = node.args
    return [p for p in (*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg) if p and p.arg not in ('self', 'cls')]


def import_cells(root: Path) -> list:
    "An import cell holds only imports (nbdev runs it alone); exports import by name, and only what settings.ini requires."
    problems, s = [], settings(root)
    base, extra = required(s, 'requirements'), {name: required(s, f'{name}_requirements') for name in EXTRAS}
    always = base | set(sys.stdlib_module_names) | {s['lib_name']}
    for path in notebooks(root):
        asked = set()  # the extras that this room has asked for so far
        for cell in (c for c in read(root, path) if c.kind == 'code'):
            body = tree_of(cell).body
            imports = [n for n in body if isinstance(n, IMPORTS)]
            say = lambda text: problems.append(f'{cell.where}: {text}')
            if imports and len(imports) < len(body): say('has imports beside other code')
            if not cell.exported: continue
            asked |= set(re.findall(r"^require\('(\w+)'\)", cell.code, re.M))
            for n in imports:
                if isinstance(n, ast.ImportFrom) and n.level: say(f'has a relative import; write {s["lib_name"]}.NAME')
                elif isinstance(n, ast.ImportFrom) and n.names[0].name == '*': say(f'imports * from {n.module}')
                for name in [] if getattr(n, 'level', 0) else [n.module] if isinstance(n, ast.ImportFrom) else [a.name for a in n.names]:
                    top = name.split('.')[0]
                    holders = [e for e in EXTRAS if top in extra[e]]
                    if top in always or asked & set(holders): continue
                    if holders: say(f"imports {name}, which comes with an extra; before it, export require('{holders[0]}')")
                    else: say(f'imports {name}, which settings.ini does not require')
    return problems


def required(s: dict, key: str) -> set:  # of settings.ini
    "The modules that come with the distributions that a list of requirements names."
    wanted = {plain(re.match(r'[\w.-]+', r).group()) for r in s.get(key, '').split()}
    return {name for name, dists in packages_distributions().items() if wanted & set(map(plain, dists))}


def plain(name: str) -> str:
    "A distribution's name as registries compare it."
    return re.sub(r'[-_.]+', '-', name).lower()


def shape(root: Path) -> list:
    "A notebook that exports opens with its module, a title and a one-line quote; none is too long to read."
    problems = []
    for path in notebooks(root):
        cells, name = read(root, path), name_of(root, path)
        if len(cells) > CELLS: problems.append(f'{name}: has {len(cells)} cells, {CELLS} at most')
        if (size := path.stat().st_size) > BYTES: problems.append(f'{name}: has {size/1e6:.1f} MB, {BYTES/1e6:.0f} at most')
        if not module_of(cells):
            problems += [f'{c.where}: exports, but no cell says default_exp' for c in cells if c.exported]
        elif 'default_exp' not in cells[0].directives or tree_of(cells[0]).body:
            problems.append(f'{name}: its first cell must be default_exp and nothing else')
        elif len(cells) < 2 or not re.match(r'# [^\n]+\n+> [^\n]+\Z', cells[1].code.strip()):
            problems.append(f'{name}: its second cell must be a title and a one-line quote')
    return problems


def articles(root: Path) -> list:
    "A study reads like an article: short cells that call; what computes is exported by rooms, and tested there."
    problems = []
    for path in sorted((root/'nbs').glob('*_articles/*.ipynb')):
        for cell in (c for c in read(root, path) if c.kind == 'code'):
            lines = len(cell.code.strip().splitlines())
            if lines > ARTICLE: problems.append(f'{cell.where}: has {lines} lines, {ARTICLE} at most')
            made = [n for n in ast.walk(tree_of(cell)) if isinstance(n, (*DEFS, ast.ClassDef, ast.Lambda))]
            if made: problems.append(f'{cell.where}: defines {getattr(made[0], "name", "a lambda")}; let a room export it')
    return problems


def links(root: Path) -> list:
    "Every relative link in a notebook leads to a file."
    problems = []
    for path in notebooks(root):
        for cell in (c for c in read(root, path) if c.kind == 'markdown'):
            for target in re.findall(r'\]\(([^)\s#]+)', re.sub(r'`[^`]*`', '', cell.code)):
                if re.match(r'[a-z][a-z0-9+.-]*:|/', target): continue
                if not (path.parent/target).exists(): problems.append(f'{cell.where}: links to {target}, which does not exist')
    return problems


def saved_outputs(root: Path) -> list:
    "Saved outputs hold no widget state, no long sound and no error: pictures and text are what people read on the web."
    problems = []
    for path in notebooks(root):
        if 'widgets' in json.loads(path.read_text(encoding='utf8')).get('metadata', {}):
            problems.append(f'{name_of(root, path)}: has saved widget state')
        for cell in read(root, path):
            for o in cell.outputs:
                if o['output_type'] == 'error': problems.append(f'{cell.where}: its saved output is an error')
                data = o.get('data', {})
                if any('jupyter.widget' in kind for kind in data): problems.append(f'{cell.where}: has a saved widget')
                sounds = re.findall(r'data:audio/[\w.+-]+;base64,([\w+/=\s]+)', json.dumps(data))
                seconds = max(map(duration, sounds), default=0)
                if seconds > AUDIO: problems.append(f'{cell.where}: holds {seconds:.1f} s of sound, {AUDIO:g} at most')
    return problems


def duration(base: str) -> float:
    "Seconds of a sound in base64; infinite where it cannot be read."
    try: return soundfile.info(io.BytesIO(base64.b64decode(re.sub(r'\\n|\s', '', base)))).duration
    except (soundfile.LibsndfileError, ValueError): return float('inf')


CHECKS = {
    'the package is what the notebooks export': modules_match,
    'notebooks are clean': clean,
    'README.md is what the index notebook says': readme_matches,
    'a module imports only what stands before it': direction,
    'the folders of nbs are few, and none is crowded': rooms,
    'exported code can be read in one go': readable,
    'only the allowed flags and directives are used': flags,
    'an export cell holds one short, documented name': export_cells,
    'every public parameter has a comment beside it': docments,
    'import cells hold only imports, of what is required': import_cells,
    'notebooks open as they should and are not too long': shape,
    'a study reads like an article': articles,
    'every link in a notebook leads somewhere': links,
    'saved outputs are light and without errors': saved_outputs,
    'the wheel is whole and imports on its own': wheel,
}
