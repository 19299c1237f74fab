"""How fast is the log-Mel here, against librosa, torch.stft and nnAudio? One thread, CPU time, one run.

    .venv/bin/python benchmarks/mel.py [SECONDS] [ROUNDS]

`no kernel` is what a machine computes on which Numba does not work. Each round takes every way once, in turns, so that a busy machine disturbs all alike; shown are the median of the CPU
times, and the median over the rounds of librosa's time to each way's. The error is the largest difference from librosa
over all frames and bands. The wave is made: harmonic notes with noise.
"""
import os, sys, time, warnings

os.environ |= {k: '1' for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS')}
SETTINGS = [dict(zip(('sr', 'n_fft', 'hop', 'n_mels'), setting)) for setting in (
    (44_100, 512, 128, 86), (22_050, 2048, 512, 128), (44_100, 2048, 512, 128), (16_000, 400, 160, 80), (16_000, 512, 160, 80), (22_050, 1024, 256, 80),
    (44_100, 4096, 1024, 128), (44_100, 882, 441, 80), (44_100, 1102, 441, 80), (16_000, 511, 160, 80))]  # the kernel does not take the last two


def made(sr, seconds):
    "Two notes a second, eight harmonics each, and noise 50 dB below."
    import numpy as np
    t = np.arange(round(sr*seconds))/sr
    pitch = 220*2**(np.floor(2*t)*7 % 24/12)
    notes = sum(np.sin(2*np.pi*pitch*k*t)/k for k in range(1, 9))*np.exp(-4*(t % .5))
    return (.3*notes + 1e-3*np.random.default_rng(0).standard_normal(len(t))).astype('f4')


def ways(sr, n_fft, hop, n_mels):
    "name -> function of a wave that returns (frames, bands) dB"
    from unittest.mock import patch
    import librosa, torch
    from mirnb.representations.mel import by_torch, check_wave, lanes, log_mel, mel_bands

    bands, window = mel_bands(sr, n_fft, n_mels), torch.hann_window(n_fft, dtype=torch.float64)
    decibels = lambda power: power.clamp_min(1e-10).log10()*10
    same = dict(sr=sr, n_fft=n_fft, n_mels=n_mels)

    def by_librosa(wave):
        power = librosa.feature.melspectrogram(y=wave, hop_length=hop, **same)
        return librosa.power_to_db(power, ref=1., top_db=None).T

    def by_stft(wave, real=torch.float32):
        s = torch.stft(torch.from_numpy(wave).to(real), n_fft, hop, window=window.to(real), pad_mode='constant', return_complex=True)
        return decibels((s.real.square() + s.imag.square()).float().T@bands).numpy()

    def without(wave, precision):  # what a machine gets on which Numba does not work
        with patch('mirnb.representations.mel.intervals', lambda *setting: None):
            return by_torch(check_wave(wave), hop=hop, precision=precision, **same).numpy()

    found = {'librosa': by_librosa}
    for p in 'float64', 'float32':
        if lanes(): found[f'mirnb {p}'] = lambda wave, p=p: log_mel(wave, hop=hop, precision=p, **same)
    for p in 'float64', 'float32': found[f'mirnb {p}, no kernel'] = lambda wave, p=p: without(wave, p)
    found['torch.stft float64, dense'] = lambda wave: by_stft(wave, torch.float64)
    found['torch.stft float32, dense'] = by_stft
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
    summary = {}
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
        ratios = dict(zip(found, np.median(taken[:, :1]/taken, 0)))
        summary[' / '.join(map(str, setting.values()))] = ratios
        for name, ms, ratio in zip(found, np.median(taken, 0), ratios.values()):
            print(f'{name:26} {ms:7.1f}  {ratio:13.2f}  {error[name]:13.1e}  {first[name]:13.2f}')
    names = [name for name in next(iter(summary.values())) if name != 'librosa']
    print('\nTimes librosa')
    words = [(*name.replace(',', '').split(maxsplit=2), '', '')[:3] for name in names]  # a heading of three lines
    for title, line in zip(('', '', 'rate / frame / hop / bands'), zip(*words)): print(f'{title:28}', *(f'{word:>11}' for word in line))
    for setting, ratios in summary.items(): print(f'{setting:28}', *(f'{ratios[name]:11.2f}' for name in names))


if __name__ == '__main__': main(float(sys.argv[1]) if len(sys.argv) > 1 else 30., int(sys.argv[2]) if len(sys.argv) > 2 else 11)
