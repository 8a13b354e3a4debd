"""Samples in pairs: what was recorded, and what it should have been."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

from narrows.core.errors import InputError
from narrows.core.spec import Kind, Values
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.samples import ArraySamples, Samples
from narrows.data.schema import ArraySchema, Schema
from narrows.data.sources import GatheredSource, Source


class PairedSamples(Samples):
    """Clean samples, each with a corrupted recording of it, which views carry as their context.

    Args:
        recorded: Corrupted samples, (n, ...).
        clean: Clean ones of the same shape.

    Raises:
        InputError: Other shapes.
    """

    def __init__(self, recorded: Array, clean: Array) -> None:
        super().__init__(clean)
        if recorded.shape != clean.shape:
            raise InputError(f"pairs have one shape, got {recorded.shape} recorded and {clean.shape} clean")
        self.recorded = ArraySamples(recorded, 2)
        self.clean = ArraySamples(clean, 2)
        self.form = self.clean.form

    def __len__(self) -> int:
        return len(self.clean)

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> ArraySchema:
        return self.clean.learn(values, scaling, kind)

    def check(self, schema: Schema) -> None:
        self.clean.check(schema)

    def source(self, schema: ArraySchema, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        recorded, clean = self.recorded.source(schema, rows, device), self.clean.source(schema, rows, device)
        assert isinstance(recorded, GatheredSource)
        assert isinstance(clean, GatheredSource)
        return PairedSource(recorded, clean)

    def like(self, values: Any) -> Any:
        return self.clean.like(values)


class PairedSource(GatheredSource):
    """Batches of clean samples with their recordings as context."""

    def __init__(self, recorded: GatheredSource, clean: GatheredSource) -> None:
        super().__init__(clean.spec, len(clean), None, clean.device)
        self.recorded = recorded
        self.clean = clean

    def digest(self) -> str:
        return sha256((self.recorded.digest() + self.clean.digest()).encode()).hexdigest()

    def gather(self, rows: Tensor) -> View:
        return replace(self.clean.take(rows), context=self.recorded.take(rows).x)
