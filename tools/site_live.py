"""What the live pages are given when the site is built: the widgets' own scripts, and what a kernel would tell.

`site/sample` holds what was copied from a run. The codebook is computed here, from the weights that ship: a code that
is held has one period of 128 samples, so 2,048 sounds of any length are 512 KB.
"""
import gzip
import io
import json
import shutil
from pathlib import Path

import numpy as np
import soundfile

from mirnb.evidence.style import KINDS
from mirnb.listening.clips import Parts, mel_picture
from mirnb.listening.player import overview, peak_of
from mirnb.listening.plots import places
from mirnb.listening.session import hues
from mirnb.representations.codebook import neighbours
from mirnb.representations.jukebox import SHIPPED, VQVAE
from mirnb.representations.mel import log_mel
from mirnb.base.files import read_json, sha256_of
from mirnb.sound.audio import resample

WIDGETS = {  # {name: (scripts, style sheets)}, as the widgets of mirnb.listening join them
    'player': (('common.js', 'player.js'), ('theme.css', 'player.css')),
    'scatter': (('common.js', 'colours.js', 'scatter.js'), ('theme.css', 'scatter.css')),
    'matrix': (('common.js', 'colours.js', 'matrix.js'), ('theme.css', 'matrix.css')),
    'tracks': (('common.js', 'tracks.js'), ('theme.css', 'tracks.css'))}
HOLD, CHUNK, LEVEL = 48, 128, 2  # tokens that a code is held for; codes decoded at once; of the VQ-VAE
UNUSED = '#969696'


def widget_files(root: Path, to: Path) -> None:
    "The scripts of each widget as one module, and all their style sheets once."
    static, sheets = root/'mirnb'/'static', []
    for name, (scripts, styles) in WIDGETS.items():
        text = '\n'.join((static/s).read_text(encoding='utf8') for s in scripts)
        (to/f'{name}.js').write_text(text, encoding='utf8')
        sheets += [s for s in styles if s not in sheets]
    shutil.copy2(static/'sort.js', to/'sort.js')
    board = (static/'comparison.css').read_text(encoding='utf8').split('@media print')[0]
    (to/'board.css').write_text(f'.board {{{board}}}', encoding='utf8')
    (to/'widgets.css').write_text('\n'.join((static/s).read_text(encoding='utf8') for s in sheets), encoding='utf8')


def unpacked(path: Path) -> tuple:  # header, {name: bytes}
    "A file of `site_sample.written`."
    whole = gzip.decompress(path.read_bytes())
    start = 4 + int.from_bytes(whole[:4], 'little')
    head, parts = json.loads(whole[4:start]), {}
    for name, size in head['sizes'].items(): parts[name], start = whole[start:start + size], start + size
    return head['header'], parts


def packed(path: Path, header, parts: dict) -> None:
    "Write such a file."
    head = json.dumps(dict(header=header, sizes={k: len(v) for k, v in parts.items()}), ensure_ascii=False).encode()
    path.write_bytes(gzip.compress(len(head).to_bytes(4, 'little') + head + b''.join(parts.values()), 9, mtime=0))


def colours(genres: list) -> dict:
    "{genre: colour}, as the explorers have them."
    return dict(zip(genres, KINDS))


def rgb(names: list, table: dict) -> bytes:
    "A colour a name, three bytes each."
    return bytes(int(table[n][i:i + 2], 16) for n in names for i in (1, 3, 5))


# -- the codebook

def periods(model: VQVAE, codes: int) -> np.ndarray:  # (codes, hop) float32
    "One period of each code that is held: far from where it begins and ends, every period is the same."
    hop = model.hops[LEVEL]
    def of(some): return model.decode(np.repeat(some, HOLD), LEVEL).reshape(len(some), HOLD, hop)[:, HOLD//2]
    return np.concatenate([of(np.arange(a, min(a + CHUNK, codes))) for a in range(0, codes, CHUNK)])


def spectra(waves: np.ndarray) -> np.ndarray:  # (codes, bands) uint8, against the loudest cell of each
    "The log-Mel of each code that is held."
    def of(wave): return mel_picture(log_mel(np.tile(wave, 12))[3:8].mean(0)[None]).values[:, 0]
    return np.stack([of(wave) for wave in waves])


def codebook(root: Path, to: Path, codes: int) -> None:
    "The map of the first codes, their sounds and what is known of them."
    model, told = VQVAE.load().eval(), read_json(root/'site'/'sample'/'codes.json')
    told |= {key: told[key][:codes] for key in ('uses', 'genre')}
    vectors = np.asarray(model.codebook)[:codes]
    xy = np.load(SHIPPED.parent/f'map-{sha256_of(SHIPPED)[:16]}.npy', allow_pickle=False)[:codes]
    waves = periods(model, codes)
    scale = np.abs(waves).max(1)
    steps = np.round(waves/np.maximum(scale, 1e-9)[:, None]*32_000).astype('<i2')
    genre = [told['genres'][g] if g >= 0 else '' for g in told['genre']]
    table = colours(told['genres']) | {'': UNUSED}
    size = np.log1p(told['uses'])/np.log1p(max(told['uses']))
    names = [code_name(c, n, g) for c, (n, g) in enumerate(zip(told['uses'], genre))]
    ticks = mel_picture(log_mel(np.tile(waves[0], 12))).ticks
    header = dict(names=names, legend=[[g or 'unused', c] for g, c in table.items()],
                  near=neighbours(vectors, 6)[0].tolist(), scale=scale.round(5).tolist(),
                  hop=int(model.hops[LEVEL]), sr=44_100, ticks=ticks)
    parts = dict(xy=centred(xy), size=np.rint(255*size).astype('u1').tobytes(), rgb=rgb(genre, table),
                 waves=steps.tobytes(), spectra=spectra(waves).tobytes(), hues=hues(vectors).tobytes())
    packed(to/'codebook.pack', header, parts)


def code_name(code: int, uses: int, genre: str) -> str:
    "A code in a few words, as the codebook's explorer names it."
    used = f'{uses:,} uses' if uses else 'unused'
    return f'code {code}: {used}, {genre}' if genre else f'code {code}: {used}'


def centred(xy) -> bytes:  # (n, 2) float32
    "Places as the map wants them."
    return places(np.asarray(xy)).tobytes()


# -- tracks

def track_map(root: Path, to: Path) -> None:
    "Two maps of the same tracks, and the clips that can be heard, each with its picture."
    told, sounds = unpacked(root/'site'/'sample'/'map.pack')
    genre, table = [told['genres'][g] for g in told['genre']], colours(told['genres'])
    loud = set(told['loud'])
    def named(i): return f"{told['titles'][i]} ({genre[i]})" + ('' if i in loud else ', silent here')
    names = [named(i) for i in range(len(genre))]
    size = bytes(255 if i in loud else 0 for i in range(len(names)))
    parts = {f'xy {e}': centred(xy) for e, xy in told['places'].items()} | dict(size=size, rgb=rgb(genre, table))
    clips = {}
    for i, sound in sounds.items():
        clips[i], more = snippet(told['titles'][int(i)], genre[int(i)], sound)
        parts |= more
    header = {key: told[key] for key in ('rungs', 'loud', 'near', 'seconds')} | dict(
        names=names, titles=told['titles'], genre=genre, clips=clips, legend=[[g, c] for g, c in table.items()])
    packed(to/'map.pack', header, parts)


def snippet(title: str, genre: str, sound: bytes) -> tuple:  # header, {name: bytes}
    "What the player is told of a short sound: its wave and its log-Mel, from what is heard."
    wave, sr = soundfile.read(io.BytesIO(sound), dtype='float32')
    mel = log_mel(resample(wave, sr, 44_100))
    mel = mel[:len(mel)//8*8].reshape(-1, 8, mel.shape[1]).mean(1)
    parts = Parts()
    lanes = [mel_picture(mel, hop=1024).packed(parts)]
    own = parts.add(overview(wave, 1024)), parts.add(np.frombuffer(sound, 'u1'))
    return dict(key=own[1], title=title, tags=[[genre, '']], duration=len(wave)/sr, peak=peak_of(wave), sr=sr,
                mime='audio/mpeg', sound=own[1], wave=own[0], lanes=lanes, needs=list(parts)), parts


# -- all of it

def confusions(root: Path, to: Path) -> None:
    "Who was taken for whom, of the published results."
    told = read_json(root/'nbs'/'90_articles'/'results'/'70_reproduction.json')
    score = {m: [round(s[k], 4) for k in ('macro_f1', 'low', 'high')] for m, s in told['scores'].items()}
    made = dict(genres=told['genres'], counts=told['confusion'], score={m: score[m] for m in told['confusion']})
    (to/'confusions.json').write_text(json.dumps(made, separators=(',', ':')), encoding='utf8')


def live(root: Path, to: Path, codes: int = 2048) -> None:
    "Everything under `_static/live`; what is dear is kept as long as what it is made from stays."
    to.mkdir(parents=True, exist_ok=True)
    widget_files(root, to)
    confusions(root, to)
    for path in (root/'site'/'sample').glob('clip*'): shutil.copy2(path, to/path.name)
    made_of = [root/'site'/'sample'/'codes.json', root/'site'/'sample'/'map.pack', SHIPPED, Path(__file__)]
    stamp, now = to/'made_of.txt', '\n'.join([str(codes), *map(sha256_of, made_of)])
    if stamp.exists() and stamp.read_text() == now: return
    codebook(root, to, codes)
    track_map(root, to)
    stamp.write_text(now)
