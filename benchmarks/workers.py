"""How long workers take until they work, and a process until it has drawn its first map.

    .venv/bin/python benchmarks/workers.py [ROUNDS]

Each round starts a pool of two workers that have what a study needs, as `base.processes.parallel` does and as processes that begin anew
(spawn), in turns; the first round of each kind is shown by itself, since the process that is copied imports then. A local Dask cluster
likewise. The map is UMAP's of 60 made points, in a process of its own each time: without machine code on disk, and with what the first one
kept. Wall seconds, medians over the rounds.
"""
import os, subprocess, sys, tempfile, time
from statistics import median

os.environ |= {k: '1' for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS')}
WORK = 'mirnb.study.plan:last_line'  # of a module that imports what a study needs
MAP = '''
import time
import numpy as np
from mirnb.evidence.figures import flat_map, umap_kept
umap_kept()
begun = time.process_time()
flat_map(np.random.default_rng(0).normal(size=(60, 8)))
print(time.process_time() - begun)
'''


def pool(context, env):
    "Wall seconds of a pool of two that does two jobs."
    from concurrent.futures import ProcessPoolExecutor
    from pathlib import Path
    from pkgutil import resolve_name
    from mirnb.base.processes import child_of
    begun = time.perf_counter()
    with ProcessPoolExecutor(2, context, child_of, (env,)) as workers: list(workers.map(resolve_name(WORK), [Path('/nowhere')]*2))
    return time.perf_counter() - begun


def cluster(method):
    "Wall seconds of a Dask cluster of two that does a job."
    from pathlib import Path
    from pkgutil import resolve_name
    from unittest.mock import Mock, patch
    from mirnb.base.cluster import client_of
    begun = time.perf_counter()
    with patch('mirnb.base.cluster.copies', lambda: Mock(get_start_method=lambda: method)), client_of(2, None) as client:
        client.submit(resolve_name(WORK), Path('/nowhere')).result()
    return time.perf_counter() - begun


def drawn(home):
    "CPU seconds of a first map in a new process."
    done = subprocess.run([sys.executable, '-c', MAP], env=os.environ | dict(MIRNB_HOME=home), capture_output=True, text=True, check=True)
    return float(done.stdout)


def main(rounds=3):
    import mirnb.study.main  # what a study's own process has
    from multiprocessing import get_context
    from mirnb.base.processes import arithmetic, copies
    print(f'{arithmetic()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {rounds} rounds')
    copied, anew, env = copies(), get_context('spawn'), dict(os.environ)
    kinds = {'pool of two': (lambda: pool(copied, env), lambda: pool(anew, env)),
             'Dask cluster of two': (lambda: cluster(copied.get_start_method()), lambda: cluster('spawn'))}
    for name, (ours, theirs) in kinds.items():
        first = ours()
        found = [(ours(), theirs()) for _ in range(rounds)]
        a, b = (median(some) for some in zip(*found))
        print(f'{name:20}  copies {a:6.2f} s (the first {first:.2f} s), anew {b:6.2f} s, {b/a:5.1f} times')
    with tempfile.TemporaryDirectory() as home:
        cold, *warm = [drawn(home) for _ in range(1 + rounds)]
        print(f"{'a first map':20}  compiled before {median(warm):.2f} CPU s, not {cold:.2f} CPU s, {cold/median(warm):5.1f} times")


if __name__ == '__main__': main(*map(int, sys.argv[1:]))
