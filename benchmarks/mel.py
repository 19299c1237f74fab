"""How fast is the log-Mel here, against librosa, torch.stft and nnAudio? One thread, CPU time, one run.

    .venv/bin/python benchmarks/mel.py [SECONDS] [ROUNDS]

Each round takes every way once, in turns, so that a busy machine disturbs all alike; shown are the median of the CPU
times, and the median over the rounds of librosa's time to each way's. The error is the largest difference from librosa
over all frames and bands. The wave is made: harmonic notes with noise.
"""
import os, sys, time, warnings

os.environ |= {k: '1' for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS')}
SETTINGS = dict(sr=44_100, n_fft=512, hop=128, n_mels=86), dict(sr=22_050, n_fft=2048, hop=512, n_mels=128), dict(sr=16_000, n_fft=400, hop=160, n_mels=80)


def made(sr, seconds):
    "Two notes a second, eight harmonics each, and noise 50 dB below."
    import numpy as np
    t = np.arange(round(sr*seconds))/sr
    pitch = 220*2**(np.floor(2*t)*7 % 24/12)
    notes = sum(np.sin(2*np.pi*pitch*k*t)/k for k in range(1, 9))*np.exp(-4*(t % .5))
    return (.3*notes + 1e-3*np.random.default_rng(0).standard_normal(len(t))).astype('f4')


def ways(sr, n_fft, hop, n_mels):
    "name -> function of a wave that returns (frames, bands) dB"
    import librosa, torch
    from mirnb.representations.mel import by_torch, check_wave, lanes, log_mel, mel_bands

    bands, window = mel_bands(sr, n_fft, n_mels), torch.hann_window(n_fft)
    decibels = lambda power: power.clamp_min(1e-10).log10()*10
    same = dict(sr=sr, n_fft=n_fft, n_mels=n_mels)

    def by_librosa(wave):
        power = librosa.feature.melspectrogram(y=wave, hop_length=hop, **same)
        return librosa.power_to_db(power, ref=1., top_db=None).T

    def by_stft(wave):
        s = torch.stft(torch.from_numpy(wave), n_fft, hop, window=window, pad_mode='constant', return_complex=True)
        return decibels((s.real.square() + s.imag.square()).T@bands).numpy()

    found = {'librosa': by_librosa}
    if (n_fft, hop) == (512, 128) and lanes():
        for p in 'float64', 'float32': found[f'mirnb, kernel {p}'] = lambda wave, p=p: log_mel(wave, hop=hop, precision=p, **same)
    for p in 'float64', 'float32':
        found[f'mirnb, torch {p}'] = lambda wave, p=p: by_torch(check_wave(wave), hop=hop, precision=p, **same).numpy()
    found['torch.stft, dense bands'] = by_stft
    try: from nnAudio.features import MelSpectrogram
    except ImportError: print('(nnAudio is not installed)')
    else:
        layer = MelSpectrogram(hop_length=hop, pad_mode='constant', verbose=False, **same)
        found['nnAudio'] = lambda wave: decibels(layer(torch.from_numpy(wave))[0].T).numpy()
    return found


def main(seconds, rounds):
    "Print a table a setting."
    import numpy as np
    import torch
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    for setting in SETTINGS:
        wave, found = made(setting['sr'], seconds), ways(**setting)
        with torch.no_grad():
            truth, error, first = found['librosa'](wave), {}, {}
            for name, f in found.items():
                start = time.process_time()
                error[name] = np.abs(f(wave) - truth).max()
                first[name] = time.process_time() - start
            taken = np.zeros((rounds, len(found)))
            for i in range(rounds):
                for j, f in enumerate(found.values()):
                    start = time.process_time()
                    f(wave)
                    taken[i, j] = 1000*(time.process_time() - start)
        print(f'\n{seconds:g} s of sound, {", ".join(f"{k} {v}" for k, v in setting.items())}, {rounds} rounds')
        print(f'{"":26}  CPU ms  times librosa  max error, dB  first call, s')
        for name, ms, ratio in zip(found, np.median(taken, 0), np.median(taken[:, :1]/taken, 0)):
            print(f'{name:26} {ms:7.1f}  {ratio:13.2f}  {error[name]:13.1e}  {first[name]:13.2f}')


if __name__ == '__main__': main(float(sys.argv[1]) if len(sys.argv) > 1 else 30., int(sys.argv[2]) if len(sys.argv) > 2 else 11)
