"""How fast is Jukebox's VQ-VAE here, against jukebox-infer on the same weights? One core, CPU seconds, one run.

    .venv/bin/python benchmarks/jukebox.py [SECONDS]

Each line is measured in a process of its own, so that the memory peaks do not mix. The weights are random: speed does
not depend on them. The witness's `encode` always computes all three levels; its level 2 alone is shown beside it.
"""
import contextlib, io, json, os, resource, subprocess, sys, tempfile, time

ONE = {k: '1' for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS')}


def jobs(path, wave):
    "name -> (what to prepare, what to time)"
    import numpy as np
    import torch
    from mirnb.representations.jukebox import VQVAE

    tokens = np.random.default_rng(0).integers(0, 2048, len(wave)//128)
    row = torch.from_numpy(wave)[None, :, None]

    def witness():
        from jukebox_infer.hparams import setup_hparams
        from jukebox_infer.make_models import make_vqvae
        with contextlib.redirect_stdout(io.StringIO()):
            return make_vqvae(setup_hparams('vqvae', dict(sample_length=2**20, restore_vqvae=path)), 'cpu', auto_download=False)

    def ours(fused):
        model = VQVAE.load(path)
        model.fused = fused
        return model

    def top(model):
        return model.bottleneck.level_blocks[2].encode(model.encoders[2](model.preprocess(row))[-1])

    return {
        'witness: encode, all levels': (witness, lambda m: m.encode(row)),
        'witness: level 2 alone': (witness, top),
        'mirnb, torch: level 2': (lambda: ours(False), lambda m: m.encode(wave, 2)),
        'mirnb, fused: level 2': (lambda: ours(True), lambda m: m.encode(wave, 2)),
        'mirnb, fused: level 1': (lambda: ours(True), lambda m: m.encode(wave, 1)),
        'mirnb, fused: level 0': (lambda: ours(True), lambda m: m.encode(wave, 0)),
        'witness: decode level 2': (witness, lambda m: m.decode([torch.from_numpy(tokens)[None]], start_level=2, end_level=3)),
        'mirnb: decode level 2': (lambda: ours(True), lambda m: m.decode(tokens, 2)),
    }


def measure(name, path, seconds):
    "CPU seconds (the better of two) and the peak of memory above the loaded model, MB."
    import numpy as np
    import torch

    torch.set_num_threads(1)
    wave = np.random.default_rng(0).standard_normal(round(44_100*seconds), np.float32)
    prepare, work = jobs(path, wave)[name]
    model, times = prepare(), []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with torch.inference_mode():
        for _ in range(1 if 'all levels' in name else 2):
            start = time.process_time()
            work(model)
            times.append(time.process_time() - start)
    return dict(cpu=min(times), peak=(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)/1024)


def main(seconds):
    "Print the table."
    import numpy as np
    import torch
    from mirnb.representations.checkpoints import JUKEBOX
    from mirnb.representations.jukebox import VQVAE

    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        path = f'{folder}/vqvae.pth.tar'
        torch.save(dict(model=VQVAE(JUKEBOX).state_dict()), path)
        rows = {}
        for name in jobs(path, np.zeros(128, np.float32)):
            done = subprocess.run([sys.executable, __file__, str(seconds), path, name], env={**os.environ, **ONE},
                                  capture_output=True, text=True)
            if done.returncode: sys.exit(f'{name}: {done.stderr.strip().splitlines()[-1]}')
            rows[name] = json.loads(done.stdout.splitlines()[-1])
    print(f'{seconds:g} s of sound, one core\n')
    print(f'{"":30}  CPU s  against the witness  peak MB')
    for name, r in rows.items():
        against = [w for w in ('witness: encode, all levels', 'witness: level 2 alone') if 'level 2' in name and 'decode' not in name]
        against = ['witness: decode level 2'] if 'decode' in name else against
        times = ', '.join(f'{rows[w]["cpu"]/r["cpu"]:.1f}' for w in against if w != name)
        print(f'{name:30} {r["cpu"]:6.2f}  {times:>19}  {r["peak"]:7.0f}')


if __name__ == '__main__':
    if len(sys.argv) > 2: print(json.dumps(measure(sys.argv[3], sys.argv[2], float(sys.argv[1]))))
    else: main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.)
