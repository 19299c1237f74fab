"""Builds the site: `make site`, into _site/.

The pages lie in `build/site` as they lie in the checkout, so that a link that leads somewhere in a notebook leads there
on the site too. What is only for reading on GitHub is left out, what a reader of a site wants is put in: entries of the
reference, folded code, lists of contents. Sphinx then makes HTML of it. Nothing is run, nothing is fetched.
"""
import argparse
import os
import re
import shutil
import sys
import time
from functools import cache
from pathlib import Path

import nbformat
import pandas as pd
from nbformat.v4 import new_markdown_cell

from checks import module_of
from notebooks import ROOT, Problem, name_of, notebooks, read, settings
from mirnb.base.files import read_json
from site_cards import card_pages, filled, markdown, offered
from site_check import check, pages, weight
from site_live import live, unpacked
from site_reference import entries, names_in

PAGES = ('docs/*.md', 'CONTRIBUTING.md', 'CHANGELOG.md')  # besides the notebooks
FILES = ('figures/*.png', 'figures/*.svg')  # what pages show
HIDDEN = ('hide', 'default_exp')  # cells under these are not for readers
FOLDER = re.compile(r'^\| \*\*(\d+_\w+)\*\* \| (.*?) \|', re.M)  # of the list of rooms in the README
HEAR = '''<div class="live" data-live="one" data-clip="1"></div>

A model that reads the log-Mel and one that reads tokens say what they hear. More to hear, without installing anything:
[two encoders disagree](live/disagree.md), [two models, one clip](live/listen.md), [2,048 codes](live/codebook.md),
[who is taken for whom](live/confusions.md).

'''  # before the first heading of the front page


# -- notebooks

def tags_of(cell, article: bool) -> list:
    "What Sphinx is told of a cell: whether its code, or what it printed, is folded or left out."
    d, tags = cell.directives, []
    if d.get('echo:') == ['false'] or 'hide_input' in d: tags.append('remove-input')
    elif cell.kind == 'code' and (article or cell.exported): tags.append('hide-input')
    if d.get('output:') == ['false'] or 'hide_output' in d: tags.append('remove-output')
    return tags


def shown(root: Path, cell, saved, article: bool, known: dict) -> list:
    "The cells that a page has for one of the notebook."
    if cell.kind == 'raw' or any(word in cell.directives for word in HIDDEN): return []
    if cell.kind == 'markdown': return [new_markdown_cell(cell.code)]
    code = re.sub(r'(?m)\A(#\|.*\n?)+', '', cell.code).strip('\n')
    if not code.strip(): return []
    saved.source, saved.metadata.tags, saved.outputs = code, tags_of(cell, article), with_links(saved.outputs)
    before = entries(code, known) if cell.exported else []
    after = drawn(root, cell) if article else []
    if after: saved.outputs = [o for o in saved.outputs if 'image/png' not in o.get('data', {})]
    return [*map(new_markdown_cell, before), saved, *after]


PICTURE = re.compile(r"^(?:article\.picture\(\w+, |small\(Image\.open\(figures/)"
                     r"'(\w+)(?:\.png)?'\)+(?:, (\d+)\))?", re.M)  # name and width of a figure that a cell shows
LIGHT = 200_000  # bytes of a drawing; a heavier one is shown as its picture, which has two dots a pixel of the page


def drawn(root: Path, cell) -> list:
    "The figure that a cell of an article shows, as it lies in figures/: the one that the notebook keeps is coarse."
    made = []
    for name, width in PICTURE.findall(cell.code):
        files = [root/'figures'/f'{name}{kind}' for kind in ('.svg', '.png')]
        light = [f for f in files if f.is_file() and (f.suffix == '.png' or f.stat().st_size < LIGHT)]
        size = f'{{width={width}px}}' if width else ''
        made += [new_markdown_cell(f'![{name.replace("_", " ")}](../../figures/{f.name}){size}') for f in light[:1]]
    return made


def with_links(outputs: list) -> list:
    "Saved outputs whose links to notebooks lead to their pages; Sphinx turns only those that stand in the text."
    for data in (o.data for o in outputs if 'data' in o):
        for kind in {'text/markdown', 'text/html'} & data.keys():
            data[kind] = re.sub(r'(\]\(|href=")(?!https?:)([^)"\s]+)\.ipynb', r'\1\2.html', ''.join(data[kind]))
    return outputs


def page_of(root: Path, path: Path):
    "A notebook as the site shows it."
    cells, nb, lib = read(root, path), nbformat.read(path, 4), settings(root)['lib_name']
    article, module = path.parent.name.endswith('articles'), module_of(cells)
    made, known = [], names_in(cells, lib, module)
    for cell, saved in zip(cells, nb.cells): made += shown(root, cell, saved, article, known)
    if module and module != '__init__':
        title, *rest = made
        source = f"{settings(root)['git_url']}/blob/{settings(root)['branch']}/{path.relative_to(root).as_posix()}"
        head = f':::{{py:module}} {lib}.{module}\n:::\n\n`{lib}.{module}`, [a notebook]({source})'
        made = [title, new_markdown_cell(head), *rest]
    nb.cells = made
    nb.metadata.mystnb = dict(execution_mode='off')
    return nb


# -- lists of contents

def contents(caption: str, names: list, hidden: bool = True, depth: int = 1) -> str:
    "A list of pages for the column at the side, or for the page itself."
    options = [f':caption: {caption}'] * bool(caption) + [':hidden:'] * hidden + [f':maxdepth: {depth}']
    return '\n'.join(['```{toctree}', *options, '', *names, '```', ''])


def title_of(folder: str) -> str:
    "`30_representations` as a heading."
    return folder.partition('_')[2].replace('_', ' ').capitalize()


def folder_page(root: Path, folder: str, what: str, wanted: list) -> str:
    "The page of a folder of rooms."
    paths = [p for p in wanted if p.parent == root/'nbs'/folder]
    rows = [f'- [{line_of(p, "# ")}]({p.name}): {line_of(p, "> ")}' for p in paths]
    head = [f'# {title_of(folder)}', '', f'{what[:1].upper()}{what[1:]}.', '']
    return '\n'.join([*head, *rows, '', contents('', [p.stem for p in paths]) if paths else ''])


def line_of(path: Path, start: str) -> str:
    "The title of a notebook, or the line under it: what follows '# ' or '> '."
    texts = (c.source for c in nbformat.read(path, 4).cells if c.cell_type == 'markdown')
    found = (re.search(rf'(?m)^{start}(.+)$', text) for text in texts)
    return next((f.group(1) for f in found if f), path.stem)


def front(root: Path, text: str, there: set) -> str:
    "The front page: the README, with the lists of contents of the whole site; the rooms have pages of their own."
    folders = dict(FOLDER.findall(text))
    alone = [name for name in ('nbs/entrance', 'nbs/cli') if f'{name}.ipynb' in there]
    text = re.sub(r'(?m)^\| folder \| what it holds.*\n(\|.*\n)+', '', text)
    text = text.replace(settings(root)['doc_host'] + settings(root)['doc_baseurl'], 'live/disagree.md')
    text = re.sub(r'(?m)^## ', HEAR + '## ', text, count=1)
    articles = [f for f in folders if f.endswith('articles')]
    rooms = [f'nbs/{f}/index' for f in folders if f not in articles]
    lists = [contents('Listen', ['live/disagree', 'live/listen', 'live/codebook', 'live/confusions']),
             contents('Answers', ['answers/leaderboard', *(f'nbs/{f}/index' for f in articles)]),
             contents('How to', ['docs/own_data', 'docs/encoder', 'docs/cluster', 'docs/gpu', 'docs/recipes']),
             contents('Data and models', ['data/embedded', 'data/recorded', 'data/small-vqvae', 'data/random-encoder']),
             contents('Rooms', [*rooms, *alone]), contents('The project', ['CONTRIBUTING', 'CHANGELOG'])]
    return text + '\n' + '\n'.join(lists)


# -- what pages are told

def told(root: Path, text: str) -> str:
    "A page of site/pages with its facts: `{{works}}` is a number, `{{room:codes}}` where that room is."
    def room(match):
        path = next((root/'nbs').glob(f'*/*_{match.group(1)}.ipynb'))
        return f'../{path.relative_to(root).as_posix()}'
    text = re.sub(r'\{\{room:(\w+)\}\}', room, text)
    return filled(text, facts(root))


@cache
def facts(root: Path) -> dict:
    "Numbers and tables that pages quote."
    results = read_json(root/'nbs'/'90_articles'/'results'/'70_reproduction.json')
    clips, (tracks, _) = read_json(root/'site'/'sample'/'clips.json'), unpacked(root/'site'/'sample'/'map.pack')
    works = [g['groups'] for g in results['scores']['TokenFormer']['per_genre'].values()]
    heads = ['clip', 'genre', 'source', 'encoding', 'what its source says of rights']
    rows = [(c['title'], c['genre'], c['source'], f"{c['file']}, {c['package']}", c['rights']) for c in clips]
    return dict(sources=markdown(pd.DataFrame(rows, columns=heads)), tracks=f"{len(tracks['titles']):,}",
                loud=len(tracks['loud']), works=results['split_counts']['test'], fewest=min(works), most=max(works))


# -- the build

def cleared(source: Path, to: Path) -> None:
    "Take away what was built before, for rooms move; only what the live pages are given is dear and stays."
    for path in source.glob('*'):
        if path.name == '_live': continue
        if path.is_dir(): shutil.rmtree(path)
        else: path.unlink()
    if (to/'.buildinfo').exists(): shutil.rmtree(to)  # a site; anything else is not ours to take away


def put(target: Path, text: str) -> None:
    "Write a file."
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding='utf8')


ROOM = re.compile(r'(\]\()((?:\.\./)*)((?:nbs/)?(?:\d+_\w+/)?)(\w+\.ipynb)(#[\w-]+)?\)')  # a link to a notebook


def nearby(text: str, page: Path, wanted: set) -> str:
    "In a small site, links to rooms that it lacks lead to the page of their folder, or to the front page."
    def turn(match):
        start, up, folder, name, _ = match.groups()
        target = os.path.normpath(page.parent/f'{up}{folder}{name}')
        if target in wanted: return match.group()
        inside = Path(target).parent.name != 'nbs'
        return start + (f'{up}{folder}index.md)' if inside else f'{"../" * (len(page.parts) - 1)}index.md)')
    return ROOM.sub(turn, text)


def lay_out(root: Path, folder: Path, only: list) -> None:
    "Put the sources of all pages into a folder; `only` are fragments of names of notebooks: a small, quick site."
    def asked(path): return not only or any(part in name_of(root, path) for part in only)
    wanted = [p for p in notebooks(root) if p.name != 'index.ipynb' and asked(p)]
    there = {p.relative_to(root).as_posix() for p in wanted}
    def page(name, text): put(folder/name, nearby(text, Path(name), there) if only else text)
    for path in wanted: page(path.relative_to(root), nbformat.writes(page_of(root, path)))
    for pattern in PAGES:
        for path in root.glob(pattern): page(path.relative_to(root), path.read_text(encoding='utf8'))
    for path in (root/'site'/'pages').glob('*.md'):
        page(f'live/{path.name}', told(root, path.read_text(encoding='utf8')))
    for path in (p for pattern in FILES for p in root.glob(pattern)):
        (folder/path.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder/path.relative_to(root))
    text = (root/'README.md').read_text(encoding='utf8')
    for name, card in card_pages(root, 100 if only else 2000).items(): page(name, card)
    for name, path in offered(root).items(): put(folder/name, path.read_text(encoding='utf8'))
    live(root, folder/'_live'/'live', 256 if only else 2048)
    for name, what in FOLDER.findall(text): page(f'nbs/{name}/index.md', folder_page(root, name, what, wanted))
    page('index.md', front(root, text, there))


def build(root: Path, source: Path, to: Path, jobs: int = 1) -> None:
    "Sphinx, in this process; raises Problem with what it complains about."
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace
    warnings = Path(source, '_warnings').open('w+', encoding='utf8')
    with docutils_namespace():
        more = dict(html_static_path=['static', str(source/'_live')], html_extra_path=[str(source/'_extra')])
        app = Sphinx(source, root/'site', to, source/'_doctrees', 'html', status=None, warning=warnings, parallel=jobs,
                     confoverrides=more)
        app.build()
    warnings.seek(0)
    told = [re.sub(r'\x1b\[[0-9;]*m', '', line) for line in warnings.read().splitlines() if line.strip()]
    if app.statuscode or told: raise Problem('Sphinx complains:\n' + '\n'.join(told[:40]))


def main() -> None:
    "`python tools/make_site.py [--to FOLDER] [FRAGMENT ...]`."
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('only', nargs='*', help='fragments of names of notebooks; none = all')
    p.add_argument('--to', type=Path, default=ROOT/'_site')
    p.add_argument('--source', type=Path, default=ROOT/'build'/'site')
    p.add_argument('--jobs', type=int, default=1)
    args, start = p.parse_args(), time.monotonic()
    cleared(args.source, args.to)
    lay_out(ROOT, args.source, args.only)
    print(f'laid out in {time.monotonic() - start:.0f} s', flush=True)
    build(ROOT, args.source, args.to, args.jobs)
    if found := check(args.to): raise Problem('\n'.join(found[:40]))
    heavy = max(pages(args.to), key=lambda name: weight(args.to, name))
    most = f'the heaviest, {heavy}, has {weight(args.to, heavy)/1e6:.1f} MB with all that it loads'
    print(f'{args.to}: {len(pages(args.to))} pages in {time.monotonic() - start:.0f} s; {most}; '
          f'to look at it: python -m http.server -d {args.to}')


if __name__ == '__main__':
    try: main()
    except Problem as e: sys.exit(str(e))
