"""An artifact's own float32 weights run as a graph: the same vectors as torch's, in half the time for one text.

What answers loads neither torch nor transformers then: it starts in a second or two and needs half a gigabyte less. The
graph is built in memory from the weights as they lie in the artifact, so nothing is kept twice. Whether it is the same
encoder is told by six sentences, whose vectors torch left in the artifact: to five digits, or torch answers itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.artifact import ENCODER
from ml.forms import CHECK, CHECK_TEXTS, FOLDER, MOST_WEIGHT_BYTES, TOKENIZER, CannotRun, Exact
from ml.machine import has_gpu
from ml.pooling import Pooling, read_object

if TYPE_CHECKING:
    from ml.fast_encoder import FastEncoder

SAME = 0.99999
"""The least cosine with torch's vectors: both compute in float32, in another order."""

FIRST = "embeddings.word_embeddings.weight"
"""The name by which a prefix that some files put before all names is found."""


def keep_check(exact: Exact, folder: Path) -> None:
    """Leave in the artifact's folder what ``load_float`` needs; nothing for a tokenizer that is written in Python."""
    tokenizer = exact.tokenizer_json()
    if exact.is_on_gpu or not tokenizer:
        return
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    (folder / TOKENIZER).write_text(tokenizer, "utf-8")
    with (folder / CHECK).open("wb") as stream:
        np.savez(stream, vectors=exact.embed(CHECK_TEXTS))


def load_float(folder: Path, pooling: Pooling, threads: int) -> FastEncoder:
    """The encoder of an artifact folder in float32. ``CannotRun`` where torch has to answer: on a machine with a GPU,
    and for an artifact or an encoder that this cannot run; ``str()`` says why."""
    if has_gpu():
        raise CannotRun("torch uses the GPU")
    if not (folder / CHECK).is_file():
        raise CannotRun("no vectors were kept to check it by")
    try:
        return _checked(folder, pooling, threads)
    except CannotRun:
        raise
    except Exception as error:  # of any kind, as ONNX Runtime's: torch answers
        raise CannotRun(f"{type(error).__name__}: {error}"[:300]) from error


def _checked(folder: Path, pooling: Pooling, threads: int) -> FastEncoder:
    from ml.bert_graph import BertGraph, Shape
    from ml.fast_encoder import FastEncoder, Graph, load_tokenizer

    weights = _weights(folder / ENCODER)
    shape = Shape.read(read_object(folder / ENCODER / "config.json"), weights)
    model = BertGraph(weights, shape, pooling).build({}).SerializeToString()
    fast = FastEncoder(Graph(model, threads), load_tokenizer(folder / TOKENIZER), pooling)
    with np.load(folder / CHECK, allow_pickle=False) as kept:
        least = float((fast.embed(CHECK_TEXTS) * kept["vectors"]).sum(axis=1).min())
    if not least >= SAME:
        raise CannotRun(f"its vectors are not torch's (cosine {least:.6f})")
    return fast


def _weights(folder: Path) -> Mapping[str, NDArray[Any]]:
    """The weights in safetensors, by the names the model itself gives them."""
    from safetensors.numpy import load_file

    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CannotRun("its weights are not in safetensors")
    if sum(path.stat().st_size for path in files) > MOST_WEIGHT_BYTES:
        raise CannotRun("the encoder is too large for a graph in one piece")
    held = {name: value for path in files for name, value in load_file(path).items()}
    prefix = next((name.removesuffix(FIRST) for name in held if name.endswith(FIRST)), "")
    return {name.removeprefix(prefix): value for name, value in held.items()}
