"""Pages that are made from tables: the leaderboard, cards of the corpora with Croissant metadata, cards of the weights.

Sentences are written here, numbers are counted here: in mirnb/data, in site/data (which works the default corpus chooses, written by
`tools/site_sample.py`), in nbs/90_articles/results and in the cards of comparisons in site/cards.
"""
import json
from functools import cache
from pathlib import Path

import pandas as pd

from mirnb.base.files import read_json, sha256_of
from mirnb.comparison.cards import board_table, gathered, group_table, grouped, paired
from notebooks import settings

CONTEXT = {  # of Croissant 1.0, as its specification prints it
    '@language': 'en', '@vocab': 'https://schema.org/', 'citeAs': 'cr:citeAs', 'column': 'cr:column', 'conformsTo': 'dct:conformsTo',
    'cr': 'http://mlcommons.org/croissant/', 'rai': 'http://mlcommons.org/croissant/RAI/', 'data': {'@id': 'cr:data', '@type': '@json'},
    'dataType': {'@id': 'cr:dataType', '@type': '@vocab'}, 'dct': 'http://purl.org/dc/terms/',
    'equivalentProperty': 'cr:equivalentProperty',
    'examples': {'@id': 'cr:examples', '@type': '@json'}, 'extract': 'cr:extract', 'field': 'cr:field', 'fileProperty': 'cr:fileProperty',
    'fileObject': 'cr:fileObject', 'fileSet': 'cr:fileSet', 'format': 'cr:format', 'includes': 'cr:includes',
    'isLiveDataset': 'cr:isLiveDataset', 'jsonPath': 'cr:jsonPath', 'key': 'cr:key', 'md5': 'cr:md5', 'parentField': 'cr:parentField',
    'path': 'cr:path', 'recordSet': 'cr:recordSet', 'references': 'cr:references', 'regex': 'cr:regex', 'repeated': 'cr:repeated',
    'replace': 'cr:replace', 'samplingRate': 'cr:samplingRate', 'sc': 'https://schema.org/', 'separator': 'cr:separator', 'source': 'cr:source', 'subField': 'cr:subField',
    'transform': 'cr:transform'}
VERSION = 'http://mlcommons.org/croissant/1.0'
NUMBERS = {'seconds': 'sc:Float', 'samplerate': 'sc:Integer', 'bytes': 'sc:Integer', 'program': 'sc:Integer', 'bandwidth': 'sc:Float'}
TABLES = {'embedded': {'tracks': 'site/data/embedded.csv'},
          'recorded': {'tracks': 'mirnb/data/recorded.csv', 'packages': 'mirnb/data/recorded_packages.csv'}}
COLUMNS = {  # what each column of the tables holds
    'track_id': 'name of the track, unique', 'genre': 'label: the word of its source', 'title': 'as its source writes it',
    'source': 'the collection', 'file': 'inside the package', 'package': 'that holds the file', 'rights': 'what the file says of rights',
    'group': 'what is never parted by a split: works that share a tune, an opus, an artist', 'split': 'train, valid or test of corpus seed 0',
    'program': 'instrument, General MIDI, from 0', 'seconds': 'length, s', 'path': 'inside the package; behind a ! inside a zip',
    'bytes': 'size', 'sha256': 'SHA-256 of the file', 'samplerate': 'Hz', 'bandwidth': 'Hz, what a lossy codec has left',
    'mono': 'yes: one channel, or two that are equal', 'artist': "'' where nobody says", 'artist_source': 'where that name comes from',
    'holders': 'of the copyright', 'licence': 'as its source names it', 'function': 'in its game: calm or combat',
    'family': 'tracks that are renditions of one piece', 'name': 'of the package', 'version': 'of the package', 'pool': 'path below a mirror of Debian'}


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
    return {'@type': 'cr:RecordSet', '@id': name, 'name': name, 'key': {'@id': f'{name}/{columns[0]}'}, 'field': [field(c) for c in columns]}


def croissant(root: Path, corpus: str, description: str, licence: list) -> dict:
    "The metadata of a corpus: its tables with their hashes and what each column holds."
    s, files = settings(root), {name: root/path for name, path in TABLES[corpus].items()}
    def kept(path): return {'@type': 'cr:FileObject', '@id': path.name, 'name': path.name, 'contentUrl': path.name, 'encodingFormat': 'text/csv',
                            'contentSize': f'{path.stat().st_size} B', 'sha256': sha256_of(path)}
    citation = (root/'CITATION.cff').read_text(encoding='utf8')
    released = next(line.split("'")[1] for line in citation.splitlines() if line.startswith('date-released'))
    record = [records(corpus, n, p.name, list(rows_of(root, corpus, n).columns)) for n, p in files.items()]
    return {'@context': CONTEXT, '@type': 'sc:Dataset', 'conformsTo': VERSION, 'name': f'mirnb-{corpus}', 'description': description,
            'version': s['version'], 'datePublished': released, 'url': f"{s['doc_host']}{s['doc_baseurl']}/data/{corpus}.html",
            'license': licence, 'creator': {'@type': 'sc:Organization', 'name': s['author']}, 'inLanguage': 'en',
            'citeAs': f"{s['author']}: mirnb {s['version']}, {s['git_url']}", 'keywords': ['music', 'audio', 'genre'],
            'distribution': [kept(p) for p in files.values()], 'recordSet': record}


# -- cards of the corpora

def splits(root: Path) -> str:
    "Tracks of each genre in each part, and where the genre comes from."
    t = rows_of(root, 'embedded')
    count = t.groupby(['genre', 'split'], sort=False).size().unstack(fill_value=0)[['train', 'valid', 'test']]
    more = t.groupby('genre', sort=False).agg(works=('group', 'nunique'), sources=('source', lambda s: ', '.join(sorted(set(s)))))
    return markdown(count.join(more).reset_index().rename(columns=dict(works='independent works')))


def embedded_card(root: Path) -> tuple:  # text, description, licences
    "The card of the default corpus."
    t, said = rows_of(root, 'embedded'), answers(root, 'embedded')
    oracles, alone = said['oracles'], t.groupby('genre').source.nunique()
    one = ', '.join(alone[alone == 1].index)
    quiet = (t.rights == 'nothing said in the file').sum()
    short = (f'{len(t):,} clips of 30 s, {t.genre.nunique()} genres of real scores that install with music21, rendered by a sound font: '
             'music that can be had without a download, with every note known.')
    text = f'''# The embedded corpus

> {short}

| | |
| --- | --- |
| **What** | {len(t):,} works in {t.group.nunique():,} groups that share no tune; one clip of 30 s each, 44.1 kHz, mono |
| **From where** | scores in {t.package.iloc[0]} ({', '.join(t.source.unique())}), played with the sound font TimGM6mb, which pretty_midi brings |
| **Labels** | genre, in the word of the source; nobody here labelled anything |
| **Licence** | the compositions are old enough to be free; encodings have no uniform licence, music21 distributes them by permission; {quiet} of {len(t):,} files say nothing of rights, each row holds what its file says. The sound font is under GPL-2. None of the sound lies in the repository: your machine renders it. |
| **Parts** | by group, as below (corpus seed 0, a development split that was looked at often); numbers to report come from `mirnb study --folds 5` on corpus seed 1 |
| **Metadata** | <a href="embedded.croissant.json">Croissant 1.0</a>, <a href="embedded.csv">the table</a> |

```python
import mirnb
tracks = mirnb.load_corpus('embedded').table   # renders what is not there yet, some minutes
```

## Parts

{splits(root)}

## What may be learned instead of genre

- **The source.** {one.capitalize()} come from one collection each: who recognises its habits scores too high. [Sources](../nbs/90_articles/79_sources.ipynb) asks how much that is among the dances that have two.
- **The instrument.** Each genre has its own mix of instruments, as it is really played, none above 40 %. A classifier that is told nothing but the instrument reaches macro-F1 {scored(oracles['oracle: instrument'])}, one that is told the notes {scored(oracles['oracle: notes'])}; chance is {said['probes']['logistic']['chance']:.2f}.
- **The level and length.** What a file says before anyone listens gives {scored(said['control'])}: more than chance.
- **Jukebox.** The VQ-VAE that ships was trained on training works of this corpus; tables mark it.

## What it is not

Rendered, not recorded: no voices, no room, no mastering, one sound font. Folk dances, airs, chorales, madrigals, trecento and string quartets: no pop, jazz or hip-hop.
A result here is about these scores and this renderer; [recorded music](recorded.md) asks the same of real productions.
'''
    return text, short, ['Encodings: as the column rights says, distributed with music21 (https://music21.org)',
                         'Table: https://spdx.org/licenses/Apache-2.0.html']


def recorded_card(root: Path) -> tuple:
    "The card of the recorded corpus."
    t, said = rows_of(root, 'recorded'), answers(root, 'recorded')
    hours, packages = t.seconds.astype(float).sum()/3600, rows_of(root, 'recorded', 'packages')
    bandwidth = pd.to_numeric(t.bandwidth)
    licences = t.licence.value_counts()
    known = t.artist[t.artist != '']
    short = (f'{len(t)} tracks, {hours:.1f} hours, of really produced, freely licensed music out of {len(packages)} packages of Debian: '
             'mostly soundtracks of games, almost no voices.')
    best = said['probes']['logistic']['rows'][0]
    text = f'''# Recorded music

> {short}

| | |
| --- | --- |
| **What** | {len(t)} distinct tracks, {hours:.1f} hours; orchestral, electronic, rock, folk |
| **From where** | {len(packages)} packages of Debian 12, {packages.bytes.astype(float).sum()/1e9:.1f} GB, each with its version and SHA-256 |
| **Labels** | artist ({len(known)} tracks of {known.nunique()}), soundtrack, and what {(t.function != '').sum()} tracks are for in their game ({', '.join(sorted(set(t.function) - {''}))}) |
| **Licence** | all free, {len(licences)} different wordings, most often {', '.join(f'{name} ({n})' for name, n in licences.head(4).items())}; most want to be named: `mirnb fetch recorded` writes a page of credits |
| **Parts** | five folds by artist or by package, dealt as often as asked |
| **Metadata** | <a href="recorded.croissant.json">Croissant 1.0</a>, <a href="recorded.csv">tracks</a>, <a href="recorded_packages.csv">packages</a> |

```sh
mirnb fetch recorded                                      # 7.8 GB to bring, 4 GB to keep; --part small: 0.2 GB
mirnb compare recorded --with mel timbre jukebox
```

## What may be learned instead of the artist

- **The production.** Level, length, bandwidth and bit rate alone, no music in them, tell the artist at macro-F1 {scored(said['control'])} in the comparison's {said['corpus']['works']} works of {len(said['corpus']['classes'])} artists, after excerpts were brought to one length, one level, one rate and one bandwidth;
  the best encoder reaches {scored(best)}, chance is {said['probes']['logistic']['chance']:.2f}. So each table on it has that control as a row.
- **The package.** Artist and game often coincide. Splits by package part what one game's sound engineer did.
- **Renditions.** {(t.family != '').sum()} tracks belong to {t.family[t.family != ''].nunique()} families of one piece in several versions, which stay together.

## What to know before using it

- {(bandwidth < 12_000).sum()} tracks have less than 12 kHz of bandwidth, {(t.mono == 'yes').sum()} are mono, {(t.samplerate != '44100').sum()} have another rate than 44.1 kHz.
- Names of artists come from tags and from copyright files, which are wrong at times; the column `artist_source` says which.
- Somebody may have heard these games: what an encoder was trained on decides, and tables mark what nobody knows.
'''
    return text, short, sorted(set(t.licence) - {''})


CARDS = {'embedded': embedded_card, 'recorded': recorded_card}


# -- cards of the weights

def model_card(root: Path, name: str) -> str:
    "The card that lies beside the weights, and how they are used."
    file = root/'mirnb'/'weights'/f'{name}.safetensors'
    call = 'mirnb.VQVAE.load()' if name == 'small-vqvae' else f"mirnb.VQVAE.load('{name}.safetensors')   # its path in mirnb/weights"
    return (root/'mirnb'/'weights'/f'{name}.md').read_text(encoding='utf8') + f'''
## How to use it

```python
import mirnb
model = {call}
tokens = model.encode(wave)       # 44.1 kHz mono -> one code every 128 samples
again = model.decode(tokens, 2)   # and back
```

It ships with the package: {file.stat().st_size/1e6:.1f} MB, opened without pickle. How it was trained, level by level, and how its control compares:
[A tokenizer of our own](../nbs/90_articles/69_tokenizer.ipynb); `mirnb tokenizer --ship` trains it again. What it heard: [the embedded corpus](embedded.md), training works only.
Each of its 2,048 codes can be heard: [the codebook](../live/codebook.md).
'''


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
    html, _ = tables(root, resamples)
    names = ', '.join(f'<a href="{p.name}">{p.name}</a>' for p in sorted((root/'site'/'cards').glob('*.json')))
    return f'''# Leaderboard

> Encoders that were asked the same: the same tracks, the same splits, the same reader.

Scores have 95 % intervals over works. Each encoder is compared with the best of its table on the same works: whole works are swapped, p is after Holm's correction over the table,
and differences in bold are those below 0.05. A mark says who has heard the music before. A head sorts its column.

<div class="board">{html}</div>

## Yours

```sh
mirnb compare recorded --with mel contrast.py:Contrast    # your encoder beside one that stands here
mirnb board cards                                         # a folder with your card and these
mirnb reproduce recorded.card.json                        # one of these, run again on your machine
```

A comparison leaves a card: scores, hashes of corpus, splits and encoders, every guess, costs, licences, packages. These tables are made from {names}, also as <a href="board.csv">one table</a>.
To add yours, send its card as a pull request to `site/cards`: the tables join those cards that agree in corpus, splits, task and probe.
'''


def card_pages(root: Path, resamples: int = 2000) -> dict:
    "{path: text} of all these pages, and of the files that they offer."
    made = {'answers/leaderboard.md': leaderboard(root, resamples)}
    for corpus, card in CARDS.items():
        text, short, licence = card(root)
        told = json.dumps(croissant(root, corpus, short, licence), indent=1, ensure_ascii=False)
        safe = told.replace('</', '<\\/')
        made[f'data/{corpus}.md'] = f'{text}\n```{{raw}} html\n<script type="application/ld+json">\n{safe}\n</script>\n```\n'
        made[f'_extra/data/{corpus}.croissant.json'] = told + '\n'
    for name in ('small-vqvae', 'random-encoder'): made[f'data/{name}.md'] = model_card(root, name)
    made['_extra/answers/board.csv'] = tables(root, resamples)[1]
    return made


def offered(root: Path) -> dict:
    "{path: file} of what is copied as it is."
    some = {f'_extra/data/{Path(p).name}': root/p for files in TABLES.values() for p in files.values()}
    return some | {f'_extra/answers/{p.name}': p for p in (root/'site'/'cards').glob('*.json')}
