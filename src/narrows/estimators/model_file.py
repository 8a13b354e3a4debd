"""Model files: a fitted estimator as one `.safetensors` file, and back.

The document says recipe and options, estimator class and arguments, sample spec and schema; every array is a tensor.
A model is rebuilt without allocating anything, compared with the tensors of the file, and only then filled.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from narrows.core.errors import ChoiceError, FileError
from narrows.core.values import plain
from narrows.data import tensor_file
from narrows.data.conditions import Conditions
from narrows.data.schema import ArraySchema, Schema
from narrows.data.table_schema import TableSchema
from narrows.recipes.catalogue import build
from narrows.training.checkpoint import put_back, weights

if TYPE_CHECKING:
    from narrows.estimators.base import Estimator
    from narrows.model import AutoencoderModule

SCHEMAS: dict[str, type[Schema]] = {schema.kind: schema for schema in (ArraySchema, TableSchema)}


def save(estimator: Estimator, path: str | Path) -> None:
    """Write a fitted estimator."""
    # a file is for any machine, so the device is chosen where it is loaded
    params = estimator.get_params() | {"random_state": estimator.chosen_["seed"], "device": "auto"}
    facts, own = estimator._keepsake()
    document = {
        "narrows": version("narrows"),
        "estimator": type(estimator).__name__,
        "params": {name: _plain(name, value) for name, value in params.items()},
        "chosen": _plain("recipe_options", estimator.chosen_),
        "schema": {"kind": estimator.schema_.kind, **estimator.schema_.to_json()},
        "features": int(estimator.n_features_in_),
        "feature_names": [str(name) for name in getattr(estimator, "feature_names_in_", [])],
        "history": estimator.history_,
        "conditions": None if estimator.conditions_ is None else estimator.conditions_.to_json(),
        "own": facts,
    }
    tensors = {f"module.{name}": tensor for name, tensor in weights(estimator.module_).items()}
    tensors |= {f"schema.{name}": torch.from_numpy(array.copy()) for name, array in estimator.schema_.arrays().items()}
    tensors |= {f"own.{name}": tensor for name, tensor in own.items()}
    tensor_file.write(path, "model", document, tensors)


def _plain(name: str, value: Any) -> Any:
    """What JSON can hold, or a sentence."""
    try:
        return json.loads(json.dumps(str(value) if isinstance(value, Path) else plain(value)))
    except TypeError as error:
        raise ChoiceError(f"{name}={value!r} cannot be saved in a model file: use names, numbers and lists") from error


def load_document(path: str | Path) -> dict[str, Any]:
    """What a model file says, without reading a tensor of it."""
    return tensor_file.read_document(path, "model")


def load(path: str | Path, known: dict[str, type[Estimator]]) -> Estimator:
    """Read a fitted estimator back.

    Args:
        path: The model file.
        known: Estimator classes by name; no other is ever made.

    Raises:
        FileError: A file that is missing, damaged, foreign or newer, or that asks for unknown parts.
    """
    document, tensors = tensor_file.read(path, "model")
    try:
        if document["estimator"] not in known:
            raise FileError(f"{path} holds an estimator {document['estimator']!r} that narrows does not know")
        estimator = known[document["estimator"]](**document["params"])
        arrays = {name: tensor.numpy() for name, tensor in _taken(tensors, "schema.").items()}
        own = _taken(tensors, "own.")
        estimator.schema_ = SCHEMAS[document["schema"]["kind"]].from_json(document["schema"], arrays)
        estimator.chosen_ = document["chosen"]
        estimator.history_ = list(document["history"])
        known_of = document.get("conditions")  # not known to files of the first format
        estimator.conditions_ = None if known_of is None else Conditions.from_json(known_of)
        estimator.n_features_in_ = int(document["features"])
        if document["feature_names"]:
            estimator.feature_names_in_ = np.array(document["feature_names"], dtype=object)
        estimator.module_ = _rebuild(path, document, estimator.schema_, _taken(tensors, "module."))
        if tensors:
            raise FileError(f"{path} is damaged: it holds {min(tensors)!r}, which no part of a model is called")
        estimator._recall(document.get("own", {}), own)  # not known to files of the first format
    except FileError:
        raise
    except ChoiceError as error:
        raise FileError(f"{path} cannot be rebuilt: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise FileError(f"{path} is damaged: its document lacks or garbles {error}") from error
    return estimator


def _taken(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Take the tensors whose names begin so out of those of a file."""
    named = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in named}


def _rebuild(
    path: str | Path, document: dict[str, Any], schema: Schema, tensors: dict[str, Tensor]
) -> AutoencoderModule:
    """The module of a document, filled with the tensors of its file."""
    chosen = document["chosen"]
    likelihood, options = chosen["likelihood"], chosen["options"]
    with torch.device("meta"):
        spec = replace(schema.spec, context=int(chosen.get("context", 0)))  # not known to files of the first format
        model = build(chosen["recipe"], spec, chosen["latent_dim"], likelihood=likelihood, options=options)
    needed = {name: tuple(tensor.shape) for name, tensor in weights(model).items()}
    if needed != {name: tuple(tensor.shape) for name, tensor in tensors.items()}:
        raise FileError(f"{path} is damaged: its tensors are not those of its recipe")
    model.to_empty(device="cpu")
    put_back(model, tensors)
    model.stages = ()  # they are behind it
    return model.eval()
