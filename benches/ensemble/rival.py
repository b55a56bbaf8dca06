"""The same ensemble under plain NumPy, on one thread: 784-256-256-10, all weights drawn, sign activations.

A weight of -1 or +1 is turned round where a uniform number in single precision is below its probability, a code of 0 to 7
over 16. shared: each of 16 samples is drawn once for all images, and a layer is one product of matrices. fresh: every
image has 16 samples of its own, and a layer is a product with a vector.

Requests on stdin: WHAT SECONDS. Answer: image-samples a second of processor time in the best call. The first line names
the version.
"""

import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np

SAMPLES = 16
SHAPES = [(256, 784), (256, 256), (10, 256)]
random = np.random.default_rng(1)


def signs(shape):
    return np.where(random.random(shape) < 0.5, np.float32(-1), np.float32(1))


WEIGHTS = [signs(shape) for shape in SHAPES]
FLIPS = [random.integers(0, 8, shape).astype(np.float32) / np.float32(16) for shape in SHAPES]
IMAGES = signs((10000, 784))


def drawn(layer):
    turned = random.random(SHAPES[layer], dtype=np.float32) < FLIPS[layer]
    return np.where(turned, -WEIGHTS[layer], WEIGHTS[layer])


def activation(z, layer):
    return z if layer + 1 == len(SHAPES) else np.where(z >= 0, np.float32(1), np.float32(-1))


def shared():
    total = np.zeros((len(IMAGES), 10), np.float32)
    for _ in range(SAMPLES):
        x = IMAGES
        for layer in range(len(SHAPES)):
            x = activation(x @ drawn(layer).T, layer)
        total += x
    return len(IMAGES) * SAMPLES


def fresh(images=4):
    for image in IMAGES[:images]:
        total = np.zeros(10, np.float32)
        for _ in range(SAMPLES):
            x = image
            for layer in range(len(SHAPES)):
                x = activation(drawn(layer) @ x, layer)
            total += x
    return images * SAMPLES


def rate(call, seconds):
    best, end = 0.0, time.perf_counter() + seconds
    while best == 0.0 or time.perf_counter() < end:
        begin = time.process_time()
        done = call()
        best = max(best, done / (time.process_time() - begin))
    return best


def main():
    print(f"numpy {np.__version__}", flush=True)
    for line in sys.stdin:
        what, seconds = line.split()
        print(rate({"shared": shared, "fresh": fresh}[what], float(seconds)), flush=True)


if __name__ == "__main__":
    main()
