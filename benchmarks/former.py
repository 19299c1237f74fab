"""How fast is a training step of the encoder, against transformers' BertModel and torch's nn.TransformerEncoder? One thread, CPU time, one run.

    .venv/bin/python benchmarks/former.py [ROUNDS]
    .venv/bin/python benchmarks/former.py paper    the `paper` preset: a step and its memory here, 500 epochs on one GPU

A step is forward, loss, backward and a fused AdamW; all encoders have the same sizes and dropout. Torch's and BERT's are shown
also without the dropout inside their attention, which ours has not; ours also with a mask, by which a position sees those near it. Each round takes every encoder once, in turns, and measures
the peak of a matrix product, so that a busy machine disturbs all alike; shown are medians over the rounds of the CPU times and
of the ratios in a round. The last two rows are our whole pretraining step: masks, stem, head and clipping, too.
A batch that does not fit into memory is made of smaller ones: OptimiserConfig(batch=4, accumulate=16) steps as 64 do.
"""
import json, os, resource, subprocess, sys, time, warnings
from functools import partial

os.environ |= {k: '1' for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')}
PAPER = dict(segment=1344, patch=1, width=768, heads=12, feedforward=3072, norm='post', norm_eps=6.1e-5)
SIZES = ('study', 8, {}, 1), ('study', 32, {}, 1), ('paper', 1, PAPER, 3)  # name, batch, FormerConfig, by what to divide the rounds
TRACKS, EPOCHS, BATCH = 19_922, 500, 64  # the training clips of FMA-medium; the paper's epochs and batch
GPU, PEAK = 'NVIDIA A100 40 GB', 312e12  # its bfloat16 products a second, dense, by its data sheet
SHARES = {'as GPT-3': .213, 'as PaLM': .462}  # of the peak, in model FLOPs: Chowdhery et al. 2022 (PaLM), table 3


def by_torch(c, inside=True):
    "torch's encoder; inside=False: no dropout inside the attention."
    from torch import nn
    layer = nn.TransformerEncoderLayer(c.width, c.heads, c.feedforward, c.dropout, 'gelu', c.norm_eps, batch_first=True, norm_first=c.norm == 'pre')
    made = nn.TransformerEncoder(layer, c.layers, nn.LayerNorm(c.width) if c.norm == 'pre' else None, enable_nested_tensor=False)
    for layer in made.layers if not inside else (): layer.self_attn.dropout = 0.
    return made


def by_bert(c, inside=True):
    "BERT's encoder, on embeddings that are there already."
    from torch import nn
    from transformers import BertConfig, BertModel

    class Bert(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = dict(hidden_size=c.width, num_hidden_layers=c.layers, num_attention_heads=c.heads, intermediate_size=c.feedforward)
            self.bert = BertModel(BertConfig(vocab_size=1, max_position_embeddings=c.segment//c.patch, hidden_dropout_prob=c.dropout,
                                             attention_probs_dropout_prob=c.dropout*inside, pad_token_id=0, **sizes), add_pooling_layer=False)
        def forward(self, x): return self.bert(inputs_embeds=x).last_hidden_state
    return Bert()


def encoders():
    "name -> function of a FormerConfig"
    from mirnb.learners.transformer import Encoder
    found = {'mirnb': Encoder, 'torch': by_torch, 'torch, no dropout inside': lambda c: by_torch(c, False)}
    try: import transformers  # noqa: F401
    except ImportError: print('(transformers is not installed: no BertModel)')
    else: found |= {'BertModel': by_bert, 'BertModel, no dropout inside': lambda c: by_bert(c, False)}
    return found


def flops(c, batch, edges=False):
    "Of one step: 6 a weight and position (2 forward, 4 backward) and 12 N D a layer and position for the two products of attention."
    N, D = c.segment//c.patch, c.width
    weights = c.layers*(4*D*D + 2*D*c.feedforward) + edges*2*c.patch*c.bands*D  # the edges are stem and head
    return batch*N*(6*weights + 12*c.layers*N*D)


def encoder_step(make, c, batch, precision, near=None):
    "A function that trains that encoder by one step; near: of our own, how far a position sees."
    import torch
    from mirnb.learners.transformer import autocast

    torch.manual_seed(0)
    encoder, x, y = make(c).train(), *torch.randn(2, batch, c.segment//c.patch, c.width)
    adam = torch.optim.AdamW(encoder.parameters(), fused=True)
    if near:
        at = torch.arange(x.shape[1])
        encoder.forward = partial(encoder.forward, mask=(at[:, None] - at).abs() <= near)

    def step():
        with autocast(precision): loss = (encoder(x) - y).square().mean()
        loss.backward()
        adam.step()
        adam.zero_grad()
        return loss.item()
    return step


def whole_step(arm, batch, precision):
    "A function that pretrains a former by one step."
    import torch
    from mirnb.learners.formers import Former
    from mirnb.learners.pretext import Pretext
    from mirnb.learners.transformer import autocast

    torch.manual_seed(0)
    c = arm.former
    pretext, x = Pretext(Former(c), arm.pretrain).train(), torch.randn(batch, c.segment, c.bands)
    adam = torch.optim.AdamW(pretext.parameters(), fused=True)

    def step():
        with autocast(precision): loss = pretext.loss(x)[0]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(pretext.parameters(), 1.)
        adam.step()
        adam.zero_grad()
        return loss.item()
    return step


def cpu(f):
    "CPU seconds of a call."
    start = time.process_time()
    f()
    return time.process_time() - start


def product(dtype, n=1024):
    "A function that multiplies two n x n matrices; 2 n^3 operations."
    import torch
    a, b, out = (torch.randn(n, n).to(dtype) for _ in range(3))
    return lambda: torch.mm(a, b, out=out)


def compare(rounds):
    "A table a size."
    import numpy as np
    import torch
    from mirnb.learners.settings import ArmConfig, FormerConfig
    from mirnb.base.settings import change
    from mirnb.learners.transformer import keep_memory

    torch.set_num_threads(1)
    keep_memory()
    makers = encoders()
    for title, batch, sizes, less in SIZES:
        c = change(FormerConfig(), **sizes)
        ways = {name: (encoder_step(make, c, batch, '32'), 'fp32', 0) for name, make in makers.items()}
        ways['mirnb, masked'] = encoder_step(makers['mirnb'], c, batch, '32', 8), 'fp32', 0
        ways['mirnb, bf16'] = encoder_step(makers['mirnb'], c, batch, 'bf16'), 'bf16', 0
        ways['mirnb, bf16, masked'] = encoder_step(makers['mirnb'], c, batch, 'bf16', 8), 'bf16', 0
        for p in '32', 'bf16': ways[f'mirnb, whole step, {p.replace("32", "fp32")}'] = whole_step(ArmConfig(c), batch, p), p.replace('32', 'fp32'), 1
        gemm = {p: product(t) for p, t in dict(fp32=torch.float32, bf16=torch.bfloat16).items()}
        steps = [f for f, *_ in ways.values()]
        for f in steps: f()
        n = max(rounds//less, 3)
        taken = np.array([[cpu(f) for f in steps] + [min(cpu(f) for _ in range(8)) for f in gemm.values()] for _ in range(n)])
        peak = dict(zip(gemm, 2*1024**3/taken[:, len(steps):].min(0)))
        print(f'\n{title}, batch {batch}: width {c.width}, {c.heads} heads, {c.layers} layers, {c.segment//c.patch} positions; '
              f'{flops(c, batch)/1e9:.0f} GFLOP a step; peak of a product {peak["fp32"]/1e9:.0f} GFLOP/s in fp32, '
              f'{peak["bf16"]/1e9:.0f} in bf16; {n} rounds')
        print(f'{"":30}  CPU ms  times mirnb  of the peak')
        for i, (name, (_, p, edges)) in enumerate(ways.items()):
            seconds, times = np.median(taken[:, i]), np.median(taken[:, i]/taken[:, 0])
            print(f'{name:30} {1000*seconds:7.0f} {times:12.2f} {flops(c, batch, edges)/seconds/peak[p]:12.0%}', flush=True)


def measure(batch, precision):
    "CPU seconds of a step of the paper's SpectroFormer (the better of two), and the peak of memory, GB."
    import torch
    from mirnb.study.settings import preset
    torch.set_num_threads(1)
    step = whole_step(preset('paper').arms['SpectroFormer'], batch, precision)
    step()
    return dict(seconds=min(cpu(step) for _ in range(2)), memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/2**20)


def paper():
    "What the preset costs here, measured in small batches and continued in a straight line; and what it would cost on a GPU."
    from math import ceil
    from mirnb.study.settings import preset
    arm = preset('paper').arms['SpectroFormer']
    work, steps = flops(arm.former, BATCH, True), EPOCHS*ceil(TRACKS/BATCH)
    for precision in '32', 'bf16':
        got = {}
        for batch in 1, 3:
            call = [sys.executable, __file__, 'measure', str(batch), precision]
            done = subprocess.run(call, capture_output=True, text=True)
            if done.returncode: sys.exit(done.stderr.strip().splitlines()[-1])
            got[batch] = json.loads(done.stdout.splitlines()[-1])
            print(f'{precision}, batch {batch}: {got[batch]["seconds"]:.1f} CPU s a step, {got[batch]["memory"]:.2f} GB', flush=True)
        line = {k: got[3][k] + (got[3][k] - got[1][k])/2*(BATCH - 3) for k in got[3]}
        print(f'{precision}, batch {BATCH}, by a straight line through both: {line["seconds"]:.0f} CPU s a step, {line["memory"]:.0f} GB; '
              f'{steps:,} steps are {steps*line["seconds"]/86400/365:.1f} years of one core')
    print(f'\n{GPU}: {PEAK/1e12:.0f} TFLOP/s in bf16. {EPOCHS} epochs of {TRACKS:,} tracks in batches of {BATCH}: '
          f'{EPOCHS} x {ceil(TRACKS/BATCH)} = {steps:,} steps of {work/1e12:.1f} TFLOP = {steps*work:.2e} FLOP')
    for name, share in SHARES.items():
        print(f'at {share:.1%} of the peak ({name}): {work/PEAK/share:.2f} s a step, {steps*work/PEAK/share/3600:.0f} hours for one arm')
    print('Both shares were reached by far larger models; a width of 768 without fused kernels may stay below the lower one.')


if __name__ == '__main__':
    warnings.simplefilter('ignore')
    what = sys.argv[1] if len(sys.argv) > 1 else '11'
    if what == 'paper': paper()
    elif what == 'measure': print(json.dumps(measure(int(sys.argv[2]), sys.argv[3])))
    else: compare(int(what))
