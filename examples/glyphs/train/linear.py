"""How far a linear classifier gets on the same pictures: the measure of how easy they are.

    python linear.py --train DIR --test DIR

Softmax regression on standardised pixels, Adam, 15 passes; one thread, one seed.
"""

import argparse
import os

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

import net
from data import read_folder, to_input

EPOCHS, BATCH, RATE = 15, 256, 0.002


class Linear:
    """Real weights and a bias."""

    def __init__(self, inputs, outputs):
        self.weight = net.Parameter(np.zeros((inputs, outputs)))
        self.bias = net.Parameter(np.zeros(outputs))

    def parameters(self):
        return [self.weight, self.bias]

    def forward(self, x, training):
        self.x = x
        return x @ self.weight.value + self.bias.value

    def backward(self, gradient):
        self.weight.gradient = self.x.T @ gradient
        self.bias.gradient = gradient.sum(0)
        return None


def main():
    parser = argparse.ArgumentParser(description="Accuracy of softmax regression on the glyphs.")
    parser.add_argument("--train", required=True, metavar="DIR", help="made by `bincim glyphs`")
    parser.add_argument("--test", required=True, metavar="DIR", help="made by `bincim glyphs --split test`")
    arguments = parser.parse_args()

    images, labels = read_folder(arguments.train)
    pixels = to_input(images).reshape(len(images), -1)
    mean, deviation = pixels.mean(0), pixels.std(0)
    pixels = (pixels - mean) / deviation
    network = net.Network([Linear(pixels.shape[1], 10)])
    rng = np.random.default_rng(1)
    for epoch in range(EPOCHS):
        order = rng.permutation(len(pixels))
        for start in range(0, len(pixels), BATCH):
            chosen = order[start : start + BATCH]
            network.train_on(pixels[chosen], labels[chosen], RATE * (1 - epoch / EPOCHS))

    images, labels = read_folder(arguments.test)
    pixels = (to_input(images).reshape(len(images), -1) - mean) / deviation
    print(f"accuracy {(network.forward(pixels).argmax(1) == labels).mean():.4f}")


if __name__ == "__main__":
    main()
