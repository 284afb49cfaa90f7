"""The encoder as an ONNX graph with int8 weights."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

if TYPE_CHECKING:
    from build_encoder import BaseModel

# What entity recognition reads: always the layers as they were before the tuning, so that it stays the same whatever that does.
FEATURE_LAYERS = (4, 6, 8)


class _Graph:
    """Nodes and constants in the order in which they are added; each node has one output, its name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray, name: str) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value) if np.ndim(value) else value, name))
        return name

    def node(self, operation: str, inputs: list[str], name: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(operation, inputs, [name], name=name, **attributes))
        return name


def export_encoder(base: BaseModel, tuned: list[dict[str, np.ndarray]], path: Path) -> None:
    """Writes `path`: embeddings (1, S, W) -> `hidden` (1, S, W), after the `tuned` top layers, and `features` (1, S, 3 * W).

    The features are of FEATURE_LAYERS of the `base`; those of them that were tuned are in the graph twice.
    """
    norm, heads, epsilon = base.norm, base.heads, float(base.epsilon)
    graph, width, untuned = _Graph(), base.width, len(base.layers) - len(tuned)
    graph.constant(np.array([0, 0, 3, heads, width // heads], np.int64), "split_shape")
    graph.constant(np.array([0, 0, width], np.int64), "join_shape")
    graph.constant(np.array(1 / np.sqrt(width // heads), np.float32), "attention_scale")
    for index in range(3):
        graph.constant(np.array(index, np.int64), f"index_{index}")
    weight, bias = graph.constant(norm[0], "norm_weight"), graph.constant(norm[1], "norm_bias")
    states = [graph.node("LayerNormalization", ["embeddings", weight, bias], "layer_0", axis=-1, epsilon=epsilon)]
    for number, layer in enumerate(base.layers[: max(untuned, *FEATURE_LAYERS)], 1):
        states.append(_add_layer(graph, states[-1], f"layer_{number}", layer, epsilon))
    state = states[untuned]
    for number, layer in enumerate(tuned, untuned + 1):
        state = _add_layer(graph, state, f"tuned_{number}", layer, epsilon)
    graph.node("Identity", [state], "hidden")
    graph.node("Concat", [f"layer_{number}" for number in FEATURE_LAYERS], "features", axis=-1)
    shape = [1, "S", width]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "encoder",
            [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, shape)],
            [
                helper.make_tensor_value_info("hidden", TensorProto.FLOAT, shape),
                helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, "S", width * len(FEATURE_LAYERS)]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 20)],
    )  # fmt: skip
    model.ir_version = 10
    onnx.checker.check_model(model)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        onnx.save(model, whole)
        # 7 bits: with 8, processors without VNNI instructions overflow inside a product, and judge otherwise than those with them.
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)


def _add_layer(graph: _Graph, state: str, layer_name: str, layer: dict[str, np.ndarray], epsilon: float) -> str:
    def name(part: str) -> str:
        return f"{layer_name}_{part}"

    def weight(key: str) -> str:
        return graph.constant(np.asarray(layer[key], np.float32), name(f"weight_{key}"))

    def linear(source: str, matrix: str, bias: str) -> str:
        return graph.node(
            "Add", [graph.node("MatMul", [source, weight(matrix)], name(f"{matrix}_product")), weight(bias)], name(f"{matrix}_sum")
        )

    split = graph.node("Reshape", [linear(state, "wqkv", "bqkv"), "split_shape"], name("split"))
    turned = graph.node("Transpose", [split], name("turned"), perm=[2, 0, 3, 1, 4])
    query, key, value = (graph.node("Gather", [turned, f"index_{i}"], name(f"part_{i}"), axis=0) for i in range(3))
    scores = graph.node("MatMul", [query, graph.node("Transpose", [key], name("key_turned"), perm=[0, 1, 3, 2])], name("scores"))
    shares = graph.node("Softmax", [graph.node("Mul", [scores, "attention_scale"], name("scaled"))], name("shares"), axis=-1)
    mixed = graph.node("Transpose", [graph.node("MatMul", [shares, value], name("mixed"))], name("mixed_turned"), perm=[0, 2, 1, 3])
    joined = graph.node("Reshape", [mixed, "join_shape"], name("joined"))
    attended = graph.node("Add", [linear(joined, "ao", "aob"), state], name("attended"))
    middle = graph.node("LayerNormalization", [attended, weight("aw"), weight("ab")], name("middle"), axis=-1, epsilon=epsilon)
    inner = graph.node("Gelu", [linear(middle, "fi", "fib")], name("gelu"))
    fed = graph.node("Add", [linear(inner, "fo", "fob"), middle], name("fed"))
    return graph.node("LayerNormalization", [fed, weight("ow"), weight("ob")], layer_name, axis=-1, epsilon=epsilon)
