"""What lies between values that are shown: a first guess of hidden ones, which a network then corrects."""

import torch
import torch.nn.functional as F
from torch import Tensor

HALVINGS = 6
"""How often a picture is halved at most, so that a guess depends on what lies within about 64 pixels."""
MEANS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
BETWEEN = {1: "linear", 2: "bilinear", 3: "trilinear"}


def interpolated(x: Tensor, visible: Tensor) -> Tensor:
    """Values with hidden ones guessed: in time between those before and after, in pictures from means over areas.

    Args:
        x: Values on a grid, (n, channels, *grid), of series and video time first.
        visible: Where they are shown, of the same shape.

    >>> x, shown = torch.tensor([[[1.0, 0.0, 0.0, 4.0, 0.0]]]), torch.tensor([[[True, False, False, True, False]]])
    >>> interpolated(x, shown).tolist()
    [[[1.0, 2.0, 3.0, 4.0, 4.0]]]
    """
    if x.ndim != 4:
        x, visible = in_time(x, visible)
    return x if x.ndim == 3 else from_means(x, visible, HALVINGS)


def in_time(x: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden values between the nearest shown before and after, or like the nearest, and where either is shown."""
    before, since = _last(x, visible)
    after, until = (found.flip(2) for found in _last(x.flip(2), visible.flip(2)))
    near, far = 1 / since, 1 / until
    known = visible | since.isfinite() | until.isfinite()
    between = (near * before + far * after) / (near + far)
    return torch.where(visible, x, torch.where(known, between, 0)), known


def _last(x: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    """The last value that was shown at each moment, and how long ago that was, infinite where there was none."""
    value, ago = torch.zeros_like(x[:, :, 0]), torch.full_like(x[:, :, 0], torch.inf)
    values, agos = [], []
    for moment, shown in zip(x.unbind(2), visible.unbind(2), strict=True):
        value, ago = torch.where(shown, moment, value), torch.where(shown, 0, ago + 1)
        values.append(value)
        agos.append(ago)
    return torch.stack(values, 2), torch.stack(agos, 2)


def from_means(x: Tensor, visible: Tensor, halvings: int) -> Tensor:
    """Hidden values from means over areas of twice the size, as often as it takes (pull-push).

    Source: Gortler, Grzeszczuk, Szeliski and Cohen (1996), https://doi.org/10.1145/237170.237200.
    """
    grid = x.shape[2:]
    if halvings == 0 or max(grid) == 1 or bool(visible.all()):
        return x
    pad = [side for size in reversed(grid) for side in (0, size % 2)]
    weight = MEANS[len(grid)](F.pad(visible.to(x.dtype), pad), 2)
    mean = MEANS[len(grid)](F.pad(x * visible, pad), 2) / weight.clamp(min=1e-6)
    coarse = from_means(mean, weight > 0, halvings - 1)
    padded = [size + size % 2 for size in grid]
    fine = F.interpolate(coarse, size=padded, mode=BETWEEN[len(grid)], align_corners=False)
    for axis, size in enumerate(grid, 2):
        fine = fine.narrow(axis, 0, size)
    return torch.where(visible, x, fine)
