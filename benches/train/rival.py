"""The same training steps under PyTorch on the CPU, measured on request.

First line in: the networks as JSON (see cases.rs). Then requests: NAME THREADS SECONDS. Answer: images per
second of the best step, and the way that had it. A step is what the trainer does: signs of the latent weights, forward,
loss, backward through straight-through signs, Adam (fused), clipping. The ways are single precision, bfloat16 where the
processor has it (autocast), and both compiled. The first line out names the version.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y):
        ctx.save_for_backward(y)
        return torch.where(y >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        return gradient * (y.abs() <= 1)


class Latent(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight):
        return torch.where(weight >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Net(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.layers, shape = net["layers"], list(net["input"])
        self.weights, self.norms = torch.nn.ParameterList(), torch.nn.ModuleList()
        for kind, outputs, kernel, pad, pool, step, _ in self.layers:
            size = (outputs, shape[0], kernel, kernel) if kind == "conv" else (outputs, shape[0] * shape[1] * shape[2])
            weight = torch.empty(size).uniform_(-0.3, 0.3)
            if kind == "conv":
                weight = weight.contiguous(memory_format=torch.channels_last)
            self.weights.append(torch.nn.Parameter(weight))
            if kind != "scores":
                self.norms.append((torch.nn.BatchNorm2d if kind == "conv" else torch.nn.BatchNorm1d)(outputs))
            side = lambda n: ((n + 2 * pad - kernel) // step + 1) // pool
            shape = [outputs, side(shape[1]), side(shape[2])] if kind == "conv" else [outputs, 1, 1]
        self.scale = torch.nn.Parameter(torch.tensor(0.05))

    def forward(self, x):
        sums = None
        for index, (kind, _, _, pad, pool, step, adds) in enumerate(self.layers):
            weight = Latent.apply(self.weights[index])
            if kind != "conv":
                x = F.linear(x.flatten(1), weight)
            else:
                x = F.conv2d(F.pad(x, [pad] * 4, value=-1.0) if pad else x, weight, stride=step)
            if kind == "scores":
                return x * self.scale
            if adds:
                x = 0.25 * x + sums
            sums = x
            if pool > 1:
                x = F.max_pool2d(x, pool)
            x = Sign.apply(self.norms[index](x))


WAYS = ["fp32", "fp32 compiled"]
if torch.backends.cpu.get_cpu_capability() == "AVX512" and "avx512_bf16" in open("/proc/cpuinfo").read():
    WAYS += ["bf16", "bf16 compiled"]
made = {}


def step(name, threads, way):
    """One training step, made and warmed up once."""
    if (name, threads, way) in made:
        return made[name, threads, way]
    net = nets[name]
    model = Net(net)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    x = (torch.randint(0, 256, (net["batch"], *net["input"])) - 128) / 128
    x = x.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, net["layers"][-1][1], (net["batch"],))
    forward = torch.compile(model) if "compiled" in way else model

    def run():
        with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in way):
            scores = forward(x)
        loss = F.cross_entropy(scores.float(), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            for weight in model.weights:
                weight.clamp_(-1, 1)

    run()
    made[name, threads, way] = run
    return run


def best(name, threads, seconds):
    torch.set_num_threads(threads)
    found = []
    for way in WAYS:
        run = step(name, threads, way)
        times, end = [], time.perf_counter() + seconds / len(WAYS)
        while time.perf_counter() < end or len(times) < 2:
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        found.append((nets[name]["batch"] / min(times), way))
    return max(found)


nets = {name.replace(' ', '_'): net for name, net in json.loads(sys.stdin.readline()).items()}
print(f"PyTorch {torch.__version__}", flush=True)
for line in sys.stdin:
    name, threads, seconds = line.split()
    print(*best(name, int(threads), float(seconds)), flush=True)
