"""Small real encoders, made on the fly: a randomly initialised BERT with a vocabulary written here; workers."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ml.predictor import Predictor
from ml.schema import Manifest, TrainingRow, dump_line
from ml.worker import Worker
from tests.ml.letters import PATIENCE, Letters, wait_for

if TYPE_CHECKING:
    from ml.encoder import Encoder

_VOCABULARY = (
    "the my a is not where when was and card lost stolen pin parcel late broken screen refund money back "
    "invoice bill charged twice password login account locked please help still arrived hello thanks order "
    "carte colis remboursement facture mot passe perdu retard bonjour merci"
)
WORDS = _VOCABULARY.split()
TOPICS = {
    "card": ["my card is lost", "card stolen please help", "carte perdu", "the pin of my card"],
    "parcel": ["parcel still late", "where is my parcel", "colis retard bonjour", "the order not arrived"],
    "refund": ["refund my money", "money back please", "remboursement merci", "when is the refund"],
}


def write_bert(folder: Path, *, hidden: int = 32, layers: int = 2, heads: int = 2, seed: int = 0) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    alphabet = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789.,?!'")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *alphabet, *("##" + c for c in alphabet)]
    vocabulary = list(dict.fromkeys(pieces))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    BertTokenizerFast(vocab={piece: index for index, piece in enumerate(vocabulary)}).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=max(len(vocabulary), 30522 if hidden == 768 else 0),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=hidden * 4,
        max_position_embeddings=512 if hidden == 768 else 64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder folder of dimension 32."""
    return write_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def make_bert() -> Callable[..., Path]:
    return write_bert


def training_rows(count: int, labels: int = 3) -> list[TrainingRow]:
    topics = list(TOPICS.items())[:labels]
    rows = []
    for index in range(count):
        label, texts = topics[index % len(topics)]
        text = (
            f"{texts[index % len(texts)]} {WORDS[(index * 7) % len(WORDS)]} {WORDS[(index * 3) % len(WORDS)]}"
        )
        rows.append(TrainingRow(str(index), text, label, group=f"g{index}"))
    return rows


@pytest.fixture
def make_rows() -> Callable[..., list[TrainingRow]]:
    return training_rows


@pytest.fixture
def make_tree(tmp_path: Path) -> Callable[..., Path]:
    """Writes an /opt/ml-shaped folder: rows in the train channel, a base encoder, hyperparameters."""

    def make(
        rows: list[TrainingRow] | None, base: Path | None = None, name: str = "opt-ml", **hyper: Any
    ) -> Path:
        root = tmp_path / name
        (root / "input" / "config").mkdir(parents=True)
        data = root / "input" / "data"
        channels: dict[str, dict[str, str]] = {}
        if rows is not None:
            (data / "train").mkdir(parents=True)
            lines = [dump_line(row.__dict__) for row in rows]
            (data / "train" / "rows.jsonl").write_text("".join(lines))
            channels["train"] = {"TrainingInputMode": "File"}
        if base is not None:
            data.mkdir(parents=True, exist_ok=True)
            (data / "base").symlink_to(base)
            channels["base"] = {"TrainingInputMode": "File"}
        values = {key: str(value) for key, value in hyper.items()}
        config = root / "input" / "config"
        (config / "hyperparameters.json").write_text(json.dumps(values))
        (config / "inputdataconfig.json").write_text(json.dumps(channels))
        (config / "resourceconfig.json").write_text('{"current_host": "algo-1", "hosts": ["algo-1"]}')
        return root

    return make


@pytest.fixture
def always_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of two small layers is all overhead: which form is faster on it is a matter of chance."""
    from ml import forms

    monkeypatch.setattr(forms._Judge, "_speeds", lambda *_, **__: (2.0, 1.0))


@pytest.fixture
def fast(bert: Path, tmp_path: Path, always_faster: None) -> tuple[Encoder, Path, dict[str, Any]]:
    """The small encoder, the folder of its int8 form, and what is told of that."""
    from ml.encoder import Encoder
    from tests.ml.formed import make_form

    encoder = Encoder.load(bert)
    folder = tmp_path / "artifact"
    return encoder, folder, make_form(encoder, folder)


@pytest.fixture
def keep_signals() -> Iterator[None]:
    """The programs install handlers; the test process gets its own back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def make_worker(letters: Letters) -> Iterator[Callable[..., Worker]]:
    manifest = Manifest(
        kind="encoder", dim=2, encoder="0" * 16, base_model="letters", created_by="test", files={"-": "-"}
    )
    made: list[Worker] = []

    def make(start: bool = True, **limits: Any) -> Worker:
        made.append(Worker(lambda: Predictor(manifest, "m", letters, None), lambda error: None, **limits))
        if start:
            made[-1].start()
            wait_for(lambda: made[-1].is_well)
        return made[-1]

    yield make
    letters.go.set()
    for worker in made:
        if worker.is_alive():
            worker.stop()
            worker.join(PATIENCE)
