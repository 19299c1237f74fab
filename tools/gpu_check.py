"""What a GPU does here: are its numbers the CPU's, how fast is it, what would the large presets cost? One JSON.

    python tools/gpu_check.py [--out FILE.json] [--limit SECONDS]
    python tools/gpu_check.py --rehearse      all of it on the CPU, in tiny sizes: does the script itself work?

Each part runs in a process of its own and may take its share of the time; one that fails, hangs or runs out of memory
ends alone, and what it had measured until then is kept. The file is written anew after each part. No network is used:
models of others have their published sizes and random weights, on which speed and memory do not depend.
"""
import argparse
import copy
import json
import math
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

TRACKS, CLIPS = 19_922, 25_000  # FMA-medium: its training clips, and all of them
PRELOADED = ['torch', 'mirnb.representations.jukebox', 'mirnb.learners.pretext', 'mirnb.learners.finetune',
             'mirnb.study.settings', 'mirnb.encoders.own', 'mirnb.encoders.musicnn', 'mirnb.encoders.notes',
             'mirnb.encoders.transformers', 'mirnb.encoders.codecs', 'mirnb.encoders.musicfm']
QUIET = dict(  # one machine, and no names to be looked up; nor may a library touch the GPU before its part begins
    PYTORCH_NVML_BASED_CUDA_CHECK='1', HF_HUB_OFFLINE='1', TRANSFORMERS_OFFLINE='1',
    TOKENIZERS_PARALLELISM='false', GLOO_SOCKET_IFNAME='lo', NCCL_SOCKET_IFNAME='lo')


class Skip(Exception):
    "Why a part is left out."


@dataclass(frozen=True)
class Plan:
    "What a part must know."
    rehearse: bool  # tiny sizes on the CPU
    until: float  # time.time() at which the part is cut

    @property
    def device(self) -> str: return 'cpu' if self.rehearse else 'cuda'

    @property
    def left(self) -> float: return self.until - time.time()  # s

    def size(self, full, tiny): return tiny if self.rehearse else full


def settled(plan: Plan) -> None:
    "Wait for the GPU."
    import torch
    if plan.device == 'cuda': torch.cuda.synchronize()


def timed(f, plan: Plan, budget: float = 2.) -> float:
    "Median seconds of a call, after one that is not counted."
    f()
    settled(plan)
    times, end = [], time.perf_counter() + plan.size(budget, 0.)
    while not times or time.perf_counter() < end and len(times) < 50:
        start = time.perf_counter()
        f()
        settled(plan)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_gb(plan: Plan, reset: bool = False) -> float|None:
    "The most memory that tensors had on the GPU since the last reset; None on a CPU."
    import torch
    if plan.device == 'cpu': return None
    most = torch.cuda.max_memory_allocated()/1e9
    if reset:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    return most


def made_wave(seconds: float, sr: int = 44_100):
    "Notes with harmonics and a little noise, (samples,) float32."
    import numpy as np
    t = np.arange(round(sr*seconds))/sr
    pitch = 220*2**(np.floor(2*t)*7 % 24/12)
    notes = sum(np.sin(2*np.pi*pitch*k*t)/k for k in range(1, 9))*np.exp(-4*(t % .5))
    return (.2*notes + 1e-3*np.random.default_rng(0).standard_normal(len(t))).astype(np.float32)


def why(e: BaseException) -> str:
    "An exception in a line."
    return f"{type(e).__name__}: {' '.join(str(e).split())[:300]}"


# The device

def about(plan: Plan) -> dict:
    "Name and size of the device, versions of all that computes."
    import torch
    from mirnb.base.processes import arithmetic
    found = dict(kind=arithmetic(), torch=torch.__version__, python=platform.python_version(), cores=os.cpu_count())
    if plan.device == 'cpu': return dict(found, name=platform.processor() or platform.machine())
    p = torch.cuda.get_device_properties(0)
    return dict(found, name=p.name, memory_gb=p.total_memory/1e9, capability=f'{p.major}.{p.minor}',
                cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version(),
                bf16=torch.cuda.is_bf16_supported(including_emulation=False))


def device_part(plan: Plan, tell) -> None:
    "What it is, and the peak of a matrix product."
    import torch
    tell(**about(plan))
    n = plan.size(8192, 64)
    for name, dtype in dict(fp32=torch.float32, bf16=torch.bfloat16).items():
        a, b = (torch.randn(n, n, device=plan.device).to(dtype) for _ in range(2))
        tell(**{f'tflops_{name}': 2*n**3/timed(lambda: a@b, plan)/1e12})


# Codes

def beyond(h, ka, kb):
    "How far vectors lie beyond the middle between two codes, on b's side, (T,) in the unit of h; of twins 0."
    apart = (ka - kb).norm(dim=1)
    return ((h - ka).square().sum(1) - (h - kb).square().sum(1))/(2*apart).clamp(min=1e-30)*(apart > 0)


def differing(part, wave, ours, theirs, tolerance: float = 1e-4) -> dict:
    "How many codes differ, and how many of those are ties: as near to both, but for a small share of a length."
    import numpy as np
    import torch
    with torch.inference_mode(): h = torch.cat(list(part.latents(wave))).double()
    rows, k = np.flatnonzero(ours != theirs), part.k.double() - part.k.double().mean(0)
    off = beyond(h[rows], k[ours[rows]], k[theirs[rows]]).abs()/h.square().sum(1).mean().sqrt()
    return dict(codes=len(ours), differ=len(rows), ties=int((off <= tolerance).sum()), tolerance=tolerance,
                farthest=float(off.max()) if len(rows) else 0.)


def codes_part(plan: Plan, tell) -> None:
    "The small VQ-VAE's codes here and on the CPU; raises where they differ in more than ties."
    import torch
    from mirnb.representations.jukebox import VQVAE
    here, there = VQVAE.load(), VQVAE.load().to(plan.device)
    there.fused = False  # in a rehearsal, torch's own convolutions stand for the GPU
    seconds, wrong = plan.size(30., .5), []
    wave = made_wave(seconds)
    for level in (2, 1, 0):
        ours, theirs = here.encode(wave, level), there.encode(wave, level)
        found = differing(here.level(level), wave, ours, theirs)
        spent = timed(lambda: there.encode(wave, level), plan)
        tell(**{f'level {level}': dict(found, seconds_of_sound=seconds, seconds=spent, peak_gb=peak_gb(plan, True))})
        wrong += [level]*(found['ties'] < found['differ'])
    tell(cudnn_inside=inside(there, wave), batch=batched(there, wave, plan), decode=decoded(there, here, wave, plan))
    if torch.cuda.is_available() and not plan.rehearse: tell(without_cudnn=without_cudnn(there, wave, plan))
    if wrong: raise AssertionError(f'levels {wrong}: codes differ that are no ties')


def inside(model, wave) -> bool:
    "Whether cuDNN is on, and TF32 off, wherever the VQ-VAE convolves."
    import torch
    now, seen = torch.backends.cudnn, []
    hook = torch.nn.modules.module.register_module_forward_pre_hook(lambda *_: seen.append(now.enabled and not now.allow_tf32))
    try: model.encode(wave)
    finally: hook.remove()
    return bool(seen) and all(seen)


def without_cudnn(model, wave, plan: Plan) -> dict:
    "Seconds of level 2, and its codes that change, where cuDNN is off."
    import torch
    before = model.encode(wave)
    with torch.backends.cudnn.flags(enabled=False):
        return dict(seconds=timed(lambda: model.encode(wave), plan), differ=int((model.encode(wave) != before).sum()))


def batched(model, wave, plan: Plan, n: int = 8) -> dict:
    "Several clips at once, level 2."
    import numpy as np
    rows, alone = np.stack([wave]*plan.size(n, 2)), model.encode(wave)
    return dict(clips=len(rows), seconds=timed(lambda: model.encode(rows), plan), peak_gb=peak_gb(plan, True),
                differ=int((model.encode(rows) != alone).sum()))


def decoded(there, here, wave, plan: Plan) -> dict:
    "How far the decoded sound is from the CPU's."
    import numpy as np
    tokens = here.encode(wave)[:400]
    return dict(error=float(np.abs(there.decode(tokens) - here.decode(tokens)).max()))


# Log-Mel

SETTINGS = dict(sr=44_100, n_fft=512, hop=128, n_mels=86), dict(sr=22_050, n_fft=2048, hop=512, n_mels=128), dict(
    sr=16_000, n_fft=400, hop=160, n_mels=80)
MOST = dict(float64=5e-4, float32=.1)  # dB


def mel_part(plan: Plan, tell) -> None:
    "torch's way here against the CPU's result; raises where a band is off."
    import numpy as np
    import torch
    from mirnb.representations.mel import by_torch, log_mel
    wrong = []
    for s in SETTINGS:
        wave = made_wave(plan.size(30., 1.), s['sr'])
        truth, x = log_mel(wave, **s), torch.from_numpy(wave).to(plan.device)
        for precision, most in MOST.items():
            def run(): return by_torch(x, precision=precision, **s)
            error = float(np.abs(run().cpu().numpy() - truth).max())
            name = f"{s['sr']}/{s['n_fft']}/{s['hop']}/{s['n_mels']} {precision}"
            tell(**{name: dict(error_db=error, most_db=most, seconds_of_sound=len(wave)/s['sr'],
                               seconds=timed(run, plan))})
            wrong += [name]*(error > most)
    if wrong: raise AssertionError(f'{", ".join(wrong)}: differ from the CPU by more than is allowed')


# Steps

TINY = dict(former__width=16, former__heads=2, former__layers=1, former__feedforward=32)


def arms_of(name: str, tiny: bool) -> dict:
    "The arms of a preset; in tiny sizes with all their kinds of parts."
    from mirnb.base.settings import change
    from mirnb.study.settings import preset
    arms = preset(name).arms
    if not tiny: return arms
    segment = {arm: 4*max(a.former.patch, 16) for arm, a in arms.items()}
    return {arm: change(a, former__segment=segment[arm], **TINY) for arm, a in arms.items()}


def still(arm):
    "The arm without chance that is drawn on the device: masks are drawn on the CPU, dropout is not."
    from mirnb.base.settings import change
    return change(arm, former__dropout=0., former__blind=0.)


def new_pretext(arm):
    "A former with its task, of seed 0, on the CPU."
    import torch
    from mirnb.learners.formers import Former
    from mirnb.learners.pretext import Pretext
    torch.manual_seed(0)
    former = Former(arm.former)
    if arm.former.stem != 'mel' and hasattr(former.stem, 'set_codebook'):
        former.set_codebook(torch.randn(arm.former.codes, arm.former.dim))
    return Pretext(former, arm.pretrain)


def segments(arm, batch: int):
    "Made-up frames in dB, or ids."
    import torch
    c = arm.former
    random = torch.Generator().manual_seed(1)
    if c.stem == 'mel': return 12*torch.randn(batch, c.segment, c.bands, generator=random) - 50
    return torch.randint(c.codes, (batch, c.segment), generator=random)


def optimiser(model):
    "AdamW, as it trains here."
    import torch
    return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-3, fused=True)


def losses(pretext, x, device: str, precision: str) -> dict:
    "A training step: the loss before, the gradient's norm, the loss after."
    import torch
    from mirnb.learners.transformer import autocast
    model, x, found = copy.deepcopy(pretext).to(device).train(), x.to(device), []
    adam = optimiser(model)
    for _ in range(2):
        torch.manual_seed(2)  # the same masks on every device
        with autocast(precision, device): loss = model.loss(x)[0]
        found.append(loss)
        adam.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), math.inf)
        if len(found) < 2:
            first = norm.item()
            adam.step()
    return dict(loss=found[0].item(), norm=first, after=found[1].item())


CLOSE = {'32': (2e-3, 2e-2), 'bf16': (3e-2, .1)}  # of the loss and of the loss after a step: relative error at most


def steps_part(plan: Plan, tell) -> None:
    "A step of each former, on the CPU and here; raises where the losses differ."
    wrong, arms = [], {}
    for preset, tiny in dict(study=plan.rehearse, paper=True).items():  # the whole paper's would take a CPU minutes
        arms |= {f'{preset} {name}': arm for name, arm in arms_of(preset, tiny).items()}
    for name, arm in arms.items():
        arm = still(arm)
        pretext, x = new_pretext(arm), segments(arm, plan.size(8, 2))
        truth = losses(pretext, x, 'cpu', '32')
        tell(**{f'{name} cpu': truth})
        for precision, most in CLOSE.items():
            got = losses(pretext, x, plan.device, precision)
            off = [abs(got[k] - truth[k])/max(abs(truth[k]), 1e-9) for k in ('loss', 'after')]
            tell(**{f'{name} {precision}': dict(got, off=off)})
            wrong += [f'{name} {precision}']*any(not o <= m for o, m in zip(off, most))
    if wrong: raise AssertionError(f'{", ".join(wrong)}: the loss is not the CPU\'s')


def pretrain_step(arm, batch: int, device: str, precision: str):
    "A function that pretrains by one step, and the model."
    import torch
    from mirnb.learners.transformer import autocast
    model, x = new_pretext(arm).to(device).train(), segments(arm, batch).to(device)
    adam = optimiser(model)

    def step():
        with autocast(precision, device): loss = model.loss(x)[0]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.)
        adam.step()
        adam.zero_grad()
    return step, model


def finetune_step(arm, batch: int, device: str, precision: str, genres: int = 16):
    "A function that fine-tunes by one step, and the model."
    import torch
    from mirnb.learners.finetune import Classifier
    from mirnb.learners.transformer import autocast
    former = new_pretext(arm).former.requires_grad_(True)
    model = Classifier(former, genres, arm.finetune, arm.pretrain).to(device).train()
    x, y = segments(arm, batch).to(device), (torch.arange(batch) % genres).to(device)
    adam, weights = optimiser(model), torch.ones(genres, device=device)

    def step():
        with autocast(precision, device): loss = model.loss(x, y, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.)
        adam.step()
        adam.zero_grad()
    return step, model


# torch.compile and DDP

def compile_part(plan: Plan, tell) -> None:
    "A pretraining step with its encoder compiled, against one without; a failure is a number like any other."
    from mirnb.learners.transformer import precision_of
    precision, backend = plan.size(precision_of('auto'), '32'), plan.size('inductor', 'eager')
    for name in ('full', 'paper'):
        arm, batch = arms_of(name, plan.rehearse)['SpectroFormer'], plan.size(dict(full=32, paper=16)[name], 2)
        step, model = pretrain_step(arm, batch, plan.device, precision)
        found = dict(batch=batch, precision=precision, backend=backend, plain_s=timed(step, plan))
        start = time.perf_counter()
        try:
            model.former.encoder.compile(backend=backend)
            step()
            found |= dict(compiling_s=time.perf_counter() - start, compiled_s=timed(step, plan))
        except Exception as e: found |= dict(failed=why(e))
        tell(**{name: found})
        del step, model
        peak_gb(plan, True)


def ddp_part(plan: Plan, tell) -> None:
    "The gradient of one process under DDP is that without; raises where it is not."
    import torch
    from torch.nn.parallel import DistributedDataParallel
    backend = plan.size('nccl', 'gloo')

    class Loss(torch.nn.Module):
        "DDP wants a forward."
        def __init__(self, pretext):
            super().__init__()
            self.pretext = pretext
        def forward(self, x): return self.pretext.loss(x)[0]

    arm = still(arms_of('study', plan.rehearse)['TokenFormer'])
    torch.distributed.init_process_group(backend, store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        found, x = [], segments(arm, plan.size(8, 2)).to(plan.device)
        for wrap in (lambda model: model, DistributedDataParallel):
            model = wrap(Loss(new_pretext(arm).to(plan.device).train()))
            torch.manual_seed(2)
            model(x).backward()
            found.append(torch.nn.utils.clip_grad_norm_(model.parameters(), math.inf).item())
    finally: torch.distributed.destroy_process_group()
    tell(backend=backend, norm=found[0], norm_ddp=found[1])
    if abs(found[0] - found[1]) > 1e-3*found[0]: raise AssertionError('the gradient under DDP is another one')


# Encoders

def encoders_part(plan: Plan, tell) -> None:
    "Clips of 30 s a second and peak memory of every encoder that can be had without a download."
    from gpu_encoders import makers
    with tempfile.TemporaryDirectory() as folder:
        for name, make in makers(Path(folder), plan.rehearse):
            if plan.left < plan.size(8., 0.): tell(**{name: 'skipped: no time was left'})
            else:
                try: tell(**{name: one_encoder(make, plan)})
                except Exception as e: tell(**{name: f'failed: {why(e)}'})


def one_encoder(make, plan: Plan) -> dict:
    "How fast one encoder reads, and where."
    from gpu_encoders import net_of
    from mirnb.encoders.reading import hear
    made = make()
    seconds, net = max(plan.size(30., .5), made.window.least/made.sr + .1), net_of(made)
    wave = made_wave(seconds, made.sr)
    spent = timed(lambda: hear(made, wave), plan, 1.)
    weights = [*net.parameters()] if net is not None else []
    return dict(seconds_of_sound=seconds, seconds=spent, times_real_time=seconds/spent, peak_gb=peak_gb(plan, True),
                parameters=sum(p.numel() for p in weights), where=weights[0].device.type if weights else 'cpu')


def openai_part(plan: Plan, tell) -> None:
    "Jukebox's own VQ-VAE in its size, with random weights."
    import torch
    from mirnb.base.settings import change
    from mirnb.representations.checkpoints import JUKEBOX
    from mirnb.representations.jukebox import VQVAE
    torch.manual_seed(0)
    config = change(JUKEBOX, width=(8, 8, 8), depth=(1, 1, 1)) if plan.rehearse else JUKEBOX
    model, seconds = VQVAE(config).to(plan.device).eval(), plan.size(30., .5)
    wave = made_wave(seconds)
    for level in (2, 1, 0):
        spent = timed(lambda: model.encode(wave, level), plan)
        tell(**{f'level {level}': dict(seconds_of_sound=seconds, seconds=spent, times_real_time=seconds/spent,
                                       peak_gb=peak_gb(plan, True))})


# Presets

KINDS = dict(pretrain=pretrain_step, finetune=finetune_step)


def measured(kind: str, arm, plan: Plan, precision: str) -> dict:
    "Seconds and memory of one step; where it does not fit, of smaller batches that make one."
    import torch
    batch = getattr(arm, kind).optimiser.batch
    if plan.rehearse: batch = min(batch, 2)
    for pieces in (1, 2, 4, 8, 16):
        peak_gb(plan, True)
        try:
            step, model = KINDS[kind](arm, max(batch//pieces, 1), plan.device, precision)
            seconds = pieces*timed(step, plan, 4.)
        except torch.cuda.OutOfMemoryError: continue
        finally: step = model = None
        return dict(batch=batch, pieces=pieces, precision=precision, seconds=seconds, peak_gb=peak_gb(plan, True))
    raise MemoryError(f'a {kind} step of {batch} does not fit, not even in sixteen pieces')


def preset_part(name: str):
    "A function that measures the steps of a preset."
    def part(plan: Plan, tell) -> None:
        from mirnb.learners.transformer import precision_of
        precision, failed = plan.size(precision_of('auto'), '32'), []
        for arm_name, arm in arms_of(name, plan.rehearse).items():
            for kind in KINDS:
                try: tell(**{f'{arm_name} {kind}': measured(kind, arm, plan, precision)})
                except Exception as e: failed.append(f'{arm_name} {kind}: {why(e)}')
        if failed: raise RuntimeError('; '.join(failed))
    part.__doc__ = f"Steps of the preset {name}, each arm's two trainings."
    return part


def hours(name: str, steps: dict) -> dict:
    "What the preset's trainings cost on FMA-medium, by arm; None where a step was not measured."
    found = {}
    for arm_name, arm in arms_of(name, False).items():
        for kind in KINDS:
            c, step = getattr(arm, kind).optimiser, steps.get(f'{arm_name} {kind}')
            epoch = math.ceil(TRACKS/c.batch)*step['seconds']/3600 if step else None
            found[f'{arm_name} {kind}'] = dict(epochs=c.epochs, hours_an_epoch=epoch,
                                               hours=None if epoch is None else epoch*c.epochs)
    every = [row['hours'] for row in found.values()]
    return dict(found, total=None if None in every else sum(every))


def cost_part(plan: Plan, tell, parts: dict) -> None:
    "Hours of FMA-medium: its codes, and the trainings of both presets; raises `Skip` where nothing was measured."
    for name in ('paper', 'full'):
        if parts.get(name): tell(**{name: hours(name, parts[name])})
    level = parts.get('codes', {}).get('level 2')
    if level: tell(codes=dict(clips=CLIPS, hours=CLIPS*level['seconds']*30/level['seconds_of_sound']/3600))
    if not (level or parts.get('paper') or parts.get('full')): raise Skip('no step was measured')


# The whole

PARTS = {  # {name: (function, share of the time)}
    'device': (device_part, 3), 'codes': (codes_part, 8), 'mel': (mel_part, 4), 'steps': (steps_part, 8),
    'paper': (preset_part('paper'), 18), 'full': (preset_part('full'), 10), 'ddp': (ddp_part, 4),
    'openai': (openai_part, 6), 'encoders': (encoders_part, 26), 'compile': (compile_part, 13)}


def child(name: str, plan: Plan, pipe) -> None:
    "A part in a process of its own: sends its numbers as they come, at last its state."
    if not plan.rehearse: os.environ.setdefault('OMP_NUM_THREADS', str(os.cpu_count()))
    warnings.simplefilter('ignore')
    import torch
    if plan.rehearse: torch.set_num_threads(1)
    try:
        PARTS[name][0](plan, lambda **numbers: pipe.send(numbers))
        pipe.send('ok')
    except Skip as e: pipe.send(f'skipped: {e}')
    except BaseException as e:
        traceback.print_exc()
        pipe.send(f'failed: {why(e)}')


def run_part(name: str, plan: Plan, context) -> dict:
    "A part, cut at its time: its state, seconds and numbers."
    ours, theirs = context.Pipe(duplex=False)
    process, start, found = context.Process(target=child, args=(name, plan, theirs), daemon=True), time.time(), {}
    process.start()
    theirs.close()
    state = None
    try:
        while state is None and ours.poll(max(plan.left, 0)):
            said = ours.recv()
            if isinstance(said, str): state = said
            else: found |= said
    except EOFError: state = 'failed: its process ended'
    if state is None: state = f'failed: was cut after {time.time() - start:.0f} s, its share of the time'
    process.join(0 if 'cut' in state else 5)
    process.kill()
    process.join()
    if state.endswith('ended'): state += f' (exit code {process.exitcode})'
    return dict(state=state, seconds=time.time() - start, **found)


def numbers(part: dict) -> dict:
    "A part without its state."
    return {key: value for key, value in part.items() if key not in ('state', 'seconds')}


def in_line(plan: Plan, parts: dict) -> dict:
    "The cost, by what the other parts have measured."
    found = {}
    try: cost_part(plan, lambda **more: found.update(more), {name: numbers(part) for name, part in parts.items()})
    except Skip as e: return dict(state=f'skipped: {e}', seconds=0.)
    except Exception as e: return dict(state=f'failed: {why(e)}', seconds=0., **found)
    return dict(state='ok', seconds=0., **found)


def write(path: Path, record: dict) -> None:
    "Whole or not at all."
    part = path.with_name(f'.{path.name}.part')
    part.write_text(json.dumps(record, indent=1) + '\n')
    part.replace(path)


def loaded_context():
    "Processes that begin with all libraries loaded, of which none has touched the GPU; returns when they are."
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(PRELOADED)  # what is not installed here is left out
    first = context.Process(target=int)
    first.start()
    first.join()
    return context


def check(path: Path, rehearse: bool, limit: float, names: list) -> dict:
    "All parts in turn; each may take its share of what is left."
    start, context = time.time(), loaded_context()
    record = dict(rehearsal=rehearse, limit=limit, loading_s=time.time() - start, parts={})
    for i, name in enumerate(names):
        left, shares = .96*limit - (time.time() - start), [PARTS[n][1] for n in names[i:]]
        until = time.time() + left*min(1., 1.5*shares[0]/sum(shares))  # early ones may take of the later ones' time
        part = dict(state='skipped: no time was left', seconds=0.)
        if left > 1: part = run_part(name, Plan(rehearse, until), context)
        if name == 'device' and part['state'].startswith('failed'):  # a library may have touched the GPU too early
            context = multiprocessing.get_context('spawn')
            part = run_part(name, Plan(rehearse, time.time() + 60), context)
        say(name, part)
        record['parts'][name] = part
        write(path, record | dict(seconds=time.time() - start))
    record['parts']['cost'] = in_line(Plan(rehearse, time.time()), record['parts'])
    say('cost', record['parts']['cost'])
    write(path, dict(record, seconds=time.time() - start))
    return record


def say(name: str, part: dict) -> None:
    "A line a part."
    print(f"{name:10}{part['seconds']:7.1f} s  {part['state']}", flush=True)


def parse(argv: list|None = None) -> argparse.Namespace:
    "The command line."
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--out', type=Path, default=Path('gpu_check.json'), help='the JSON (default: %(default)s)')
    p.add_argument('--rehearse', action='store_true', help='on the CPU, in tiny sizes')
    p.add_argument('--limit', type=float, default=480., help='seconds that all of it may take (default: %(default)g)')
    p.add_argument('--parts', nargs='+', default=[*PARTS], choices=[*PARTS], help='some of them only')
    return p.parse_args(argv)


def main() -> int:
    "0 where every part went well, or was skipped."
    os.environ |= QUIET
    args = parse()
    if args.rehearse: os.environ |= dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    else:
        import torch
        if not torch.cuda.is_available():
            print('gpu_check: torch finds no CUDA device here; run it where there is one, or add --rehearse.')
            return 1
    record = check(args.out, args.rehearse, args.limit, args.parts)
    bad = [name for name, part in record['parts'].items() if part['state'].startswith('failed')]
    print(f"{args.out}: {len(record['parts']) - len(bad)} parts, and {len(bad)} failed")
    return int(bool(bad))


if __name__ == '__main__': sys.exit(main())
