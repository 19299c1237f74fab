"""Makes what the site's players, maps and matrices show, site/sample/, from a run: `python tools/site_sample.py RUN`.

Two models' answers are copied from the finished run, what they say of single segments is asked of its own weights, and
sounds are cut from the clips that they heard. The stores of the comparison that read the same corpus must lie in
$MIRNB_HOME. All of it is small enough to be committed, so that the site can be built where nothing was ever trained.
"""
import gzip
import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import umap
from sklearn.preprocessing import StandardScaler

from mirnb.base.files import home
from mirnb.encoders.stored import cut
from mirnb.listening.clips import Clip, Codes, Parts, Spans, mel_picture
from mirnb.listening.codes import CodeFacts
from mirnb.listening.player import overview, peak_of
from mirnb.listening.session import Listening, rate_of
from mirnb.representations.mel import log_mel
from mirnb.representations.store import Store
from mirnb.sound.audio import load_audio, resample
from notebooks import ROOT

TO = ROOT/'site'/'sample'
MODELS, SECONDS = ('SpectroFormer', 'TokenFormer'), 10.  # who is asked, and how much of a clip is heard
SNIPPET, SNIPPET_RATE, EACH = 3., 22_050, 4  # of the map: seconds, Hz, tracks a genre that can be heard
ENCODERS = {'mel': 'frames', 'musicnn mtt': 'penultimate'}  # {of the comparison: rung}, whose maps are drawn
CLAIMED = r'©|copyright|\(c\)|all rights'  # an edition of which somebody says so is drawn as a point, and not heard
FACTS = ['title', 'genre', 'source', 'file', 'package', 'rights']


def free(tracks: pd.DataFrame) -> pd.Series:
    "Whether nobody claims a right in the edition of each track."
    return ~tracks.rights.fillna('').str.contains(CLAIMED, case=False)


def mp3(wave, sr: int, kilobits: int) -> bytes:
    "A small mono file that every browser plays."
    out, (low, high) = io.BytesIO(), ((8, 160) if sr < 32_000 else (32, 320))
    level = (high - kilobits)/(high - low)  # libsndfile's scale
    soundfile.write(out, np.clip(wave, -1, 1), sr, format='MP3', subtype='MPEG_LAYER_III', bitrate_mode='CONSTANT',
                    compression_level=level)
    return out.getvalue()


def written(name: str, header, parts: dict) -> None:
    "A header and its bytes in one file: what `live.js` unpacks."
    sizes = {key: len(value) for key, value in parts.items()}
    head = json.dumps(dict(header=header, sizes=sizes), ensure_ascii=False).encode()
    whole = len(head).to_bytes(4, 'little') + head + b''.join(parts.values())
    (TO/name).write_bytes(gzip.compress(whole, 9, mtime=0))


# -- clips, and what two models said of them

def chosen(heard: Listening) -> list:
    "The tracks to be heard: both are right, only one is, none is; the surest of each, every genre once."
    first, second = (heard.said[m] for m in MODELS)
    table = heard.tracks.assign(a=first.guess == heard.tracks.genre, b=second.guess == heard.tracks.genre,
                                sure=np.maximum(first.confidence, second.confidence))
    table = table[(table.split == 'test') & free(table)].sort_values('sure', ascending=False)
    found = pd.DataFrame(columns=table.columns)
    for a, b, n in ((True, True, 1), (True, False, 2), (False, True, 2), (False, False, 1)):
        for _ in range(n):
            rest = table[(table.a == a) & (table.b == b) & ~table.genre.isin(found.genre)]
            found = pd.concat([found, rest.head(1)])
    return found.track_id.tolist()


def cut_spans(rows) -> tuple:
    "The stretches of the first seconds alone."
    return tuple((start, min(end, SECONDS), *rest) for start, end, *rest in rows if start < SECONDS - .05)


def clip_of(heard: Listening, track_id: str) -> Clip:
    "The first seconds of a track, with all that is drawn under them."
    track = heard.tracks.loc[heard.find(track_id)]
    wave = load_audio(track.path)[:round(SECONDS*44_100)]
    tokens = heard.tokens.array(track_id)[:round(SECONDS*rate_of(heard.tokens))]
    mel = log_mel(wave)
    mel = mel[:len(mel)//4*4].reshape(-1, 4, mel.shape[1]).mean(1)  # a screen has no room for more
    lanes = [mel_picture(mel, hop=512), Codes('tokens', tokens, rate_of(heard.tokens), heard.hues)]
    lanes += [Spans(m, cut_spans(heard.segments(m, track_id))) for m in MODELS]
    said = {m: heard.guess(m, track_id) for m in MODELS}
    tags = [(track.genre, '')] + [(f'{m}: {g}', 'right' if g == track.genre else 'wrong') for m, g in said.items()]
    return Clip(track_id, track.title, wave, 44_100, tuple(lanes), tuple(tags))


def write_clips(heard: Listening) -> None:
    "Each clip as a sound and a file of what is drawn; one table of what is known of them all."
    rows = []
    for i, track_id in enumerate(chosen(heard)):
        clip, parts = clip_of(heard, track_id), Parts()
        lanes = [lane.packed(parts) for lane in clip.lanes]
        parts['wave'] = overview(clip.audio, 2048).tobytes()
        header = dict(key=clip.key, title=clip.title, tags=clip.tags, duration=clip.duration, peak=peak_of(clip.audio),
                      sr=clip.sr, mime='audio/mpeg', sound='sound', wave='wave', lanes=lanes, needs=['sound', *parts])
        written(f'clip-{i}.lanes', header, parts)
        (TO/f'clip-{i}.mp3').write_bytes(mp3(clip.audio, 44_100, 64))
        answers = {m: heard.said[m].loc[heard.row[track_id]] for m in MODELS}
        said = {m: [a.guess, round(float(a.confidence), 4)] for m, a in answers.items()}
        rows.append(dict(key=track_id, said=said, **heard.tracks.loc[heard.find(track_id), FACTS].fillna('').to_dict()))
    (TO/'clips.json').write_text(json.dumps(rows, indent=1, ensure_ascii=False) + '\n', encoding='utf8')


# -- the map: the same tracks as two encoders place them

def features(corpus: str, encoder: str, rung: str, tracks: list) -> np.ndarray:
    "(tracks, numbers), each number of the same spread."
    for folder in sorted((home()/'stores').glob('pooled-*')):
        store = Store(folder)
        r = store.representation
        if r.encoder != encoder or r.options or not set(tracks) <= set(store._index): continue
        rows = np.concatenate([cut(store.array(t), r.settings()['cuts'], rung) for t in tracks])
        return StandardScaler().fit_transform(rows)
    raise SystemExit(f'{corpus}: has no store of {encoder}; run `mirnb compare {corpus} --with "{encoder}"`.')


def flat(rows: np.ndarray) -> np.ndarray:  # (tracks, 2)
    "UMAP, seeded; looser than the codebook's, so that a finger finds single tracks."
    return umap.UMAP(n_neighbors=30, min_dist=.8, spread=1.5, random_state=0, n_jobs=1).fit_transform(rows)


def nearest(rows: np.ndarray, among: list, most: int = 3) -> list:
    "Of each track that can be heard the nearest others that can be, nearest first."
    some = rows[among]
    far = np.linalg.norm(some[:, None] - some[None], axis=2)
    np.fill_diagonal(far, np.inf)
    return [[among[j] for j in row[:most]] for row in far.argsort(1)]


def write_map(heard: Listening) -> None:
    "Where each encoder places each track, who is next to whom, and the sound of some."
    tracks = heard.tracks
    tested = tracks[(tracks.split == 'test') & free(tracks)].groupby('genre', sort=False)
    loud = sorted(i for _, rows in tested for i in rows.index[:EACH])
    places, near = {}, {}
    for encoder, rung in ENCODERS.items():
        rows = features('embedded', encoder, rung, tracks.track_id.tolist())
        places[encoder], near[encoder] = flat(rows).round(3).tolist(), nearest(rows, loud)
    sounds = {}
    for i in loud:
        wave = resample(load_audio(tracks.path[i])[:round(SNIPPET*44_100)], 44_100, SNIPPET_RATE)
        sounds[str(i)] = mp3(wave, SNIPPET_RATE, 32)
    genres = heard.run.genres
    header = dict(titles=tracks.title.tolist(), genre=[genres.index(g) for g in tracks.genre], genres=genres,
                  places=places, rungs=ENCODERS, loud=loud, near=near, seconds=SNIPPET)
    written('map.pack', header, sounds)


# -- codes and confusions

def write_codes(heard: Listening) -> None:
    "How often each code is used, and the genre where it is enriched most."
    codes = CodeFacts(heard)
    genre = [heard.run.genres.index(g) if g else -1 for g in codes.facts.genre]
    told = dict(genres=heard.run.genres, uses=codes.uses.tolist(), genre=genre)
    (TO/'codes.json').write_text(json.dumps(told, separators=(',', ':')) + '\n', encoding='utf8')


def write_tracks(heard: Listening) -> None:
    "Which works the default corpus chooses, and where each is from: what its card counts."
    columns = 'track_id genre title source file package rights group split program seconds'.split()
    heard.tracks[columns].to_csv(ROOT/'site'/'data'/'embedded.csv', index=False)


def main(run: str) -> None:
    "All of it."
    TO.mkdir(parents=True, exist_ok=True)
    heard = Listening(run)
    write_clips(heard)
    write_map(heard)
    write_codes(heard)
    write_tracks(heard)
    print(f'{TO}: {sum(p.stat().st_size for p in TO.iterdir())/1e6:.2f} MB')


if __name__ == '__main__': main(sys.argv[1])
