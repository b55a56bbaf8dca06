"""The same arrays under plain NumPy and under aihwkit's Torch tile, on one thread.

Both hold 256 x 256 cells an array, each cell the difference of two conductances of 0 to 1 that are drawn with a
standard deviation of 5 % and clamped at 0; columns are read by 32 codes over -64 to 64 counts, and the arrays of
a layer are added up digitally. NumPy: one BLAS product an array, then rounding and clipping in place. aihwkit: an
AnalogLinear on TorchInferenceRPUConfig whose converter and programming noise are set to the same.

Requests on stdin: CASE PEER WHAT SECONDS, with WHAT one of batch (all vectors at once), single (one at a time)
and chips (draw, then all vectors). Answer: vectors (or chips) per second of processor time in the best call, and
the root mean square error of the outputs in counts. The first line names the versions.
"""

import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np

try:
    import aihwkit
    import torch
    from aihwkit.inference.converter.conductance import SinglePairConductanceConverter
    from aihwkit.inference.noise.base import BaseNoiseModel
    from aihwkit.nn import AnalogLinear
    from aihwkit.simulator.configs import TorchInferenceRPUConfig
    from aihwkit.simulator.parameters.enums import BoundManagementType, NoiseManagementType

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
except ImportError as problem:
    print(f"SKIPPED: no aihwkit here ({problem})", file=sys.stderr)
    aihwkit = None

ROWS, SIGMA, LEVELS, BOUND = 256, 0.05, 32, 64.0
STEP = 2 * BOUND / (LEVELS - 1)
CASES = {"FC1024": (1024, 1024, 1000), "CONV128": (128, 1152, 1024)}


def signs(seed, shape):
    """Bit 0 of splitmix64 as a sign."""
    z = np.uint64(seed) + np.arange(1, np.prod(shape) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.where(z & np.uint64(1), 1, -1).astype(np.float32).reshape(shape)


def data(case):
    outputs, inputs, _ = CASES[case]
    if case == "FC1024":
        return signs(1, (outputs, inputs)), signs(2, (1000, inputs))
    weights, image = signs(3, (outputs, inputs)), signs(4, (128, 32, 32))
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return weights, np.ascontiguousarray(windows.transpose(1, 2, 0, 3, 4).reshape(1024, inputs))


class Numpy:
    def __init__(self, weights):
        self.weights = weights
        self.random = np.random.default_rng(1)
        self.draw()

    def draw(self):
        def device(on):
            noise = self.random.standard_normal(on.shape, dtype=np.float32)
            noise *= np.float32(SIGMA)
            noise += on
            return np.maximum(noise, 0, out=noise)

        cells = device((self.weights > 0).astype(np.float32)) - device((self.weights < 0).astype(np.float32))
        arrays = range(0, cells.shape[1], ROWS)
        self.arrays = [(a, np.ascontiguousarray(cells[:, a : a + ROWS].T)) for a in arrays]

    def run(self, x):
        total = 0
        for first, cells in self.arrays:
            y = x[:, first : first + ROWS] @ cells
            y += np.float32(BOUND)
            y *= np.float32(1 / STEP)
            np.rint(y, out=y)
            np.clip(y, 0, LEVELS - 1, out=y)
            total = y if first == 0 else np.add(total, y, out=total)
        total *= np.float32(STEP)
        total -= np.float32(BOUND * len(self.arrays))
        return total

    def inputs(self, x):
        return x

    def outputs(self, y):
        return y


if aihwkit:

    class Programming(BaseNoiseModel):
        """Independent Gaussian errors of each conductance, clamped at 0."""

        def __init__(self):
            super().__init__(SinglePairConductanceConverter(g_max=1.0, g_min=0.0))

        def apply_programming_noise_to_conductance(self, g_target):
            return torch.clamp(g_target + SIGMA * torch.randn_like(g_target), min=0.0)

        def apply_drift_noise_to_conductance(self, g_prog, drift_noise_param, t_inference):
            return g_prog

        def generate_drift_coefficients(self, g_target):
            return torch.zeros_like(g_target)


class Aihwkit:
    def __init__(self, weights):
        outputs, inputs = weights.shape
        config = TorchInferenceRPUConfig()
        config.mapping.max_input_size = ROWS
        config.mapping.max_output_size = ROWS
        config.mapping.weight_scaling_omega = 0.0
        forward = config.forward
        forward.inp_res, forward.inp_bound = -1.0, 1.0
        forward.out_noise = forward.w_noise = 0.0
        forward.out_bound, forward.out_res = BOUND, 1 / (LEVELS - 1)
        forward.noise_management = NoiseManagementType.NONE
        forward.bound_management = BoundManagementType.NONE
        config.noise_model = Programming()
        config.drift_compensation = None
        torch.manual_seed(1)
        self.layer = AnalogLinear(inputs, outputs, bias=False, rpu_config=config)
        self.layer.set_weights(torch.from_numpy(weights))
        self.layer.eval()
        self.draw()

    def draw(self):
        self.layer.program_analog_weights()

    def run(self, x):
        return self.layer(x)

    def inputs(self, x):
        return torch.from_numpy(x)

    def outputs(self, y):
        return y.numpy()


def best(call, seconds):
    """Shortest processor time of one call."""
    shortest, end, calls = float("inf"), time.perf_counter() + seconds, 0
    while calls < 3 or time.perf_counter() < end:
        begin = time.process_time()
        call()
        shortest = min(shortest, time.process_time() - begin)
        calls += 1
    return shortest


def main():
    names = f"numpy {np.__version__}"
    if aihwkit:
        names += f", aihwkit {aihwkit.__version__} on torch {torch.__version__}"
    print(names, flush=True)
    made = {}
    for line in sys.stdin:
        case, peer, what, seconds = line.split()
        if peer == "aihwkit" and not aihwkit:
            print("0 0", flush=True)
            continue
        if (case, peer) not in made:
            weights, x = data(case)
            engine = (Numpy if peer == "numpy" else Aihwkit)(weights)
            error = engine.outputs(engine.run(engine.inputs(x))) - x @ weights.T
            made[(case, peer)] = engine, engine.inputs(x), float(np.sqrt(np.mean(error.astype(np.float64) ** 2)))
        engine, x, rms = made[(case, peer)]
        if what == "batch":
            rate = len(x) / best(lambda: engine.run(x), float(seconds))
        elif what == "single":
            # Many calls a measurement: the clock of a process is coarse.
            def singles():
                for vector in range(50):
                    engine.run(x[vector : vector + 1])

            rate = 50 / best(singles, float(seconds))
        else:

            def chip():
                engine.draw()
                engine.run(x)

            rate = 1 / best(chip, float(seconds))
        print(rate, rms, flush=True)


if __name__ == "__main__":
    main()
