"""Scores of a model for images of raw bytes, by the qonnx executor, as JSON: python qonnx_scores.py MODEL IMAGES."""

import json
import sys

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

model = ModelWrapper(sys.argv[1]).transform(InferShapes())
name, output = model.graph.input[0].name, model.graph.output[0].name
shape = model.get_tensor_shape(name)
images = np.fromfile(sys.argv[2], np.uint8).reshape(-1, *shape).astype(np.float32)
print(json.dumps([execute_onnx(model, {name: image})[output][0].tolist() for image in images]))
