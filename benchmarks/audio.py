"""Loading a file against soundfile alone and against librosa, by kind: what the counting of frames, pages and chunks costs.

Run: python benchmarks/audio.py [repeats]. CPU time of one thread, the median of ratios of pairs in one run.
"""
import statistics
import sys
import tempfile
import time
from pathlib import Path

import librosa
import numpy as np
import soundfile as sf

from mirnb.sound.audio import downmix, load_audio

SECONDS, RATE = 30, 44_100


def plain(path):
    "What a careless reader does."
    return downmix(sf.read(path, dtype='float32', always_2d=True)[0])


def naive(path):
    "What most people do."
    return librosa.load(path, sr=None)[0]


def spent(work, path):
    "CPU seconds."
    begin = time.process_time()
    work(path)
    return time.process_time() - begin


def main(repeats):
    rng, t = np.random.default_rng(0), np.arange(SECONDS*RATE)/RATE
    tone = .3*np.sin(2*np.pi*220*t)*(1 + .3*np.sin(2*np.pi*t))
    wave = np.stack([tone + .05*rng.standard_normal(len(t)), tone + .05*rng.standard_normal(len(t))], 1)
    print(f'{SECONDS} s of stereo at {RATE} Hz, {repeats} pairs, CPU ms and ratios\n')
    print(f'{"kind":6}{"load_audio":>12}{"soundfile":>11}{"ratio":>8}{"librosa":>10}{"ratio":>8}')
    with tempfile.TemporaryDirectory() as folder:
        for kind in ('wav', 'flac', 'ogg', 'mp3'):
            path = Path(folder)/f'a.{kind}'
            sf.write(path, wave, RATE)
            rows = []
            for work in (load_audio, plain, naive): work(path)
            for _ in range(repeats): rows.append([spent(work, path) for work in (load_audio, plain, naive)])
            ours, bare, usual = (1e3*statistics.median(column) for column in zip(*rows))
            over, under = (statistics.median(r[0]/r[k] for r in rows) for k in (1, 2))
            print(f'{kind:6}{ours:12.2f}{bare:11.2f}{over:8.3f}{usual:10.2f}{under:8.3f}')


if __name__ == '__main__': main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
