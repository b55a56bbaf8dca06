"""Trains a network of bits for MNIST, once clean and once against drawn chips, and judges both on chips that neither saw.

    python examples/python/train_chips.py --data DIR_OF_MNIST --out build/train_chips

Both trainings start from the same weights and see the same batches; the second one's forward passes are those of a chip,
another one in every step. bincim itself judges: the two models are written as QONNX and run on the chips that
``bincim draw --seed`` would make.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import bincim
import bincim.torch
import numpy as np
import qonnx
import torch
from torch import nn

SIZES = [784, 128, 128, 10]
#: Seeds of the chips that training draws, and of those that judge.
TRAINED, JUDGED = 1_000_000, 1


class Sign(torch.autograd.Function):
    """-1 and +1, with the gradient of a straight line between -1 and +1."""

    @staticmethod
    def forward(ctx, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


class Network(nn.Module):
    """Dense layers of signs; normalised sums between them."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(zip(SIZES, SIZES[1:]))
        self.weights = nn.ParameterList([nn.Parameter(torch.empty(o, i).uniform_(-0.5, 0.5)) for i, o in pairs])
        self.norms = nn.ModuleList([nn.BatchNorm1d(size) for size in SIZES[1:-1]])

    def forward(self, bits: torch.Tensor, chip: list[bincim.torch.ChipLayer] | None, seed: int) -> torch.Tensor:
        for index, weights in enumerate(self.weights):
            signs = Sign.apply(weights)
            sums = bits @ signs.T if chip is None else chip[index](bits, signs, seed=seed)
            if index == len(self.norms):
                return sums
            bits = Sign.apply(self.norms[index](sums))
        raise AssertionError("a network has a last layer")

    def write(self, path: Path) -> None:
        layers = []
        for index, weights in enumerate(self.weights):
            signs = Sign.apply(weights).detach().numpy().T
            if index == len(self.norms):
                layers.append(qonnx.Dense(signs))
                continue
            norm = self.norms[index]
            parts = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
            layers.append(qonnx.Dense(signs, *(part.detach().numpy() for part in parts), epsilon=norm.eps))
        qonnx.write(path, layers)


def mnist(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    images = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())[8:]
    return np.frombuffer(images, np.uint8).reshape(-1, 784), np.frombuffer(labels, np.uint8)


def train(network: Network, data: tuple[np.ndarray, np.ndarray], geometry: bincim.Model | None, args) -> None:
    chip = [bincim.torch.ChipLayer(geometry, layer) for layer in geometry.layers] if geometry else None
    images, labels = data
    bits = torch.where(torch.from_numpy(images.astype(np.float32)) > 127.5, 1.0, -1.0)
    wanted = torch.from_numpy(labels.astype(np.int64))
    optimiser = torch.optim.Adam(network.parameters(), lr=args.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, args.steps)
    order = torch.Generator().manual_seed(args.seed)
    for step in range(args.steps):
        batch = torch.randint(len(bits), (args.batch,), generator=order)
        scores = network(bits[batch], chip, TRAINED + step)
        loss = nn.functional.cross_entropy(scores / 8, wanted[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for weights in network.weights:
                weights.clamp_(-1, 1)
            for norm in network.norms:
                # A channel that counts the other way round would be turned on the arrays, and err otherwise there.
                norm.weight.clamp_(min=0.01)
        if step % 100 == 0 or step == args.steps - 1:
            print(f"  step {step:5}: loss {loss.item():.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four idx files, gzipped")
    parser.add_argument("--out", type=Path, default=Path("build/train_chips"))
    parser.add_argument("--arch", type=Path, default=Path(__file__).with_name("arch.toml"))
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chips", type=int, default=50)
    parser.add_argument("--images", type=int, default=1000)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    start = args.out / "start.onnx"
    judged = {}
    for name in ("clean", "chips"):
        torch.manual_seed(args.seed)
        network = Network()
        network.write(start)
        # Of the first model only shapes count here.
        geometry = bincim.load(start, args.arch) if name == "chips" else None
        print(f"training, {name}:")
        train(network, mnist(args.data, "train"), geometry, args)
        path = args.out / f"{name}.onnx"
        network.eval()
        network.write(path)
        model = bincim.load(path, args.arch)
        images, labels = mnist(args.data, "t10k")
        test = (images[: args.images], labels[: args.images])
        judged[name] = model.vary(test, args.chips, seed=JUDGED).results
    print(f"on {args.chips} chips that no training saw, {args.images} test images:")
    for name, found in judged.items():
        print(
            f"  trained {name:5}: {100 * found['accuracy_mean']:.2f} % on a chip"
            f" ({100 * found['accuracy_low']:.2f} to {100 * found['accuracy_high']:.2f}, 95 % interval of the mean),"
            f" worst {100 * found['accuracy_min']:.2f} %, without errors {100 * found['accuracy_ideal']:.2f} %"
        )


if __name__ == "__main__":
    main()
