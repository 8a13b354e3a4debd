r"""Learning to foretell the codes of images from those around them, for `coding.latent_network`.

loss = -log2 [S((y + 1/2 - m) / s) - S((y - 1/2 - m) / s)]    bits, S the sigmoid, m and s as the network says
"""

from __future__ import annotations

import time
from itertools import pairwise
from math import log

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from narrows.coding.integers import IntegerNetwork
from narrows.coding.latent_network import (
    EDGES,
    FINE,
    NARROWEST,
    NATS,
    OFFSET,
    SHARE,
    STEEPEST,
    TOP,
    LatentNetwork,
    Whole,
    groups,
    seen_bounds,
    seen_of,
    size_of,
)
from narrows.coding.latents import with_room
from narrows.data.arrays import Array
from narrows.networks.layers import linear

HIDDEN = 64
"""Units of each of the two hidden layers."""
STEPS, PLACES, RATE = 2500, 2048, 4e-3
"""How many steps, places of a step, and the largest learning rate."""
LEAST_SPREAD = 0.3
"""Channels that vary less are taken as if they varied so much."""
BITS, HARM = (6, 8, 10, 12), 0.002
"""So many bits weights may have; the fewest are taken that add no more than such a share to the bytes."""
CALIBRATED = 1 << 13
"""So many places decide about the whole numbers of the network."""


class CodeForeteller(nn.Module):
    """What is expected of all channels of a place, and how far from it.

    Args:
        spreads: Of the channels, (channels,).
        middles: Likewise.
        rng: Draws the weights.
    """

    earlier: Tensor
    spreads: Tensor
    middles: Tensor
    units: Tensor

    def __init__(self, spreads: Tensor, middles: Tensor, rng: Generator) -> None:
        super().__init__()
        channels = len(spreads)
        sizes = [4 * channels + EDGES, HIDDEN, HIDDEN, 2 * channels]
        maps = [linear(before, after) for before, after in pairwise(sizes)]
        for layer in maps:
            for weights in layer.parameters():
                nn.init.uniform_(weights, -(layer.in_features**-0.5), layer.in_features**-0.5, generator=rng)
        self.first, self.second, self.last = maps
        self.path = nn.Parameter(torch.zeros(channels, 4))
        self.means, self.scales = (nn.Parameter(torch.zeros(channels, channels)) for _ in range(2))
        earlier = torch.zeros(channels, channels)
        for part in groups(channels):
            earlier[part, : part.start] = 1
        self.register_buffer("earlier", earlier)
        self.register_buffer("spreads", spreads)
        self.register_buffer("middles", middles)
        self.register_buffer("units", torch.cat([(1 / spreads).repeat(4), torch.ones(EDGES)]))

    def hidden(self, seen: Tensor) -> list[Tensor]:
        """The activations of both hidden layers."""
        a = F.relu(self.first(seen * self.units))
        return [a, F.relu(self.second(a))]

    def body(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Means in units of numbers, and logarithms of scales, by what is seen (n, 4 channels + 2)."""
        m, t = self.last(self.hidden(seen)[-1]).chunk(2, 1)
        near = seen[:, :-EDGES].view(len(seen), 4, -1)
        return m * self.spreads + self.middles + (near * self.path.T).sum(1), t + self.spreads.log()

    def forward(self, seen: Tensor, y: Tensor) -> Tensor:
        """Bits of numbers (n, channels)."""
        m, t = self.body(seen)
        beyond = y - m
        sizes = torch.from_numpy(size_of(beyond.detach().double().numpy() * (1 << FINE))).float()
        m = m + (beyond / self.spreads) @ (self.means * self.earlier).T * self.spreads
        s = torch.exp(t + sizes @ (self.scales * self.earlier).T / 8).clamp(min=float(NARROWEST))
        far = torch.where(y > m, -1.0, 1.0)  # differences of small numbers, not of numbers near one
        above, below = torch.sigmoid(far * (y + 0.5 - m) / s), torch.sigmoid(far * (y - 0.5 - m) / s)
        return -(above - below).abs().clamp(min=1e-7).log2()


def learned(codes: Whole, seed: int, seconds: float | None = None) -> LatentNetwork:
    """A network that foretells codes of a kind.

    Args:
        codes: (n, rows, columns, channels).
        seed: For the same network each time.
        seconds: After which learning stops; None for no such limit.
    """
    end = np.inf if seconds is None else time.monotonic() + seconds
    rng = torch.Generator().manual_seed(seed)
    flat = codes.reshape(-1, codes.shape[-1])
    least, most = with_room(flat.min(0), flat.max(0))
    seen, y = torch.from_numpy(_seen(codes)).float(), torch.from_numpy(flat).float()
    model = CodeForeteller(y.std(0).clamp(min=LEAST_SPREAD), y.mean(0), rng)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(y), (PLACES,), generator=rng)
        optimizer.zero_grad()
        model(seen[rows], y[rows]).sum(1).mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 100.0)
        optimizer.step()
        schedule.step()
        if time.monotonic() > end:
            break
    some = codes[:: max(1, len(flat) // CALIBRATED)]
    made = [as_integers(model, seen[:: max(1, len(seen) // CALIBRATED)], least, most, bits) for bits in BITS]
    sizes = [one.bits(some) for one in made]
    return next(one for one, size in zip(made, sizes, strict=True) if size <= (1 + HARM) * min(sizes))


def _seen(codes: Whole) -> Whole:
    """What is seen of every place: west, north, north-west and north-east in all channels, and the edges."""
    n, rows, columns, channels = codes.shape
    values = np.zeros((n, rows + 1, columns + 2, channels), np.int64)
    values[:, 1:, 1:-1] = codes
    y, x = (axis.reshape(-1) for axis in np.mgrid[:rows, :columns])
    return seen_of(values, y, x).reshape(-1, 4 * channels + EDGES)


def as_integers(model: CodeForeteller, some: Tensor, least: Whole, most: Whole, bits: int) -> LatentNetwork:
    """A trained network as one of whole numbers, whose weights have so many bits.

    Args:
        model: What was trained.
        some: What is seen of some places.
        least: Below which no number of a channel lies, (channels,).
        most: Above which none does, likewise.
        bits: Of weights.
    """
    maps = [(_plain(layer.weight), _plain(layer.bias)) for layer in (model.first, model.second, model.last)]
    units, spreads = _plain(model.units), _plain(model.spreads)
    maps[0] = maps[0][0] * units, maps[0][1]
    weights, bias = maps[-1]
    fine, channels = float(1 << FINE), len(spreads)
    rows = np.concatenate([fine * spreads, np.full(channels, float(NATS))])
    narrowest = log(float(NARROWEST))
    ends = [fine * _plain(model.middles) + OFFSET, NATS * (np.log(spreads) - narrowest)]
    maps[-1] = weights * rows[:, None], bias * rows + np.concatenate(ends)
    path = np.zeros((2 * channels, len(units)))
    for place, weights in enumerate(_plain(model.path).T):
        path[np.arange(channels), place * channels + np.arange(channels)] = fine * weights
    bounds = seen_bounds(least, most)
    with torch.inference_mode():
        limits = [float(a.max()) for a in model.hidden(some)]
    earlier = _plain(model.earlier)
    means = _plain(model.means) * earlier * spreads[:, None] / spreads
    scales = _plain(model.scales) * earlier * NATS / 8
    network = IntegerNetwork.of(maps, path, limits, bits, *bounds, TOP, window=1)
    return LatentNetwork(least, most, network, _shares(means), _shares(scales))


def _shares(weights: Array) -> Whole:
    return np.clip(np.rint(weights * (1 << SHARE)), -STEEPEST, STEEPEST).astype(np.int64)


def _plain(weights: Tensor) -> Array:
    return weights.detach().double().numpy()
