"""Train the weights that ship with narrows: a denoiser and an upscaler for photographs.

    python tools/train_restorers.py denoiser KODAK --test "BSDS=bsds/*.jpg" "Set5=set5/*HR.png"

learns from Kodak's 24 photographs (released for unrestricted use), at three sizes, and writes a model file. The network
is that of the recipe `restoring`, U-shaped; its code is one number, which the encoder learns to be the level of the
noise, so that it may also be told. The learning rate stays until the last share of the steps and then falls to zero in
a straight line, so that a run that was stopped can be ended early or made longer (`--steps`). `--start` begins with the
weights of a model file, as far as the networks have the same layers, and with further blocks that do nothing yet; what
made that file is then written into the new one. Pictures that are tested are of no influence: what is measured is only
written into the file.
"""
# ruff: noqa: T201  (the script speaks to a terminal)

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Generator, Tensor

import narrows
from narrows.core.trace import Code, Features, View
from narrows.data.door import samples
from narrows.estimators.restorer import LEVEL
from narrows.estimators.restoring import PictureRestorer
from narrows.metrics import peak_signal_to_noise_ratio
from narrows.model import AutoencoderModule
from narrows.training.checkpoint import Checkpoint, Moment, Progress
from narrows.training.fit import Request, prepare
from narrows.training.seeds import WEIGHTS, generator

Pixels = NDArray[np.uint8]
SIZES = (1.0, 0.75, 0.5)
"""The sizes at which photographs are learned from; smaller ones have finer detail."""
BATCH, PATCH = 8, 64
"""How many patches a step sees, and how many pixels each is wide and high."""
RATE, WARMUP, FALLING = 1e-3, 200, 0.7
"""The learning rate, over how many steps it rises, and in what share of all steps it falls at last."""
EXACT = 0.01
"""The last share of the steps, which multiplies in float32, as the model will; those before multiply in bfloat16."""
GREY = 0.65
"""The share of patches without colours."""
STRONGEST = 55.0
"""Up to what standard deviation noise is learned, on the scale of 0 to 255."""
GUESSED, WRONG = 2, 0.1
"""Of how many patches the encoder guesses the level, and how wrong that is which the decoder is told, relatively."""
TESTED = 25.0
"""The noise that a denoiser is tested with."""


@dataclass(frozen=True)
class Batch:
    """Clean patches (n, c, h, w), the same as shown, and the level of the noise (n, 1) where there is one."""

    clean: Tensor
    shown: Tensor
    level: Tensor | None = None


@dataclass(frozen=True)
class Job:
    """One of the two models.

    Args:
        channels: Of the pictures that it takes.
        options: Of the recipe.
        spoil: What it learns to undo, on the scale of 0 to 255.
        estimator: What it becomes.
        code: What its code says.
        test: A clean picture to what is shown of it, and what it is compared with.
    """

    channels: int
    options: dict[str, Any]
    spoil: Callable[[Tensor, Generator], tuple[Tensor, Tensor | None]]
    estimator: Callable[..., PictureRestorer]
    code: str
    test: Callable[[Pixels], tuple[Pixels, Pixels, Pixels]]


def noisy(clean: Tensor, rng: Generator) -> tuple[Tensor, Tensor]:
    """Normal noise of any level, as strong in all channels; half of the patches rounded and clipped to 8 bits."""
    level = STRONGEST * torch.rand((len(clean), 1, 1, 1), generator=rng)
    noise = torch.randn(clean.shape, generator=rng)
    same = (clean == clean[:, :1]).flatten(1).all(1).view(-1, 1, 1, 1)
    shown = clean + level * torch.where(same, noise[:, :1], noise)
    stored = torch.rand((len(clean), 1, 1, 1), generator=rng) < 0.5
    return torch.where(stored, shown.round().clamp(0, 255), shown), level.flatten(1)


def halved(clean: Tensor, rng: Generator) -> tuple[Tensor, None]:
    """Half as many pixels along each side, means over boxes or bicubic, enlarged again as `Upscaler` does."""
    boxes = F.avg_pool2d(clean, 2)
    smooth = F.interpolate(clean, scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False)
    which = torch.rand((len(clean), 1, 1, 1), generator=rng) < 0.5
    small = torch.where(which, boxes, smooth).round().clamp(0, 255)
    return F.interpolate(small, scale_factor=2.0, mode="bicubic", align_corners=False), None


def with_noise(clean: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """A picture, with noise to be denoised, and the same to be compared with."""
    noise = TESTED * np.random.default_rng(0).normal(size=clean.shape)
    shown = np.clip(np.round(clean + noise), 0, 255).astype(np.uint8)
    return clean, shown, shown


def made_small(clean: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """A picture of even sides, half of it along each side, and that enlarged by bicubic interpolation."""
    height, width = (size // 2 * 2 for size in clean.shape[:2])
    whole = Image.fromarray(clean[:height, :width])
    small = whole.resize((width // 2, height // 2), Image.Resampling.BICUBIC)
    return np.asarray(whole), np.asarray(small), np.asarray(small.resize(whole.size, Image.Resampling.BICUBIC))


def network(*widths: int, blocks: int) -> dict[str, Any]:
    """The options of a recipe with so many residual blocks on each level, down and up."""
    return {"network": {"name": "restoring", "widths": list(widths), "blocks": blocks, "activation": "relu"}}


JOBS = {
    "denoiser": Job(3, network(64, 64, blocks=3), noisy, narrows.Denoiser, LEVEL, with_noise),
    "upscaler": Job(1, network(64, 64, blocks=1), halved, narrows.Upscaler, "sharpness", made_small),
}


def photographs(paths: Iterable[Path], sizes: tuple[float, ...] = (1.0,)) -> list[Pixels]:
    """Pictures in colour, (h, w, 3), at each size."""
    found = []
    for path in sorted(paths):
        with Image.open(path) as opened:
            whole = opened.convert("RGB")
        for size in sizes:
            shape = tuple(round(side * size) for side in whole.size)
            found.append(np.asarray(whole.resize(shape, Image.Resampling.BOX)))
    return found


class Patches:
    """Patches of photographs, at random places, turned and mirrored, some without colours."""

    def __init__(self, pictures: list[Pixels], channels: int) -> None:
        self.pictures = [torch.from_numpy(np.moveaxis(picture, 2, 0).copy()) for picture in pictures]
        self.channels = channels

    def draw(self, rng: Generator) -> Tensor:
        """(n, channels, h, w) on the scale of 0 to 255."""
        found = []
        for place in torch.randint(len(self.pictures), (BATCH,), generator=rng).tolist():
            picture = self.pictures[place]
            top, left, turn = (torch.rand(3, generator=rng) * torch.tensor([*_spare(picture), 8])).int().tolist()
            patch = picture[:, top : top + PATCH, left : left + PATCH].float()
            patch = patch.mT if turn & 1 else patch
            found.append(patch.flip([axis for bit, axis in ((2, 1), (4, 2)) if turn & bit]))
        patches = torch.stack(found)
        weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        grey = (patches * weights).sum(1, keepdim=True).round().expand_as(patches)
        colourless = torch.rand((BATCH, 1, 1, 1), generator=rng) < GREY
        patches = torch.where(colourless, grey, patches)
        if self.channels == 1:  # a plane of colours, or grey
            return patches[:, 1:2]
        return patches[:, torch.randperm(3, generator=rng)]


def _spare(picture: Tensor) -> tuple[int, int]:
    return picture.shape[1] - PATCH + 1, picture.shape[2] - PATCH + 1


def loss(model: AutoencoderModule, batch: Batch, rng: Generator) -> tuple[Tensor, Tensor]:
    """Mean absolute error, in units of the scaled data, with that of the level of noise; and the first alone."""
    if batch.level is None:
        features, off = model.encoder(View(batch.shown)), torch.zeros(())
        z = features.values
    else:
        guessed = model.encoder(View(batch.shown[:GUESSED])).values
        off = (guessed - batch.level[:GUESSED]).abs().mean()
        z = batch.level * (1 + WRONG * torch.randn(batch.level.shape, generator=rng))
        features = Features(z, (batch.shown, batch.shown))
    nothing = z.new_zeros(len(z))
    error = (model.decode(Code(z, nothing, nothing, features.side)).mean() - batch.clean).abs().mean()
    return error + off, error.detach()


def rate(step: int, steps: int) -> float:
    """The share of the learning rate at a step."""
    left = (steps - step) / (FALLING * steps)
    return min(1.0, (step + 1) / WARMUP, left)


def begin(model: AutoencoderModule, start: PictureRestorer) -> None:
    """Take over the weights of a model, where layers are the same; blocks that it lacks do nothing at first."""
    old = start.module_.state_dict()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in old and old[name].shape == weight.shape:
                weight.copy_(old[name])
            elif ".second." in name:
                weight.zero_()


def train(job: Job, asked: argparse.Namespace) -> PictureRestorer:
    """Train a model, and give it the estimator's form; goes on from a checkpoint where there is one."""
    folder, steps, seed, every = asked.photographs, asked.steps, asked.seed, asked.every
    checkpoints = asked.checkpoint / asked.job
    pictures = photographs(folder.glob("*.png"), SIZES)
    patches = Patches(pictures, job.channels)
    shape = (1, PATCH, PATCH, job.channels)[: 4 if job.channels > 1 else 3]
    shown = np.concatenate([picture.reshape(-1)[: 1 << 16] for picture in pictures])
    learned = np.resize(shown, (64, *shape[1:]))
    request = Request(recipe="restoring", latent_dim=1, options=job.options, likelihood={"name": "laplace"}, seed=seed)
    model, schema, chosen = prepare(samples(learned, 2), request)
    start = None if asked.start is None else narrows.load(asked.start)
    if start is not None:
        schema = start.schema_
        begin(model, start)
    scale, shift = float(schema.scale.item()), float(schema.shift.item())
    model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    rng = generator(seed, WEIGHTS)
    checkpoints.mkdir(parents=True, exist_ok=True)
    keeper = Checkpoint(checkpoints, {"seed": seed, "options": job.options, "batch": BATCH, "patch": PATCH})
    kept, first = keeper.load(), 0
    if kept is not None:
        kept[1].restore(model, [optimizer], rng)
        first = kept[0].step
    mean, begun = 0.0, time.process_time()
    for step in range(first, steps):
        clean = patches.draw(rng)
        seen, level = job.spoil(clean, rng)
        batch = Batch((clean - shift) / scale, (seen - shift) / scale, None if level is None else level / scale)
        for group in optimizer.param_groups:
            group["lr"] = RATE * rate(step, steps)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=step < (1 - EXACT) * steps):
            total, error = loss(model, batch, rng)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        mean += (float(error) * scale - mean) / min(step - first + 1, every)
        if (step + 1) % every == 0 or step + 1 == steps:
            keeper.save(Progress(step=step + 1), Moment.of(model, [optimizer], rng), {}, {})
            print(f"{step + 1:,} error {mean:.3f} of 255, {time.process_time() - begun:.0f} s of CPU", flush=True)
    made = {"script": "tools/train_restorers.py", "data": "Kodak's 24 photographs", "steps": steps}
    if start is not None:
        made["start"] = start.chosen_["made"]
    return finished(job, model.to(memory_format=torch.contiguous_format), schema, chosen | {"made": made})


def finished(job: Job, model: AutoencoderModule, schema: Any, chosen: dict[str, Any]) -> PictureRestorer:
    """A fitted estimator, its weights rounded to half precision."""
    estimator = job.estimator(
        recipe="restoring",
        latent_dim=1,
        recipe_options=job.options,
        likelihood="laplace",
        random_state=chosen["seed"],
        verbose=0,
    )
    for weight in model.parameters():
        weight.data = weight.data.half().float()
    estimator.module_, estimator.schema_ = model.eval(), schema
    estimator.chosen_ = chosen | {"code": job.code}
    estimator.history_, estimator.kept_, estimator.n_features_in_ = [], "model", int(np.prod(schema.raw_shape[1:]))
    return estimator


def measured(job: Job, estimator: PictureRestorer, paths: Iterable[Path]) -> dict[str, float]:
    """Mean PSNR of pictures in grey, before and after."""
    before, after = [], []
    for picture in photographs(paths):
        clean, shown, simple = job.test(np.asarray(Image.fromarray(picture).convert("L")))
        (restored,) = estimator.transform([shown])
        before.append(peak_signal_to_noise_ratio(clean, simple))
        after.append(peak_signal_to_noise_ratio(clean, restored))
    return {"pictures": len(after), "before": round(fmean(before), 2), "after": round(fmean(after), 2)}


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("photographs", type=Path, help="the folder of Kodak's photographs")
    parser.add_argument("--test", nargs="*", default=[], help="pictures to measure on: NAME=FOLDER/PATTERN")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=500, help="after how many steps a checkpoint is written")
    parser.add_argument("--checkpoint", type=Path, default=Path("runs"), help="the folder to go on from")
    parser.add_argument("--start", type=Path, help="the model file whose weights are begun with")
    parser.add_argument("--output", type=Path, default=None)
    asked = parser.parse_args()
    job = JOBS[asked.job]
    estimator = train(job, asked)
    figures = {}
    for name, pattern in (test.split("=") for test in asked.test):
        figures[name] = measured(job, estimator, Path(pattern).parent.glob(Path(pattern).name))
        print(name, figures[name])
    estimator.chosen_["made"]["figures"] = figures
    estimator.module_.half()  # the file is half as large, and is read as float32
    estimator.save(asked.output or Path(f"{asked.job}.safetensors"))


if __name__ == "__main__":
    main()
