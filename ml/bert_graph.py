"""A BERT encoder written down as an ONNX graph, pooling included: in float32, or with int8 products.

Written by hand rather than exported, because what makes it fast is what no exporter writes: every product of
an int8 graph takes activations that are quantised **row by row**, one scale a token. A scale for the whole batch
(what dynamic quantisation does) lets a text's vector depend on its neighbours and costs accuracy. Needs
``onnx`` alone; the graph is run by ``ml.fast_encoder``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ml.pooling import Pooling

Floats = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]

OPSET, IR = 18, 10
MICROSOFT = "com.microsoft"
GELU_LEAST = 0.17
"""No value of GELU is below minus this: added to it, an unsigned byte holds it with one more bit."""

ROBERTAS = ("roberta", "xlm-roberta", "camembert")
FAMILIES = ("bert", *ROBERTAS)


class NoGraph(Exception):
    """This encoder cannot be written as a graph; ``str()`` says why, for people."""


@dataclass(frozen=True)
class Int8:
    """A product ``x @ w.T + b`` in bytes: ``rows`` (out, in) int8, ``scale`` (out,), ``bias`` (out,) float32.

    ``stretch`` and ``middle`` (in,): the activations are taken as ``(x - middle) / stretch``; None when as they are.
    ``shift``: added to activations that are never below minus it, to take unsigned bytes from zero; 0 for none.
    ``is_fine``: what the first byte of an activation leaves over is kept in a second one, and multiplied too.
    """

    rows: NDArray[np.int8]
    scale: Floats
    bias: Floats
    stretch: Floats | None = None
    middle: Floats | None = None
    shift: float = 0.0
    is_fine: bool = False


@dataclass(frozen=True)
class Shape:
    """What the configuration says, after it was checked that nothing in it is beyond this graph."""

    layers: int
    heads: int
    hidden: int
    epsilon: float
    first_position: int

    @classmethod
    def read(cls, config: Mapping[str, Any], weights: Weights) -> Shape:
        """``NoGraph`` for another family, activation or kind of position, and for weights that are not there."""
        kind = config.get("model_type")
        if kind not in FAMILIES:
            raise NoGraph(f"encoders of type {kind} have no fast form")
        if config.get("hidden_act", "gelu") != "gelu":
            raise NoGraph(f"the activation {config.get('hidden_act')} has no fast form")
        if config.get("position_embedding_type", "absolute") != "absolute":
            raise NoGraph("only absolute positions have a fast form")
        if config.get("is_decoder"):
            raise NoGraph("a decoder has no fast form")
        first = int(config.get("pad_token_id") or 0) + 1 if kind in ROBERTAS else 0
        layers = int(config["num_hidden_layers"])
        shape = cls(
            layers, int(config["num_attention_heads"]), int(config["hidden_size"]),
            float(config.get("layer_norm_eps", 1e-12)), first,
        )  # fmt: skip
        names = [f"{name}.weight" for layer in range(layers) for name in products(layer)]
        missing = [name for name in names if name not in weights]
        if missing:
            raise NoGraph(f"the encoder's weights lack {missing[0]}")
        return shape


def products(layer: int) -> list[str]:
    """The names of a layer's products: query, key, value, attention's output, the two of the feed-forward."""
    at = f"encoder.layer.{layer}"
    heads = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
    return [*heads, f"{at}.attention.output.dense", f"{at}.intermediate.dense", f"{at}.output.dense"]


def entrance(product: str) -> str:
    """The product whose input this one shares: query, key and value read the same activations."""
    return product.replace(".key", ".query").replace(".value", ".query")


class BertGraph:
    """Builds the graph ``input_ids, attention_mask (n, s) int64 → vectors (n, dim)`` of length 1.

    ``int8`` maps names of ``products`` to their bytes; a product it lacks stays in float32. ``watch`` makes the
    input of each product an output of its own, named as the product, to calibrate with.
    """

    def __init__(self, weights: Weights, shape: Shape, pooling: Pooling) -> None:
        self.weights = weights
        self.shape = shape
        self.pooling = pooling

    def build(self, int8: Mapping[str, Int8], watch: bool = False) -> onnx.ModelProto:
        self._nodes: list[onnx.NodeProto] = []
        self._held: dict[str, onnx.TensorProto] = {}
        self._int8 = int8
        self._watched: list[str] = []
        self._watch = watch
        states = self._layers()
        self._pool(states)
        ids = ["input_ids", "attention_mask"]
        outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", self.pooling.dim])]
        outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self._watched]
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "s"]) for name in ids],
            outputs,
            list(self._held.values()),
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR)

    # --- parts ---------------------------------------------------------------------------------------

    def _node(self, kind: str, inputs: Sequence[str], output: str = "", domain: str = "", **told: Any) -> str:
        output = output or f"at{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **told))
        return output

    def _hold(self, name: str, value: Any, kind: Any = np.float32) -> str:
        if name not in self._held:
            array = np.asarray(value, kind, order="C")
            self._held[name] = numpy_helper.from_array(array, name)
        return name

    def _weight(self, name: str) -> Floats:
        return np.asarray(self.weights[name], np.float32)

    def _embeddings(self) -> str:
        """Sum of word, position and type, (n, s, hidden). Words lie in half precision: it moves nothing."""
        words = self._weight("embeddings.word_embeddings.weight")
        half = self._int8 and float(np.abs(words).max()) < 6e4
        held = self._hold("words", words, np.float16 if half else np.float32)
        found = self._node("Gather", [held, "input_ids"])
        if half:
            found = self._node("Cast", [found], to=TensorProto.FLOAT)
        places = self._weight("embeddings.position_embeddings.weight")[self.shape.first_position :]
        types = "embeddings.token_type_embeddings.weight"
        if types in self.weights:
            places = places + self._weight(types)[0]
        longest = self._node("Shape", ["input_ids"], start=1, end=2)
        zero = self._hold("zero", [0], np.int64)
        place = self._node("Slice", [self._hold("places", places), zero, longest, zero])
        return self._node("Add", [found, place])

    def _norm(self, summed: str, name: str, like: Int8 | None = None) -> str:
        """Layer normalisation; ``like`` gives the stretched form that product's bytes are made of."""
        weight, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        kind = ""
        if like is not None and like.stretch is not None and like.middle is not None:
            weight, bias, kind = weight / like.stretch, (bias - like.middle) / like.stretch, ".stretched"
        held = [self._hold(f"{name}{kind}.weight", weight), self._hold(f"{name}{kind}.bias", bias)]
        return self._node("LayerNormalization", [summed, *held], epsilon=self.shape.epsilon, axis=-1)

    def _bytes_of(self, x: str, like: Int8) -> list[tuple[str, str, str]]:
        """Activations (rows, in) as bytes, twice if they are to be fine: (bytes, scale (rows, 1), zero point)."""
        last = self._hold("last", [1], np.int64)
        half = self._hold("half", 128, np.uint8)
        if like.shift:
            x = self._node("Add", [x, self._hold("shift", like.shift)])
            top, range_, zero = x, self._hold("of255", 1 / 255), self._hold("none", 0, np.uint8)
        else:
            top, range_, zero = self._node("Abs", [x]), self._hold("of127", 1 / 127), half
        most = self._node("ReduceMax", [top, last], keepdims=1)
        # A row of zeros must not divide by zero.
        most = self._node("Max", [most, self._hold("least", 1e-9)])
        scale = self._node("Mul", [most, range_])
        found = [(*self._quantised(x, scale, zero), zero)]
        if like.is_fine:
            data, scale, _ = found[0]
            back = self._node("DequantizeLinear", [data, *self._flat(scale, zero)], axis=0)
            left = self._node("Sub", [x, back])
            # Half a step at most is left over, in either direction.
            found.append(
                (*self._quantised(left, self._node("Mul", [scale, self._hold("of254", 1 / 254)]), half), half)
            )
        return found

    def _quantised(self, x: str, scale: str, zero: str) -> tuple[str, str]:
        return self._node("QuantizeLinear", [x, *self._flat(scale, zero)], axis=0), scale

    def _flat(self, scale: str, zero: str) -> tuple[str, str]:
        """Scale and zero point of each row, as the operators want them."""
        flat = self._node("Reshape", [scale, self._hold("flat", [-1], np.int64)])
        return flat, self._node("Expand", [zero, self._node("Shape", [flat])])

    def _linear(self, x: str, names: Sequence[str], stretched: str = "") -> list[str]:
        """The products of ``names``, which share one input (rows, in)."""
        if self._watch:
            self._node("Identity", [x], entrance(names[0]))
            self._watched.append(entrance(names[0]))
        first = self._int8.get(names[0])
        quantised = self._bytes_of(stretched or x, first) if first else []
        found = []
        for name in names:
            if first is None:
                weight = self._hold(f"{name}.weight", self._weight(f"{name}.weight").T)
                made = self._node("MatMul", [x, weight])
                bias = self._weight(f"{name}.bias")
            else:
                parts = [self._int8_product(part, name) for part in quantised]
                made = self._node("Add", parts) if len(parts) > 1 else parts[0]
                bias = self._int8[name].bias
            found.append(self._node("Add", [made, self._hold(f"{name}.bias", bias)]))
        return found

    def _int8_product(self, quantised: tuple[str, str, str], name: str) -> str:
        data, scale, zero = quantised
        held = self._int8[name]
        rows = self._hold(f"{name}.rows", held.rows.T, np.int8)
        columns = self._hold(f"{name}.scale", held.scale)
        inputs = [data, rows, self._hold("one", 1), columns, zero]
        made = self._node("MatMulIntegerToFloat", inputs, domain=MICROSOFT)
        return self._node("Mul", [made, scale])

    def _layers(self) -> str:
        """Hidden states (n, s, hidden) of the last layer; in between, all tokens lie in (n · s, hidden)."""
        hidden = self.shape.hidden
        summed = self._embeddings()
        width = self._hold("hidden", [hidden], np.int64)
        self._batch = self._node("Concat", [self._node("Shape", ["input_ids"]), width], axis=0)
        self._rows = self._hold("rows", [-1, hidden], np.int64)
        self._mask = self._node("Cast", ["attention_mask"], to=TensorProto.INT32)
        summed, norm = self._node("Reshape", [summed, self._rows]), "embeddings.LayerNorm"
        for layer in range(self.shape.layers):
            query, key, value, output, rising, falling = products(layer)
            at = f"encoder.layer.{layer}"
            x, stretched = self._normed(summed, norm, query)
            context = self._attend(self._linear(x, [query, key, value], stretched))
            summed = self._node("Add", [self._linear(context, [output])[0], x])
            x, stretched = self._normed(summed, f"{at}.attention.output.LayerNorm", rising)
            risen = self._node("Gelu", self._linear(x, [rising], stretched), domain=MICROSOFT)
            summed = self._node("Add", [self._linear(risen, [falling])[0], x])
            norm = f"{at}.output.LayerNorm"
        return self._node("Reshape", [self._norm(summed, norm), self._batch])

    def _normed(self, summed: str, norm: str, reader: str) -> tuple[str, str]:
        """(normalised, the stretched form the product that reads it wants, or "")."""
        like = self._int8.get(reader)
        has_own = like is not None and like.stretch is not None
        return self._norm(summed, norm), self._norm(summed, norm, like) if has_own else ""

    def _attend(self, parts: Sequence[str]) -> str:
        shaped = [self._node("Reshape", [part, self._batch]) for part in parts]
        inputs = [*shaped, "", self._mask]
        made = self._node("MultiHeadAttention", inputs, domain=MICROSOFT, num_heads=self.shape.heads)
        return self._node("Reshape", [made, self._rows])

    def _pool(self, states: str) -> None:
        mask = self._node("Cast", ["attention_mask"], to=TensorProto.FLOAT)
        second, third = self._hold("second", [1], np.int64), self._hold("third", [2], np.int64)
        column = self._node("Unsqueeze", [mask, third])
        count = self._node("ReduceSum", [mask, second], keepdims=1)
        count = self._node("Max", [count, self._hold("some", 1e-9)])
        parts = [self._pooled(mode, states, mask, column, count) for mode in self.pooling.modes]
        made = self._node("Concat", parts, axis=1) if len(parts) > 1 else parts[0]
        self._node("LpNormalization", [made], "vectors", axis=1, p=2)

    def _pooled(self, mode: str, states: str, mask: str, column: str, count: str) -> str:
        second = self._hold("second", [1], np.int64)
        if mode == "cls":
            return self._node("Gather", [states, self._hold("first", 0, np.int64)], axis=1)
        if mode == "max":
            open_ = self._node("Greater", [column, self._hold("nought", 0)])
            seen = self._node("Where", [open_, states, self._hold("lowest", -1e9)])
            return self._node("ReduceMax", [seen, second], keepdims=0)
        if mode == "lasttoken":
            place = self._node("CumSum", [mask, self._hold("along", 1, np.int64)])
            is_last = self._node("Cast", [self._node("Equal", [place, count])], to=TensorProto.FLOAT)
            alone = self._node("Mul", [is_last, mask])
            column = self._node("Unsqueeze", [alone, self._hold("third", [2], np.int64)])
        total = self._node("ReduceSum", [self._node("Mul", [states, column]), second], keepdims=0)
        if mode == "lasttoken":
            return total
        divisor = self._node("Sqrt", [count]) if mode == "mean_sqrt_len" else count
        return self._node("Div", [total, divisor])
