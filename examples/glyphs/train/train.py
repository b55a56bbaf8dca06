"""Trains the glyphs network and writes it as QONNX.

    python train.py --train DIR --test DIR -o glyphs.onnx

Both folders come from `bincim glyphs`. One thread, one seed: the same versions on the same machine
give the same bytes. The test pictures are looked at once, after the last step.
"""

import argparse
import os
import sys
import time

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"  # before numpy: a sum's order must not depend on the machine's load

import numpy as np
import onnx

import net
from data import read_folder, to_input
from export import settle, to_model


def build(rng):
    """conv 1-16, conv 16-32 pool, conv 32-32 pool, dense 128-64, dense 64-10: 22,800 binary weights."""
    return net.Network(
        [
            net.Convolution(rng, 1, 16, first=True),
            net.Normalisation(16),
            net.Sign(),
            net.Convolution(rng, 16, 32),
            net.Normalisation(32),
            net.Pool(),
            net.Sign(),
            net.Convolution(rng, 32, 32),
            net.Normalisation(32),
            net.Pool(),
            net.Sign(),
            net.Flatten(),
            net.BinaryMatrix(rng, 128, 64),
            net.Normalisation(64),
            net.Sign(),
            net.BinaryMatrix(rng, 64, 10),
            net.Scale(1 / 16),
        ]
    )


def count_right(network, images, labels):
    """Number of right answers, on the running statistics."""
    right = 0
    for start in range(0, len(images), 500):
        scores = network.forward(to_input(images[start : start + 500]))
        right += int((scores.argmax(1) == labels[start : start + 500]).sum())
    return right


def train(network, rng, images, labels, epochs, batch, rate):
    """Adam with a rate that falls along half a cosine; one line a pass on stderr."""
    per_epoch = len(images) // batch
    started = time.monotonic()
    for epoch in range(epochs):
        order, losses = rng.permutation(len(images)), []
        for start in range(0, per_epoch * batch, batch):
            chosen = order[start : start + batch]
            progress = network.steps / (epochs * per_epoch)
            now = rate * 0.5 * (1 + np.cos(np.pi * progress))
            losses.append(network.train_on(to_input(images[chosen]), labels[chosen], now))
        seconds = time.monotonic() - started
        print(f"epoch {epoch + 1}/{epochs}  loss {np.mean(losses):.4f}  {seconds:.0f} s", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description="Train the glyphs network, write QONNX.")
    parser.add_argument("--train", required=True, metavar="DIR", help="made by `bincim glyphs`")
    parser.add_argument("--test", required=True, metavar="DIR", help="made by `bincim glyphs --split test`")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the QONNX file to write")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.006)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    images, labels = read_folder(arguments.train)
    rng = np.random.default_rng(arguments.seed)
    network = build(rng)
    train(network, rng, images, labels, arguments.epochs, arguments.batch, arguments.rate)
    starts = range(0, min(len(images), 20_000), 500)
    network.measure(to_input(images[start : start + 500]) for start in starts)
    moved = settle(network)
    model = to_model(network, images.shape[1])
    onnx.save(model, arguments.output)
    print(f"{moved} thresholds moved off a sum that occurs", file=sys.stderr)
    images, labels = read_folder(arguments.test)
    right = count_right(network, images, labels)
    print(f"{right} of {len(images)} right, accuracy {right / len(images):.4f}")


if __name__ == "__main__":
    main()
