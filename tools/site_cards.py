"""Pages that are made from tables: the leaderboard, cards of the corpora with Croissant metadata, cards of the weights.

Their texts lie in site/data and site/cards, with `{{name}}` in the place of each number; numbers are counted here: in
mirnb/data, in site/data/embedded.csv (which works the default corpus chooses), in nbs/90_articles/results and in the
cards of comparisons in site/cards.
"""
import json
import re
from functools import cache
from pathlib import Path

import pandas as pd

from mirnb.base.files import read_json, sha256_of
from mirnb.comparison.cards import board_table, gathered, group_table, grouped, paired
from notebooks import settings

VERSION = 'http://mlcommons.org/croissant/1.0'
NUMBERS = {  # columns that are no text
    'seconds': 'sc:Float', 'samplerate': 'sc:Integer', 'bytes': 'sc:Integer', 'program': 'sc:Integer',
    'bandwidth': 'sc:Float'}
TABLES = {'embedded': {'tracks': 'site/data/embedded.csv'},
          'recorded': {'tracks': 'mirnb/data/recorded.csv', 'packages': 'mirnb/data/recorded_packages.csv'}}
COLUMNS = {  # what each column of the tables holds
    'track_id': 'name of the track, unique', 'genre': 'label: the word of its source',
    'title': 'as its source writes it', 'source': 'the collection', 'file': 'inside the package',
    'package': 'that holds the file', 'rights': 'what the file says of rights',
    'group': 'what is never parted by a split: works that share a tune, an opus, an artist',
    'split': 'train, valid or test of corpus seed 0', 'program': 'instrument, General MIDI, from 0',
    'seconds': 'length, s', 'path': 'inside the package; behind a ! inside a zip', 'bytes': 'size',
    'sha256': 'SHA-256 of the file', 'samplerate': 'Hz', 'bandwidth': 'Hz, what a lossy codec has left',
    'mono': 'yes: one channel, or two that are equal', 'artist': "'' where nobody says",
    'artist_source': 'where that name comes from', 'holders': 'of the copyright', 'licence': 'as its source names it',
    'function': 'in its game: calm or combat', 'family': 'tracks that are renditions of one piece',
    'name': 'of the package', 'version': 'of the package', 'pool': 'path below a mirror of Debian'}


def markdown(table: pd.DataFrame) -> str:
    "A table as Markdown."
    def row(cells): return '| ' + ' | '.join(str(c).replace('|', '/') for c in cells) + ' |'
    return '\n'.join([row(table.columns), row(['---'] * table.shape[1]), *map(row, table.itertuples(index=False))])


@cache
def rows_of(root: Path, corpus: str, name: str = 'tracks') -> pd.DataFrame:
    "A table of a corpus, all of it text."
    return pd.read_csv(root/TABLES[corpus][name], dtype=str, keep_default_na=False)


@cache
def answers(root: Path, corpus: str) -> dict:
    "What the published comparison says of a corpus."
    return read_json(root/'nbs'/'90_articles'/'results'/'66_which_representation.json')[corpus]


def scored(found: dict) -> str:
    "`0.43 [0.40, 0.45]`."
    return f"{found['score']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


# -- Croissant

def records(corpus: str, name: str, file: str, columns: list) -> dict:
    "A table's columns, each with what it holds."
    def field(c):
        source = dict(fileObject={'@id': file}, extract=dict(column=c))
        return {'@type': 'cr:Field', '@id': f'{name}/{c}', 'name': f'{name}/{c}', 'description': COLUMNS[c],
                'dataType': NUMBERS.get(c, 'sc:Text'), 'source': source}
    return {'@type': 'cr:RecordSet', '@id': name, 'name': name, 'key': {'@id': f'{name}/{columns[0]}'},
            'field': [field(c) for c in columns]}


def file_object(path: Path) -> dict:
    "A table as it lies beside the metadata."
    return {'@type': 'cr:FileObject', '@id': path.name, 'name': path.name, 'contentUrl': path.name,
            'encodingFormat': 'text/csv', 'contentSize': f'{path.stat().st_size} B', 'sha256': sha256_of(path)}


def croissant(root: Path, corpus: str, description: str, licence: list) -> dict:
    "The metadata of a corpus: its tables with their hashes and what each column holds."
    s, files = settings(root), {name: root/path for name, path in TABLES[corpus].items()}
    citation = (root/'CITATION.cff').read_text(encoding='utf8')
    released = next(line.split("'")[1] for line in citation.splitlines() if line.startswith('date-released'))
    told = [records(corpus, n, p.name, list(rows_of(root, corpus, n).columns)) for n, p in files.items()]
    return {'@context': read_json(root/'site'/'data'/'context.json'), '@type': 'sc:Dataset', 'conformsTo': VERSION,
            'name': f'mirnb-{corpus}', 'description': description, 'version': s['version'], 'datePublished': released,
            'url': f"{s['doc_host']}{s['doc_baseurl']}/data/{corpus}.html", 'license': licence,
            'creator': {'@type': 'sc:Organization', 'name': s['author']}, 'inLanguage': 'en',
            'citeAs': f"{s['author']}: mirnb {s['version']}, {s['git_url']}", 'keywords': ['music', 'audio', 'genre'],
            'distribution': [file_object(p) for p in files.values()], 'recordSet': told}


# -- cards of the corpora

def filled(text: str, facts: dict) -> str:
    "A text with its facts in the places of `{{name}}`."
    return re.sub(r'\{\{(\w+)\}\}', lambda match: str(facts[match.group(1)]), text)


def splits(t: pd.DataFrame) -> str:
    "Tracks of each genre in each part, and where the genre comes from."
    count = t.groupby(['genre', 'split'], sort=False).size().unstack(fill_value=0)[['train', 'valid', 'test']]
    def names(column): return ', '.join(sorted(set(column)))
    more = t.groupby('genre', sort=False).agg(works=('group', 'nunique'), sources=('source', names))
    return markdown(count.join(more).reset_index().rename(columns=dict(works='independent works')))


def embedded_facts(root: Path) -> dict:
    "What the card of the default corpus tells."
    t, said = rows_of(root, 'embedded'), answers(root, 'embedded')
    oracles, alone = said['oracles'], t.groupby('genre').source.nunique()
    short = (f'{len(t):,} clips of 30 s, {t.genre.nunique()} genres of real scores that install with music21, rendered '
             'by a sound font: music that can be had without a download, with every note known.')
    return dict(short=short, tracks=f'{len(t):,}', groups=f'{t.group.nunique():,}', package=t.package.iloc[0],
                sources=', '.join(t.source.unique()), quiet=(t.rights == 'nothing said in the file').sum(),
                splits=splits(t), lonely=', '.join(alone[alone == 1].index).capitalize(),
                instrument=scored(oracles['oracle: instrument']), notes=scored(oracles['oracle: notes']),
                control=scored(said['control']), chance=f"{said['probes']['logistic']['chance']:.2f}",
                licence=['Encodings: as the column rights says, distributed with music21 (https://music21.org)',
                         'Table: https://spdx.org/licenses/Apache-2.0.html'])


def recorded_facts(root: Path) -> dict:
    "What the card of the recorded corpus tells."
    t, said = rows_of(root, 'recorded'), answers(root, 'recorded')
    asked = said['probes']['logistic']
    packages, licences = rows_of(root, 'recorded', 'packages'), t.licence.value_counts()
    hours, known, pieces = t.seconds.astype(float).sum()/3600, t.artist[t.artist != ''], t.family[t.family != '']
    short = (f'{len(t)} tracks, {hours:.1f} hours, of really produced, freely licensed music out of {len(packages)} '
             'packages of Debian: mostly soundtracks of games, almost no voices.')
    return dict(short=short, tracks=len(t), hours=f'{hours:.1f}', packages=len(packages),
                gigabytes=f'{packages.bytes.astype(float).sum()/1e9:.1f}', named=len(known), artists=known.nunique(),
                used=(t.function != '').sum(), functions=', '.join(sorted(set(t.function) - {''})),
                licences=len(licences), frequent=', '.join(f'{name} ({n})' for name, n in licences.head(4).items()),
                control=scored(said['control']), works=said['corpus']['works'], classes=len(said['corpus']['classes']),
                best=scored(asked['rows'][0]), chance=f"{asked['chance']:.2f}",
                renditions=len(pieces), families=pieces.nunique(), dull=(pd.to_numeric(t.bandwidth) < 12_000).sum(),
                mono=(t.mono == 'yes').sum(), other=(t.samplerate != '44100').sum(),
                licence=sorted(set(t.licence) - {''}))


FACTS = {'embedded': embedded_facts, 'recorded': recorded_facts}


# -- cards of the weights

def model_card(root: Path, name: str) -> str:
    "The card that lies beside the weights, and how they are used."
    folder, call = root/'mirnb'/'weights', 'mirnb.VQVAE.load()'
    if name != 'small-vqvae': call = f"mirnb.VQVAE.load('{name}.safetensors')   # its path in mirnb/weights"
    facts = dict(call=call, megabytes=f"{(folder/f'{name}.safetensors').stat().st_size/1e6:.1f}")
    use = filled((root/'site'/'data'/'model.md').read_text(encoding='utf8'), facts)
    return f"{(folder/f'{name}.md').read_text(encoding='utf8')}\n{use}"


# -- the leaderboard

@cache
def tables(root: Path, resamples: int) -> tuple:  # HTML, CSV
    "The tables of the cards in site/cards, as `mirnb board` makes them."
    cards, bad = gathered(root/'site'/'cards')
    if bad: raise ValueError(f'site/cards: {bad}')
    groups = {key: paired(found, resamples) for key, found in grouped(cards).items()}
    return ''.join(group_table(key, found) for key, found in groups.items()), board_table(groups).to_csv(index=False)


def leaderboard(root: Path, resamples: int) -> str:
    "The page of the leaderboard."
    folder = root/'site'/'cards'
    cards = ', '.join(f'<a href="{p.name}">{p.name}</a>' for p in sorted(folder.glob('*.json')))
    text = (folder/'leaderboard.md').read_text(encoding='utf8')
    return filled(text, dict(tables=tables(root, resamples)[0], cards=cards))


# How search engines find a data set
JSON_LD = '```{raw} html\n<script type="application/ld+json">\n%s\n</script>\n```\n'


def card_pages(root: Path, resamples: int = 2000) -> dict:
    "{path: text} of all these pages, and of the files that they offer."
    made = {'answers/leaderboard.md': leaderboard(root, resamples)}
    made['_extra/answers/board.csv'] = tables(root, resamples)[1]
    for corpus, facts in FACTS.items():
        found, text = facts(root), (root/'site'/'data'/f'{corpus}.md').read_text(encoding='utf8')
        told = json.dumps(croissant(root, corpus, found['short'], found['licence']), indent=1, ensure_ascii=False)
        made[f'data/{corpus}.md'] = filled(text, found) + '\n' + JSON_LD % told.replace('</', '<\\/')
        made[f'_extra/data/{corpus}.croissant.json'] = told + '\n'
    for name in ('small-vqvae', 'random-encoder'): made[f'data/{name}.md'] = model_card(root, name)
    return made


def offered(root: Path) -> dict:
    "{path: file} of what is copied as it is."
    some = {f'_extra/data/{Path(p).name}': root/p for files in TABLES.values() for p in files.values()}
    return some | {f'_extra/answers/{p.name}': p for p in (root/'site'/'cards').glob('*.json')}
