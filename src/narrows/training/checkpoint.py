"""Checkpoints: one file that holds a whole moment of a run, so that a resumed run ends in the same bits."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from narrows.core.errors import FileError
from narrows.data import tensor_file
from narrows.training.optimisers import all_state, restore_state

NAME = "checkpoint.safetensors"
STAGE = "stage_"
"""What the folders of pretraining's stages are called, before their numbers."""


@dataclass
class Progress:
    """Where a run stands, in plain numbers."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_score: float = float("inf")
    rate_scale: float = 1.0
    failures: int = 0
    elapsed: float = 0.0
    finished: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)


def weights(module: nn.Module) -> dict[str, Tensor]:
    """Every weight and running state of a module, once each even where it is shared."""
    state = module.state_dict()
    return dict(module.named_parameters()) | {name: b for name, b in module.named_buffers() if name in state}


def copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies that later steps do not reach."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def keep(tensors: dict[str, Tensor], kept: dict[str, Tensor]) -> None:
    """Copy tensors into those kept under the same names, in place where there are any."""
    for name, tensor in tensors.items():
        if name in kept:
            kept[name].copy_(tensor.detach())
        else:
            kept[name] = tensor.detach().clone()


def put_back(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Set every weight of a module to what `weights` gave."""
    for name, tensor in weights(module).items():
        tensor.data.copy_(tensors[name])


@dataclass
class Moment:
    """A whole state of training: weights, moments of the optimisers, and the generator of the noise."""

    weights: dict[str, Tensor]
    optimisers: dict[str, Tensor]
    noise: Tensor

    @classmethod
    def of(cls, module: nn.Module, optimizers: list[Optimizer], rng: Generator) -> Moment:
        """A copy of the present."""
        return cls(copied(weights(module)), copied(all_state(optimizers)), rng.get_state())

    def restore(self, module: nn.Module, optimizers: list[Optimizer], rng: Generator) -> None:
        """Go back to it."""
        put_back(module, self.weights)
        restore_state(optimizers, self.optimisers)
        rng.set_state(self.noise)

    def tensors(self) -> dict[str, Tensor]:
        """Named tensors for a file."""
        named = {f"weights.{name}": tensor for name, tensor in self.weights.items()}
        named |= {f"optimisers.{name}": tensor for name, tensor in self.optimisers.items()}
        return named | {"noise": self.noise}

    @classmethod
    def read(cls, tensors: dict[str, Tensor]) -> Moment:
        """What `tensors` gave."""
        return cls(_under("weights.", tensors), _under("optimisers.", tensors), tensors["noise"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def seed_in(folder: str | Path) -> int | None:
    """The seed of the run whose checkpoint lies in a folder, so that a run without one can go on; None for none."""
    run = run_in(folder)
    return int(run["seed"]) if run else None


def run_in(folder: str | Path) -> dict[str, Any]:
    """What identifies the run whose checkpoint lies in a folder; nothing where there is none."""
    for path in (Path(folder) / NAME, Path(folder) / f"{STAGE}1" / NAME):
        if path.exists():
            found: dict[str, Any] = tensor_file.read(path, "checkpoint")[0]["run"]
            return found
    return {}


@dataclass
class Checkpoint:
    """A folder that a run writes to and resumes from.

    Args:
        folder: Where; made if it does not exist.
        run: What identifies the run: plan, recipe and data. A checkpoint of another run is refused.
    """

    folder: Path
    run: dict[str, Any]

    def __post_init__(self) -> None:
        self.run = json.loads(json.dumps(self.run))  # as a file gives it back: tuples become lists

    def part(self, name: str) -> Checkpoint:
        """A folder within this one, for a part of the same run."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return Checkpoint(folder, self.run | {"part": name})

    def save(
        self,
        progress: Progress,
        now: Moment,
        best: dict[str, Tensor],
        terms: dict[str, Tensor],
    ) -> None:
        """Write one moment, in place of the last one."""
        tensors = now.tensors()
        tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
        tensors |= {f"terms.{name}": tensor for name, tensor in terms.items()}
        document = {"run": self.run, "progress": asdict(progress)}
        tensor_file.write(self.folder / NAME, "checkpoint", document, tensors)

    def load(self) -> tuple[Progress, Moment, dict[str, Tensor], dict[str, Tensor]] | None:
        """The last moment written, or None where there is none.

        Raises:
            FileError: The folder holds a checkpoint of another run, or a damaged one.
        """
        path = self.folder / NAME
        if not path.exists():
            return None
        for leftover in self.folder.glob(f".{path.stem}.*.part{path.suffix}"):  # of a run that was killed
            leftover.unlink(missing_ok=True)
        document, tensors = tensor_file.read(path, "checkpoint")
        differs = sorted(k for k in self.run if document["run"].get(k) != self.run[k])
        if differs:
            raise FileError(
                f"{path} belongs to another run (other {', '.join(differs)}): choose another folder or delete it"
            )
        return (
            Progress(**document["progress"]),
            Moment.read(tensors),
            _under("best.", tensors),
            _under("terms.", tensors),
        )
