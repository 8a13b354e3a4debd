"""Restoring pictures: narrows beside what is used without learning, in decibels, similarity and processor seconds.

    python benchmarks/restoration.py photos alone digits video [--data FOLDER] [--pictures 20] [--write]

`photos`: the weights that ship with narrows on photographs that they have not seen: noise of a standard deviation of 25
taken away, and pictures enlarged by 2. `alone`: denoisers that learn from the one noisy picture that they restore.
`digits`: noise of 0.5, and half of the pixels hidden, on MNIST and Fashion-MNIST. `video`: 64 grey frames of three
clips with noise of 25, and with a fifth of the frames dropped; peers see one frame, or those beside one that is
missing. Peers are told the true level of the noise, and total variation the strength that serves it best on the first
picture. Each section keeps its own table in README.md, which `--write` replaces.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import bm3d
import cv2
import numpy as np
import torch
from PIL import Image
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet, inpaint_biharmonic

import narrows
from common import DATA, load, machine, table, write_between
from narrows.metrics import peak_signal_to_noise_ratio, structural_similarity

Picture = np.ndarray
Denoise = Callable[[Picture, float], Picture]
SIGMA = 25.0
HEAD = ("method", "PSNR, dB", "SSIM", "processor s per megapixel")
ALONE = ("kodim23", "kodim07", "kodim15")
"""Photographs that are restored from themselves alone."""
DROPPED = 0.2
"""Share of the frames that are dropped."""
CLIPS = {"bikes": 40, "big_buck_bunny_0_30": 100, "chaplin": 0}
"""Clips, and the first frame that is taken of each."""
WEIGHTS = (0.5, 0.7, 0.9, 1.1, 1.4)
"""Strengths of total variation, in standard deviations of the noise, of which the best is taken."""


def photographs(folder: Path, most: int, pattern: str = "*") -> Iterator[Picture]:
    """Grey pictures of a folder, uint8."""
    for path in sorted(folder.glob(pattern))[:most]:
        with Image.open(path) as opened:
            yield np.asarray(opened.convert("L"))


def middle(picture: Picture, side: int) -> Picture:
    """The middle of a picture, (height, width)."""
    top, left = ((size - side) // 2 for size in picture.shape)
    return picture[top : top + side, left : left + side]


def noisy(clean: Picture, sigma: float, seed: int) -> Picture:
    """A picture with normal noise, float64, neither rounded nor clipped."""
    return clean + sigma * np.random.default_rng(seed).normal(size=clean.shape)


def non_local_means(shown: Picture, sigma: float) -> Picture:
    """Buades, Coll and Morel (2005), in its fast form."""
    unit = shown / 255
    return 255 * denoise_nl_means(unit, h=0.8 * sigma / 255, sigma=sigma / 255, patch_size=5, patch_distance=6)


def block_matching(shown: Picture, sigma: float) -> Picture:
    """BM3D, by its authors."""
    return bm3d.bm3d(shown, sigma)


def wavelet(shown: Picture, sigma: float, mode: str = "soft") -> Picture:
    """Soft thresholds after Chang, Yu and Vetterli (2000)."""
    return 255 * denoise_wavelet(shown / 255, sigma=sigma / 255, method="BayesShrink", mode=mode, rescale_sigma=True)


def total_variation(shown: Picture, sigma: float, weight: float) -> Picture:
    """Rudin, Osher and Fatemi (1992), by Chambolle's projection."""
    return 255 * denoise_tv_chambolle(shown / 255, weight=weight * sigma / 255)


def best_variation(clean: Picture, shown: Picture, sigma: float) -> Denoise:
    """Total variation with the strength that serves best on one picture."""
    tried = [partial(total_variation, weight=weight) for weight in WEIGHTS]
    return max(tried, key=lambda each: peak_signal_to_noise_ratio(clean, each(shown, sigma)))


def judged(name: str, clean: Sequence[Picture], found: Sequence[Picture], seconds: float | None) -> list[str]:
    """A row: mean PSNR, mean SSIM, processor seconds for a megapixel."""
    kept = [np.clip(picture, 0, 255) for picture in found]
    ratio = np.mean([peak_signal_to_noise_ratio(a, b) for a, b in zip(clean, kept, strict=True)])
    alike = np.mean([structural_similarity(a, b) for a, b in zip(clean, kept, strict=True)])
    pixels = sum(picture.shape[0] * picture.shape[1] for picture in clean) / 1e6
    return [name, f"{ratio:.2f}", f"{alike:.3f}", "" if seconds is None else f"{seconds / pixels:.2f}"]


def timed(restore: Callable[[Picture], Picture], shown: Sequence[Picture]) -> tuple[list[Picture], float]:
    """Each picture restored, and processor seconds for all."""
    began = time.process_time()
    found = [restore(picture) for picture in shown]
    return found, time.process_time() - began


def one(estimator: object) -> Callable[[Picture], Picture]:
    """An estimator as what restores one picture."""
    return lambda picture: estimator.transform([picture])[0]


def denoised(
    name: str, clean: Sequence[Picture], shown: Sequence[Picture], sigma: float, ours: dict[str, object]
) -> list[list[str]]:
    """Rows of pictures with noise, restored by estimators and by the peers."""
    methods = {called: one(estimator) for called, estimator in ours.items()} | {
        "BM3D": partial(block_matching, sigma=sigma),
        "non-local means": partial(non_local_means, sigma=sigma),
        "total variation": partial(best_variation(clean[0], shown[0], sigma), sigma=sigma),
        "wavelets": partial(wavelet, sigma=sigma),
    }
    rows = [[name, *judged("noisy", clean, shown, None)]]
    for method, restore in methods.items():
        rows.append([name, *judged(method, clean, *timed(restore, shown))])
        print(*rows[-1], sep="  ", flush=True)
    return rows


def denoised_photos(name: str, clean: list[Picture]) -> list[list[str]]:
    """Rows of one set of photographs, with noise."""
    shown = [noisy(picture, SIGMA, place) for place, picture in enumerate(clean)]
    ours = {
        "narrows, noise estimated": narrows.Denoiser.pretrained(),
        "narrows, noise told": narrows.Denoiser.pretrained(noise=SIGMA),
    }
    return denoised(f"{name}, noise of {SIGMA:.0f}", clean, shown, SIGMA, ours)


def alone(asked: argparse.Namespace) -> str:
    """The section on single noisy pictures: the middle 512 x 512 of a few of Kodak's photographs."""
    rows = []
    for place, name in enumerate(ALONE):
        clean = middle(next(photographs(asked.data / "images" / "kodak24", 1, f"{name}.*")), 512)
        shown = noisy(clean, SIGMA, place).astype(np.float32)
        began = time.process_time()
        ours = narrows.Denoiser(training="noisy", random_state=0, verbose=0).fit([shown])
        taught = time.process_time() - began
        rows += denoised(name, [clean], [shown], SIGMA, {f"narrows, learned in {taught:.0f} processor s": ours})
    return f"one picture each.\n\n{table(['grey picture', *HEAD], rows)}"


def enlarged_photos(name: str, clean: list[Picture], small: list[Picture]) -> list[list[str]]:
    """Rows of one set of photographs, enlarged."""
    methods = {
        "narrows": one(narrows.Upscaler.pretrained()),
        "bicubic": lambda p: np.asarray(Image.fromarray(p).resize((2 * p.shape[1], 2 * p.shape[0]), Image.BICUBIC)),
    }
    rows = []
    for method, restore in methods.items():
        rows.append([f"{name}, enlarged by 2", *judged(method, clean, *timed(restore, small))])
        print(*rows[-1], sep="  ", flush=True)
    return rows


def halves(clean: list[Picture]) -> tuple[list[Picture], list[Picture]]:
    """Pictures cut to even sides, and half as large by Pillow's bicubic interpolation."""
    even = [picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2] for picture in clean]
    sizes = [(picture.shape[1] // 2, picture.shape[0] // 2) for picture in even]
    small = [Image.fromarray(p).resize(size, Image.BICUBIC) for p, size in zip(even, sizes, strict=True)]
    return even, [np.asarray(picture) for picture in small]


def photos(asked: argparse.Namespace) -> str:
    """The section on photographs."""
    images = asked.data / "images"
    set5 = list(photographs(images / "set5_sr", 5, "*SRF_2_HR.png"))
    bsds = list(photographs(images / "bsds500_train80", asked.pictures))
    rows = denoised_photos("Set5", set5) + denoised_photos("BSDS", bsds)
    rows += enlarged_photos("Set5", set5, list(photographs(images / "set5_sr", 5, "*SRF_2_LR.png")))
    rows += enlarged_photos("BSDS", *halves(bsds))
    return f"{len(set5)} and {len(bsds)} pictures.\n\n{table(['grey pictures', *HEAD], rows)}"


def filled(inpaint: Callable[[Picture, Picture], Picture], shown: Picture, masks: Picture) -> tuple[list, float]:
    """Each picture filled, and processor seconds for all."""
    began = time.process_time()
    found = [inpaint(picture, mask) for picture, mask in zip(shown, masks, strict=True)]
    return found, time.process_time() - began


def telea(picture: Picture, mask: Picture) -> Picture:
    """Telea (2004), by OpenCV."""
    return cv2.inpaint(picture, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)


def biharmonic(picture: Picture, mask: Picture) -> Picture:
    """Damelin and Hoang (2018), by scikit-image."""
    return 255 * inpaint_biharmonic(picture / 255, mask)


def small_pictures(name: str, asked: argparse.Namespace) -> list[list[str]]:
    """Rows of one set of small pictures: noise of 0.5 of the range, and half of the pixels hidden."""
    found = np.load(asked.data / "images" / f"{name}.npz")
    train, clean = found["x_train"][: asked.rows], found["x_test"][:100]
    sigma = 0.5 * 255
    shown = np.stack([noisy(picture, sigma, place) for place, picture in enumerate(clean)])
    options = {"epochs": asked.epochs, "random_state": 0, "verbose": 0}
    began = time.process_time()
    ours = narrows.Denoiser(noise=sigma, **options).fit(train.astype(np.float32))
    taught = time.process_time() - began
    rows = denoised(f"{name}, noise of 0.5", clean, shown, sigma, {"narrows": ours})
    masks = np.random.default_rng(0).random(clean.shape) < 0.5
    began = time.process_time()
    inpainter = narrows.Inpainter(**options).fit(train)
    print(f"trained in {taught:.0f} s and {time.process_time() - began:.0f} s of processor", flush=True)
    fillers = {
        "narrows": lambda p, m: inpainter.transform([p], [m])[0],
        "biharmonic": biharmonic,
        "Telea": telea,
    }
    for method, fill in fillers.items():
        rows.append([f"{name}, half hidden", *judged(method, clean, *filled(fill, np.where(masks, 0, clean), masks))])
        print(*rows[-1], sep="  ", flush=True)
    return rows


def digits(asked: argparse.Namespace) -> str:
    """The section on small pictures."""
    rows = small_pictures("mnist", asked) + small_pictures("fashion_mnist", asked)
    said = f"100 test pictures each; narrows learned from {asked.rows:,} others in {asked.epochs} epochs."
    return f"{said}\n\n{table(['pictures', *HEAD], rows)}"


def frame_wise(restore: Denoise) -> Callable[[Picture], Picture]:
    """A clip restored one frame after the other."""
    return lambda clip: np.stack([restore(frame) for frame in clip])


def denoised_video(name: str, clean: Picture) -> list[list[str]]:
    """Rows of one clip, (frames, height, width), with noise."""
    shown, ours = noisy(clean, SIGMA, 0), narrows.Denoiser.pretrained(noise=SIGMA)
    methods = {
        "narrows": lambda clip: ours.transform(clip[None, ..., None])[0, ..., 0],
        "narrows, frame by frame": ours.transform,
        "BM3D, frame by frame": frame_wise(partial(block_matching, sigma=SIGMA)),
        "non-local means, frame by frame": frame_wise(partial(non_local_means, sigma=SIGMA)),
    }
    rows = [judged("noisy", clean, shown, None)]
    for method, restore in methods.items():
        began = time.process_time()
        found = restore(shown.astype(np.float32))
        rows.append(judged(method, clean, found, time.process_time() - began))
        print(name, *rows[-1], sep="  ", flush=True)
    return [[f"{name}, noise of {SIGMA:.0f}", *row] for row in rows]


def neighbours(gone: Picture) -> tuple[Picture, Picture]:
    """The nearest frames before and after each that is gone and are there."""
    places, known = np.flatnonzero(gone), np.flatnonzero(~gone)
    after = np.searchsorted(known, places)
    return known[after - 1], known[after]


def filled_video(name: str, clean: Picture, asked: argparse.Namespace) -> list[list[str]]:
    """Rows of one clip of which frames are dropped; only those are judged."""
    gone = np.random.default_rng(0).random(len(clean)) < DROPPED
    gone[[0, -1]] = False
    places, (before, after) = np.flatnonzero(gone), neighbours(gone)
    share = ((places - before) / (after - before))[:, None, None]
    began = time.process_time()
    ours = narrows.Inpainter(epochs=asked.passes, random_state=0, verbose=0)
    shown = np.where(gone[:, None, None], np.nan, clean).astype(np.float32)[None, ..., None]
    found = ours.fit(shown).transform(shown)[0, gone, ..., 0]
    seconds = time.process_time() - began
    rows = [
        judged("narrows, trained on what is left", clean[gone], found, seconds),
        judged("between the frames beside it", clean[gone], (1 - share) * clean[before] + share * clean[after], None),
        judged("the frame before", clean[gone], clean[before], None),
    ]
    for row in rows:
        print(name, *row, sep="  ", flush=True)
    return [[f"{name}, frames dropped", *row] for row in rows]


def video(asked: argparse.Namespace) -> str:
    """The section on video."""
    rows = []
    for name, first in CLIPS.items():
        frames = np.load(asked.data / "video" / f"{name}.npz")["frames"][first : first + asked.frames]
        clean = frames.mean(-1).round().astype(np.uint8)
        rows += denoised_video(name, clean) + filled_video(name, clean, asked)
    said = f"{asked.frames} frames of each clip; {asked.passes} epochs on frames that are left."
    return f"{said}\n\n{table(['clip', *HEAD], rows)}"


SECTIONS = {"photos": photos, "alone": alone, "digits": digits, "video": video}


def main() -> None:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="+", choices=SECTIONS)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--pictures", type=int, default=20, help="of BSDS, at most 80")
    parser.add_argument("--rows", type=int, default=4_000, help="small pictures to learn from")
    parser.add_argument("--epochs", type=int, default=40, help="passes over them")
    parser.add_argument("--frames", type=int, default=64, help="of each clip")
    parser.add_argument("--passes", type=int, default=40, help="over a clip of which frames are dropped")
    parser.add_argument("--write", action="store_true", help="replace the tables in README.md")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")
    for name in asked.sections:
        found = SECTIONS[name](asked)
        if asked.write:
            write_between(f"restoration-{name}", f"{machine()}; load {load()} at the end; {found}")


if __name__ == "__main__":
    main()
