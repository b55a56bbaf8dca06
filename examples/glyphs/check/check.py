"""Runs the exported file with the qonnx executor and writes what it answers.

    python check.py glyphs.onnx --test DIR --seed S -o expected.json

`--seed` only names, in the result, the collection that DIR was made from. The last sums are read
before the scale, as integers, so another implementation can be held to every one of them.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from data import read_folder

BATCH = 500
SHOWN = 32


def load(path, batch):
    """The file with its batch dimension raised from 1."""
    model = ModelWrapper(str(path))
    for tensor in [*model.graph.input, *model.graph.output]:
        tensor.type.tensor_type.shape.dim[0].dim_value = batch
    del model.graph.value_info[:]
    return model.transform(InferShapes())


def main():
    parser = argparse.ArgumentParser(description="Run glyphs.onnx with the qonnx executor.")
    parser.add_argument("model", metavar="FILE")
    parser.add_argument("--test", required=True, metavar="DIR", help="made by `bincim glyphs --split test`")
    parser.add_argument("--seed", required=True, type=int, help="the seed that DIR was made from")
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    arguments = parser.parse_args()

    images, labels = read_folder(arguments.test)
    if len(images) % BATCH:
        raise SystemExit(f"{arguments.test}: {len(images)} images, want a multiple of {BATCH}")
    model = load(arguments.model, BATCH)
    scores_node = model.find_producer(model.graph.output[0].name)
    last_sum = scores_node.input[0]
    predictions, sums = [], []
    for start in range(0, len(images), BATCH):
        pixels = images[start : start + BATCH, None].astype(np.float32)
        context = execute_onnx(model, {model.graph.input[0].name: pixels}, return_full_exec_context=True)
        predictions.extend(context[model.graph.output[0].name].argmax(1).tolist())
        sums.extend(context[last_sum].astype(int).tolist())
        if not np.array_equal(context[last_sum], np.array(sums[start:], np.float32)):
            raise SystemExit(f"{arguments.model}: the sums before the scale are not integers")
    right = np.array(predictions) == labels
    correct = int(right.sum())
    expected = {
        "model_sha256": hashlib.sha256(Path(arguments.model).read_bytes()).hexdigest(),
        "data": {"seed": arguments.seed, "split": "test", "images": len(images)},
        "correct": correct,
        "accuracy": correct / len(images),
        "correct_of_first": {str(n): int(right[:n].sum()) for n in (100, 1000) if n <= len(right)},
        "first_labels": labels[:SHOWN].tolist(),
        "first_predictions": predictions[:SHOWN],
        "first_sums": sums[:SHOWN],
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in expected.items()]
    Path(arguments.output).write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{correct} of {len(images)} right, accuracy {expected['accuracy']:.4f}")


if __name__ == "__main__":
    main()
