"""Reads the project's notebooks the way nbdev does; the runner, the checks and the README share it."""
from configparser import ConfigParser
from dataclasses import dataclass, field
from pathlib import Path

from nbdev.process import NBProcessor

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ('slow', 'gpu', 'data', 'browser')  # cells under these run only when asked for


class Problem(Exception):
    "What is wrong with the project, in one sentence."


@dataclass(frozen=True)
class Cell:
    "One cell with nbdev's own reading of its directives."
    where: str  # '30_representations/25_mel cell 7', counted as nbdev's tracebacks count
    kind: str  # 'code' | 'markdown' | 'raw'
    raw: str  # the source as it stands in the file
    code: str  # the source without nbdev's directive lines
    directives: dict = field(default_factory=dict)  # {'export': [], 'eval:': ['false']}
    outputs: list = field(default_factory=list)

    @property
    def exported(self) -> bool:
        "Whether its code goes into the package."
        return self.kind == 'code' and any(d in self.directives for d in ('export', 'exporti', 'exports'))


def settings(root: Path) -> dict:
    "settings.ini as a dictionary."
    config = ConfigParser(delimiters=['='], interpolation=None)
    config.read(root/'settings.ini', encoding='utf8')
    return dict(config['DEFAULT'])


def notebooks(root: Path) -> list:
    "Every notebook under nbs, in the order of the numbers; hidden folders such as .ipynb_checkpoints are left out."
    found = (root/'nbs').rglob('*.ipynb')
    return sorted(p for p in found if not any(part.startswith('.') for part in p.relative_to(root).parts))


def name_of(root: Path, path: Path) -> str:
    "`30_representations/25_mel` or `90_articles/70_reproduction`."
    return path.relative_to(root/'nbs').with_suffix('').as_posix()


def read(root: Path, path: Path) -> list:
    "The cells of a notebook; raises Problem where the file is not one."
    try: raw, nb = NBProcessor(path, rm_directives=False).nb, NBProcessor(path).nb
    except Exception as e: raise Problem(f'{name_of(root, path)}: is not a notebook ({type(e).__name__}: {e})') from None
    return [Cell(f'{name_of(root, path)} cell {i}', c.cell_type, r.source, c.source, c.directives_, c.get('outputs') or [])
            for i, (r, c) in enumerate(zip(raw.cells, nb.cells), 1)]
