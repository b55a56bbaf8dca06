"""The same networks under ONNX Runtime, each in the form that suits it best.

fp32: Conv or Gemm with the threshold in the bias, Clip as the sign; the runtime fuses each layer into one
operator. Weights and accumulators are doubled (2 * acc - 2 * T + 1), so that Clip is the exact sign.
int8: bits as 0 and 255 in u8, weights in s8, the threshold in the 32-bit bias and saturation as the sign:
one QLinearConv or QGemm a layer and nothing between, the fastest form there is.
Both give the recorded accumulators or the program stops. Inputs are converted before the clock starts.

Requests on stdin: NAME PRECISION THREADS SECONDS. Answer: images per second of the best run, over batch
sizes; one line each. The first line names the versions.
"""

import json
import pathlib
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

SHARED = pathlib.Path(sys.argv[1])
BATCHES = {"tfc_mnist": [16, 256, 1000], "lfc_mnist": [16, 256, 1000], "cnv_cifar10": [1, 4, 16, 64]}


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def model(self, shape, kind, output, output_kind):
        graph = helper.make_graph(
            self.nodes,
            "g",
            [helper.make_tensor_value_info("in", kind, ["n", *shape])],
            [helper.make_tensor_value_info(output, output_kind, None)],
            self.constants,
        )
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def load(name):
    description = json.loads((SHARED / f"models/{name}.json").read_text())
    arrays = np.load(SHARED / f"models/{name}.npz")
    layers = []
    for index, layer in enumerate(description["layers"]):
        threshold = arrays[f"L{index}_T"] if f"L{index}_T" in arrays.files else None
        last = index + 1 == len(description["layers"])
        # The last layer gives accumulators on both sides.
        layers.append((arrays[f"L{index}_w"], None if last else threshold, "pool" in layer))
    return layers


def fp32(name):
    graph, x = Graph(), "in"
    graph.constant("low", np.float32(-1))
    graph.constant("high", np.float32(1))
    dense = False
    for index, (w, threshold, pool) in enumerate(load(name)):
        gain = 1 if threshold is None else 2
        weights = graph.constant(f"w{index}", w.astype(np.float32) * gain)
        bias = np.zeros(len(w)) if threshold is None else 1 - 2.0 * threshold
        bias = graph.constant(f"b{index}", bias.astype(np.float32))
        if w.ndim == 4:
            x = graph.node("Conv", [x, weights, bias], f"a{index}", kernel_shape=w.shape[2:])
        else:
            if not dense:
                x = graph.node("Flatten", [x], f"f{index}")
                dense = True
            x = graph.node("Gemm", [x, weights, bias], f"a{index}", transB=1)
        if threshold is not None:
            x = graph.node("Clip", [x, "low", "high"], f"s{index}")
        if pool:
            x = graph.node("MaxPool", [x], f"p{index}", kernel_shape=[2, 2], strides=[2, 2])
    return graph.model(shape_of(name), TensorProto.FLOAT, x, TensorProto.FLOAT)


def int8(name):
    graph, x = Graph(), "in"
    graph.constant("one", np.float32(1))
    graph.constant("zero_w", np.int8(0))
    graph.constant("zero_x", np.uint8(0))
    graph.constant("zero_q", np.uint8(128))
    graph.constant("one_255th", np.float32(1 / 255))
    dense = False
    for index, (w, threshold, pool) in enumerate(load(name)):
        axes = tuple(range(1, w.ndim))
        image = index == 0 and name.startswith("cnv")
        rows = w.astype(np.int64).sum(axis=axes)
        # With x = 2 b - 1: acc = 2 * sum(w b) - sum(w), so acc >= T is sum(w b) >= ceil((T + sum(w)) / 2).
        # Bits are 0 or 255: 255 * (sum(w b) - bound + 1) saturates to 255 where it holds, to 0 where not.
        if threshold is None:
            bias = np.zeros(len(w))
        elif image:
            bias = 1 - threshold.astype(np.int64)
        else:
            bias = 255 * (1 + (-(threshold.astype(np.int64) + rows) // 2))
        weights = graph.constant(f"w{index}", w.astype(np.int8) if w.ndim == 4 else w.T.astype(np.int8))
        bias = graph.constant(f"b{index}", bias.astype(np.int32))
        zero = "zero_q" if image else "zero_x"
        to = "one_255th" if image else "one"
        if w.ndim == 4:
            inputs = [x, "one", zero, weights, "one", "zero_w", to, "zero_x", bias]
            x = graph.node("QLinearConv", inputs, f"a{index}", kernel_shape=w.shape[2:])
        else:
            if not dense:
                x = graph.node("Flatten", [x], f"f{index}")
                dense = True
            inputs = [x, "one", zero, weights, "one", "zero_w", bias]
            inputs += [] if threshold is None else [to, "zero_x"]
            x = graph.node("QGemm", inputs, f"a{index}", domain="com.microsoft")
        if pool:
            x = graph.node("MaxPool", [x], f"p{index}", kernel_shape=[2, 2], strides=[2, 2])
    return graph.model(shape_of(name), TensorProto.UINT8, x, TensorProto.FLOAT)


def shape_of(name):
    return json.loads((SHARED / f"models/{name}.json").read_text())["input"]["shape"]


def inputs_and_scores(name, precision):
    record = np.load(SHARED / f"models/{name}_ref1000.npz")
    if name.startswith("cnv"):
        q = record["x_q"]
        x = q.astype(np.float32) if precision == "fp32" else (q.astype(np.int16) + 128).astype(np.uint8)
    else:
        bits = record["x_bits"]
        x = 2 * bits.astype(np.float32) - 1 if precision == "fp32" else bits * np.uint8(255)
    return np.ascontiguousarray(x), record["acc"]


def session(name, precision, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    model = (fp32 if precision == "fp32" else int8)(name)
    made = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x, expected = inputs_and_scores(name, precision)
    scores = made.run(None, {"in": x})[0]
    if precision == "int8":
        # The last layer saw 255 * bit: back to the bipolar accumulator.
        last = load(name)[-1][0].astype(np.int64)
        scores = 2 * scores / 255 - last.sum(axis=1)
    if not np.array_equal(np.rint(scores).astype(np.int64), expected):
        sys.exit(f"{name} {precision}: ONNX Runtime's scores differ from the record")
    return made, x


def best_rate(made, x, batches, seconds):
    rate = 0.0
    for batch in batches:
        feed = {"in": x[:batch]}
        end = time.perf_counter() + seconds / len(batches)
        while True:
            begin = time.perf_counter()
            made.run(None, feed)
            now = time.perf_counter()
            rate = max(rate, batch / (now - begin))
            if now > end:
                break
    return rate


def main():
    print(f"onnxruntime {ort.__version__}, onnx {onnx.__version__}, numpy {np.__version__}", flush=True)
    sessions = {}
    for line in sys.stdin:
        name, precision, threads, seconds = line.split()
        key = (name, precision, int(threads))
        if key not in sessions:
            # Sessions of other settings would keep their spinning threads.
            sessions.clear()
            for each in ("fp32", "int8"):
                sessions[(name, each, int(threads))] = session(name, each, int(threads))
        print(best_rate(*sessions[key], BATCHES[name], float(seconds)), flush=True)


if __name__ == "__main__":
    main()
