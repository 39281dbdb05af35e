"""The model artifact: a folder that lists and proves its own files, and how its encoder is named.

``manifest.json`` holds a sha256 for every other file, so that a truncated or altered artifact is never
loaded. No torch here: the platform checks and wraps artifacts without it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath

from ml.pooling import EncoderFolderError, Pooling
from ml.schema import Manifest, SchemaError

MANIFEST = "manifest.json"
ENCODER = "encoder"
HEAD = "head.npz"
WORDS = "words.npz"
"""Only where the words beside the encoder are listened to."""
OUTLIERS = "outliers.npz"
"""Only where the training could tell what is strange to the model."""

_WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
_OLD_WEIGHTS = ("pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json")
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
)
_SENTENCE = ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json")


class ArtifactError(Exception):
    """An artifact that must not be used.

    ``code``: missing, not_an_archive, truncated, unsafe_path, too_large, manifest_missing, manifest_invalid,
    unsupported_format, file_missing, hash_mismatch, unlisted_file. ``str()`` is a sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_artifact(folder: Path) -> bool:
    """Whether a folder claims to be an artifact of ours (it is not checked here)."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an artifact folder, its files not checked."""
    try:
        record = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError("manifest_missing", "the artifact has no manifest.json") from error
    except (OSError, ValueError) as error:
        raise ArtifactError("manifest_invalid", "the artifact's manifest.json cannot be read") from error
    try:
        return Manifest.from_dict(record)
    except SchemaError as error:
        raise ArtifactError(error.code, str(error)) from error


def verify_artifact(folder: Path) -> Manifest:
    """The manifest, after every file was found, hashed and found equal. ``ArtifactError`` otherwise."""
    if not folder.is_dir():
        raise ArtifactError("missing", "the artifact folder is missing")
    manifest = read_manifest(folder)
    present = {name for name in relative_files(folder) if name != MANIFEST}
    for name, expected in manifest.files.items():
        if not is_safe_name(name):
            raise ArtifactError("unsafe_path", f"the manifest names a path outside the artifact: {name!r}")
        if name not in present:
            raise ArtifactError("file_missing", f"the artifact lacks {name}")
        if file_sha256(folder / name) != expected:
            raise ArtifactError("hash_mismatch", f"{name} is not the file that the manifest describes")
    unlisted = sorted(present - set(manifest.files))
    if unlisted:
        raise ArtifactError("unlisted_file", f"the manifest does not list {unlisted[0]}")
    needed = [f"{ENCODER}/config.json"] + ([HEAD] if manifest.kind == "classifier" else [])
    for name in needed:
        if name not in manifest.files:
            raise ArtifactError("file_missing", f"the artifact lacks {name}")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Hash the files of a folder into the manifest, write it, and return what was written."""
    files = {name: file_sha256(folder / name) for name in relative_files(folder) if name != MANIFEST}
    complete = Manifest.from_dict({**manifest.to_dict(), "files": files})
    temporary = folder / f".{MANIFEST}.tmp"
    temporary.write_text(json.dumps(complete.to_dict(), indent=2, sort_keys=True) + "\n", "utf-8")
    temporary.replace(folder / MANIFEST)
    return complete


def encoder_folder(folder: Path) -> Path:
    """The Hugging Face folder inside an artifact of ours, or the folder itself."""
    return folder / ENCODER if is_artifact(folder) else folder


def base_name(folder: Path) -> str:
    """What to call a base encoder: the name its artifact or config carries, else its folder's."""
    if is_artifact(folder):
        return read_manifest(folder).base_model
    try:
        named = json.loads((folder / "config.json").read_text("utf-8")).get("_name_or_path")
    except (OSError, ValueError, AttributeError):
        named = None
    return str(named).rstrip("/").rsplit("/", 1)[-1] if named else folder.resolve().name


def encoder_files(folder: Path) -> list[str]:
    """The files of a Hugging Face folder that an encoder needs, relative and sorted.

    Weights in safetensors are preferred; the old pickled form is taken only where there is no other.
    """
    if not (folder / "config.json").is_file():
        raise EncoderFolderError("missing_file", "the encoder folder has no config.json")
    weights = _matching(folder, _WEIGHTS) or _matching(folder, _OLD_WEIGHTS)
    if not weights:
        raise EncoderFolderError("missing_file", "the encoder folder has no weights")
    tokenizer = _matching(folder, _TOKENIZER)
    if not tokenizer:
        raise EncoderFolderError("missing_file", "the encoder folder has no tokenizer")
    pooling = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*_Pooling/config.json"))
    return sorted({"config.json", *weights, *tokenizer, *_matching(folder, _SENTENCE), *pooling})


def encoder_fingerprint(folder: Path, pooling: Pooling) -> str:
    """16 hex digits over what decides an embedding: weights, architecture, tokenizer, pooling, limit."""
    parts = _matching(folder, _WEIGHTS) or _matching(folder, _OLD_WEIGHTS)
    parts += _matching(folder, _TOKENIZER)
    lines = [f"{name} {file_sha256(folder / name)}" for name in sorted([*parts, "config.json"])]
    lines.append(f"pooling {'+'.join(pooling.modes)} {pooling.max_length}")
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """64 hex digits of a file's content, read in a stream."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[str]:
    return sorted({path.name for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


def relative_files(folder: Path) -> list[str]:
    """Every file under a folder, relative and sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def is_safe_name(name: str) -> bool:
    """Whether a relative name stays inside its folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name
