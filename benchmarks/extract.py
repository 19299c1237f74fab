"""From MP3s to a store of log-Mel spectrograms, one process of one thread: `extract` against the loop that most people write.

    .venv/bin/python benchmarks/extract.py [CLIPS] [ROUNDS]

The naive loop is librosa.load, librosa.feature.melspectrogram, librosa.power_to_db and np.save. Each round takes both once, over all clips,
in turns; shown are medians over the rounds of the CPU times a clip and of the ratios in a round. Below, each step of `extract` alone on the
same clips, and what is the least that any way of reading them costs: libsndfile's decoding. The clips are made: notes in stereo, with noise.
"""
import os, sys, time, warnings

os.environ |= {k: '1' for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS')}
SECONDS, RATE = 30, 44_100
SETTINGS = dict(sr=44_100, n_fft=512, hop=128, n_mels=86), dict(sr=22_050, n_fft=2048, hop=512, n_mels=128), dict(sr=16_000, n_fft=400, hop=160, n_mels=80)


def make(folder, clips):
    "That many MP3s; their paths."
    import numpy as np
    import soundfile as sf
    paths, t = [], np.arange(SECONDS*RATE)/RATE
    for i in range(clips):
        rng = np.random.default_rng(i)
        pitch = 110*2**(np.repeat(rng.integers(0, 36, 2*SECONDS), RATE//2)/12)
        notes = sum(np.sin(2*np.pi*k*np.cumsum(pitch)/RATE)/k for k in range(1, 7))*.15*np.exp(-3*(t % .5))
        sides = [notes*gain + .01*rng.standard_normal(len(t)) for gain in (1., .7)]
        paths.append(f'{folder}/{i:03}.mp3')
        sf.write(paths[-1], np.stack(sides, 1), RATE, format='MP3', bitrate_mode='CONSTANT', compression_level=.2)
    return paths


def naive(paths, folder, sr, n_fft, hop, n_mels):
    "What most people write."
    import librosa
    import numpy as np
    for path in paths:
        wave, _ = librosa.load(path, sr=sr)
        power = librosa.feature.melspectrogram(y=wave, sr=sr, n_fft=n_fft, hop_length=hop, n_mels=n_mels)
        np.save(f'{folder}/{os.path.basename(path)}.npy', librosa.power_to_db(power, top_db=None))


def ours(paths, folder, **setting):
    "One worker, in this process."
    import pandas as pd
    from mirnb.representations.extract import extract
    from mirnb.representations.protocol import LogMel
    extract(pd.DataFrame(dict(track_id=range(len(paths)), path=paths)), LogMel(**setting), folder, workers=1, progress=False)


def steps(path, folder, **setting):
    "name -> function: what `extract` does to a clip, one after the other."
    import soundfile as sf
    from mirnb.representations.protocol import LogMel
    from mirnb.representations.store import card_of, crc_of, file_facts, write_shard
    from mirnb.sound.audio import decode, resample, usable
    mel, (x, rate) = LogMel(**setting), decode(path)
    wave = usable(path, x, rate)
    there = resample(wave, rate, mel.sr)
    array = mel(there)
    row, packed = dict(track_id=0, path=path, reason=None, what=None, **file_facts(path)), mel.pack(array)
    return {'libsndfile alone': lambda: sf.read(path, dtype='float32'), 'decode': lambda: decode(path), 'CRC of the file': lambda: crc_of(path),
            'downmix, checks': lambda: usable(path, x, rate), 'resample': lambda: resample(wave, rate, mel.sr), 'log-Mel': lambda: mel(there),
            'pack': lambda: mel.pack(array), 'write a shard of it': lambda: write_shard(folder/'shard-0.arrow', card_of(mel, 0.), [(row, packed)])}


def cpu(f, *args, **kw):
    "CPU seconds."
    start = time.process_time()
    f(*args, **kw)
    return time.process_time() - start


def main(clips, rounds):
    "Print a table a setting."
    import shutil, tempfile
    from pathlib import Path
    import numpy as np
    import torch
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as at:
        at = Path(at)
        paths = make(at, clips)
        print(f'{clips} MP3s of {SECONDS} s, {os.path.getsize(paths[0])*8/SECONDS/1000:.0f} kbit/s, stereo; {rounds} rounds')
        for setting in SETTINGS:
            (at/'a').mkdir(), (at/'b').mkdir()
            for f, to in ((naive, 'a'), (ours, 'b')): f(paths[:2], at/to, **setting)
            taken = []
            for _ in range(rounds):
                for to in 'ab':
                    shutil.rmtree(at/to)
                    (at/to).mkdir()
                taken.append([1000*cpu(f, paths, at/to, **setting)/clips for f, to in ((naive, 'a'), (ours, 'b'))])
            (slow, quick), ratio = np.median(taken, 0), np.median([a/b for a, b in taken])
            print(f'\n{", ".join(f"{k} {v}" for k, v in setting.items())}\n  CPU ms a clip: naive loop {slow:.1f}, mirnb extract {quick:.1f}; {ratio:.2f} times')
            for name, f in steps(paths[0], at/'b', **setting).items():
                print(f'  {name:20} {1000*np.median([cpu(f) for _ in range(15)]):7.2f}')
            for to in 'ab': shutil.rmtree(at/to)


if __name__ == '__main__': main(int(sys.argv[1]) if len(sys.argv) > 1 else 40, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
