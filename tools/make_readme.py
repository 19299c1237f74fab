"""Makes README.md from nbs/index.ipynb, so that what a visitor reads first is a notebook that runs.

Hidden cells go, directive lines go, links are turned from nbs/ to the root, and pictures are links to files under
figures/: a README with embedded pictures would be megabytes.
"""
import posixpath
import re
import sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks import ROOT, Problem, read

NOTE = '<!-- Made from nbs/index.ipynb by `make readme`; edit the notebook, not this file. -->\n'
LINK = re.compile(r'(\]\(|\b(?:src|href|srcset)=")([^)"\s#]+)')  # [text](target), <img src="target">


def from_root(text: str) -> str:
    "Relative links of a notebook in nbs/ as they are from the root: ../figures/x.png -> figures/x.png."
    def turn(match):
        start, target = match.groups()
        absolute = re.match(r'[a-z][a-z0-9+.-]*:|/', target)  # https:, mailto:, or a path of the site
        return match.group() if absolute else start + posixpath.normpath(posixpath.join('nbs', target))
    return LINK.sub(turn, text)


def dead_links(root: Path, text: str) -> list:
    "Relative targets in the README that are no file."
    targets = [t for _, t in LINK.findall(text) if not re.match(r'[a-z][a-z0-9+.-]*:|/', t)]
    return [t for t in dict.fromkeys(targets) if not (root/t).exists()]


def outputs(cell) -> list:
    "Markdown and plain text of a cell's outputs; raises Problem for a picture or an error, which would be lost."
    kept = []
    for o in cell.outputs:
        data = o.get('data', {})
        if o['output_type'] == 'error': raise Problem(f'{cell.where}: its saved output is an error; run the notebook again')
        if any(k.startswith('image/') for k in data):
            raise Problem(f'{cell.where}: shows a picture as output; link to a file under figures/, or hide the cell')
        if o['output_type'] == 'stream':
            if o['name'] == 'stdout': kept.append(dict(o))
        elif 'text/markdown' in data: kept.append(dict(o, data={'text/markdown': from_root(''.join(data['text/markdown']))}))
        elif 'text/plain' in data and not ''.join(data['text/plain']).startswith('<'):  # '<IPython.core...>' says nothing
            kept.append(dict(o, data={'text/plain': data['text/plain']}))
    return kept


def convert(cell) -> list:
    "No cell or one: what a README shows of it."
    d = cell.directives
    if cell.kind == 'raw' or 'hide' in d or 'default_exp' in d: return []
    if cell.kind == 'markdown': return [new_markdown_cell(from_root(cell.code))]
    code = '' if 'hide_input' in d or d.get('echo:') == ['false'] else re.sub(r'(?m)\A(#\|.*\n?)+', '', cell.code).strip()
    shown = [] if 'hide_output' in d or d.get('output:') == ['false'] else outputs(cell)
    if not code and not shown: return []
    return [new_code_cell(code, outputs=[nbformat.from_dict(o) for o in shown], metadata={'bare': not code})]


def readme(root: Path) -> str:
    "The text of README.md."
    path = root/'nbs'/'index.ipynb'
    if not path.exists(): raise Problem('nbs/index.ipynb: does not exist yet; README.md is made from it')
    parts = []
    for cell in (c for source in read(root, path) for c in convert(source)):
        text, _ = MarkdownExporter().from_notebook_node(new_notebook(cells=[cell]))
        parts.append(re.sub(r'\A\s*```\w*\s*```', '', text).strip('\n') if cell.metadata.get('bare') else text.strip('\n'))
    lines = [line.rstrip() for line in '\n\n'.join(parts).splitlines()]
    return NOTE + '\n' + re.sub(r'\n{3,}', '\n\n', '\n'.join(lines)).strip('\n') + '\n'


if __name__ == '__main__':
    try: (ROOT/'README.md').write_text(readme(ROOT), encoding='utf8')
    except Problem as e: sys.exit(str(e))
    print('README.md made from nbs/index.ipynb')
