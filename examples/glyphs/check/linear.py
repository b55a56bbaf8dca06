"""How far a linear classifier gets on the same pictures: the measure of how easy they are.

    python linear.py --train DIR --test DIR

Softmax regression on standardised pixels, Adam, 15 passes; one thread, one seed.
"""

import argparse
import os

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from data import read_folder, to_input

EPOCHS, BATCH, RATE = 15, 256, 0.002


class Adam:
    """Steps of one trained array."""

    def __init__(self, value):
        self.value, self.count = value.astype(np.float32), 0
        self.first, self.second = np.zeros_like(self.value), np.zeros_like(self.value)

    def step(self, gradient, rate):
        self.count += 1
        self.first += np.float32(0.1) * (gradient - self.first)
        self.second += np.float32(0.001) * (gradient * gradient - self.second)
        first = self.first / np.float32(1 - 0.9**self.count)
        second = self.second / np.float32(1 - 0.999**self.count)
        self.value -= np.float32(rate) * first / (np.sqrt(second) + np.float32(1e-8))


def main():
    parser = argparse.ArgumentParser(description="Accuracy of softmax regression on the glyphs.")
    parser.add_argument("--train", required=True, metavar="DIR", help="made by `bincim glyphs`")
    parser.add_argument("--test", required=True, metavar="DIR", help="made by `bincim glyphs --split test`")
    arguments = parser.parse_args()

    images, labels = read_folder(arguments.train)
    pixels = to_input(images).reshape(len(images), -1)
    mean, deviation = pixels.mean(0), pixels.std(0)
    pixels = (pixels - mean) / deviation
    weight, bias = Adam(np.zeros((pixels.shape[1], 10))), Adam(np.zeros(10))
    rng = np.random.default_rng(1)
    for epoch in range(EPOCHS):
        order = rng.permutation(len(pixels))
        for start in range(0, len(pixels), BATCH):
            chosen = order[start : start + BATCH]
            scores = pixels[chosen] @ weight.value + bias.value
            chance = np.exp(scores - scores.max(1, keepdims=True))
            chance /= chance.sum(1, keepdims=True)
            chance[np.arange(len(chosen)), labels[chosen]] -= 1
            chance /= np.float32(len(chosen))
            rate = RATE * (1 - epoch / EPOCHS)
            weight.step(pixels[chosen].T @ chance, rate)
            bias.step(chance.sum(0), rate)

    images, labels = read_folder(arguments.test)
    pixels = (to_input(images).reshape(len(images), -1) - mean) / deviation
    scores = pixels @ weight.value + bias.value
    print(f"accuracy {(scores.argmax(1) == labels).mean():.4f}")


if __name__ == "__main__":
    main()
