"""Files of named tensors and one JSON document: what models and checkpoints are written to.

One `.safetensors` file, nothing executable in it. It is written under a temporary name, flushed to disk and renamed, so
that an interrupted write leaves the old file or none; and a digest over document and tensors tells damage from data.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from narrows.core.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORMAT = 1
"""The version of the file format: raised when older versions of narrows could not read what is written."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block succeeds and removed when it fails.

    Raises:
        FileError: The folder does not exist, or the disk is full or not writable.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileError(f"cannot write {target}: the folder {target.parent} does not exist")
    if target.is_dir():
        raise FileError(f"cannot write {target}: it is a folder")
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        why = error.strerror or f"is the disk full? ({error})"  # NumPy gives no reason for a short write
        raise FileError(f"cannot write {target}: {why}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write(path: str | Path, kind: str, document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a file of one kind (`"model"`, `"checkpoint"`)."""
    arrays = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    text = json.dumps({"format": FORMAT, "kind": kind, **document}, sort_keys=True)
    metadata = {"narrows": text, "sha256": _digest(text, arrays)}
    with replacing(path) as temporary:
        temporary.write_bytes(save(arrays, metadata))


def read(path: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a file of one kind back: its document and its tensors.

    Raises:
        FileError: No such file; damaged, foreign or of another kind; or from a newer version of narrows.
    """
    target = Path(path)
    with _opened(target, kind) as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    if "narrows" not in metadata:
        raise FileError(f"{target} is a safetensors file, but narrows did not write it")
    document = _document(target, metadata["narrows"])
    if document["format"] > FORMAT:
        raise FileError(
            f"{target} has format {document['format']}, newer than format {FORMAT} of this version: upgrade narrows"
        )
    if metadata.get("sha256") != _digest(metadata["narrows"], tensors):
        raise FileError(f"{target} is damaged: its contents do not match their checksum")
    if document.get("kind") != kind:
        raise FileError(f"{target} is a {document.get('kind')} file of narrows, not a {kind} file")
    return document, tensors


def read_document(path: str | Path, kind: str) -> dict[str, Any]:
    """The document alone of a file that has been read before: its tensors are not looked at.

    Raises:
        FileError: No such file, or a damaged one.
    """
    target = Path(path)
    with _opened(target, kind) as file:
        return _document(target, (file.metadata() or {}).get("narrows", ""))


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[Any]:
    """A safetensors file, open to read, or a sentence."""
    if not path.is_file():
        raise FileError(f"there is no {kind} file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError, ValueError) as error:
        raise FileError(f"{path} is no {kind} file of narrows, or it is damaged ({error})") from error


def _document(path: Path, text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise FileError(f"{path} is damaged: its document cannot be read") from error
    if not isinstance(document, dict) or not isinstance(document.get("format"), int):
        raise FileError(f"{path} is damaged: its document says no format")
    return document


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
