"""Transformers over the patches of an image: the encoder takes in those that are visible, and no others.

    z = P / |visible| sum over visible p of W_p f(patches)_p,      x' = g(V_1 z, ..., V_P z)

What is hidden is dropped, not filled in, so that hiding most of an image saves most of the encoder's work (He et al.
2022); each patch has a map of its own to the code and back, so that a code of any size is shared by all of them.
"""

from dataclasses import dataclass
from math import ceil, log, prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from narrows.core.contracts import Decoder, Encoder, Network
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features, View
from narrows.networks.entrance import Entrance
from narrows.networks.layers import bare, linear, silenced

NARROW = 16
"""How many numbers a patch has on its way to the code and back."""


class Attention(nn.Module):
    """Tokens look at one another (Vaswani et al. 2017).

    Args:
        width: Size of a token.
        heads: How many ways of looking there are.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.asks, self.answers = linear(width, 3 * width), linear(width, width)

    def forward(self, tokens: Tensor, there: Tensor | None) -> Tensor:
        """(n, t, width) to the same; tokens that are not there, (n, t) bool, are not looked at."""
        n, t, width = tokens.shape
        q, k, v = self.asks(tokens).view(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        alike = q @ k.mT * (width // self.heads) ** -0.5
        if there is not None:
            alike = alike.masked_fill(~there[:, None, None, :], float("-inf"))
        found: Tensor = self.answers((alike.softmax(-1) @ v).transpose(1, 2).reshape(n, t, width))
        return found


class Block(nn.Module):
    """Attention, then two affine maps for each token, both beside a straight way; normalised before."""

    start = 0.1
    """Share of its usual size that what a block adds begins with, so that a stack begins near the identity."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before, self.between = bare(nn.LayerNorm, width), bare(nn.LayerNorm, width)
        self.attention = Attention(width, heads)
        self.wider, self.back = linear(width, 4 * width), linear(4 * width, width)

    def forward(self, tokens: Tensor, there: Tensor | None) -> Tensor:
        """(n, t, width) to the same."""
        tokens = tokens + self.start * self.attention(self.before(tokens), there)
        added: Tensor = self.back(F.gelu(self.wider(self.between(tokens))))
        return tokens + self.start * added


class Grid:
    """How an image falls into patches, the last ones filled up with zeros.

    Args:
        size: Height and width of the image.
        patch: Height and width of a patch.
    """

    def __init__(self, size: tuple[int, ...], patch: int) -> None:
        self.size = size
        self.patch = patch
        self.counts = tuple(ceil(s / patch) for s in size)
        self.patches = prod(self.counts)

    def cut(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, patches, c * patch^2)."""
        p, (rows, columns) = self.patch, self.counts
        height, width = self.size
        x = F.pad(x, (0, columns * p - width, 0, rows * p - height)).reshape(len(x), -1, rows, p, columns, p)
        return x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def joined(self, patches: Tensor, channels: int) -> Tensor:
        """(n, patches, c * patch^2) to (n, c, h, w)."""
        p, (rows, columns) = self.patch, self.counts
        x = patches.view(-1, rows, columns, channels, p, p).permute(0, 3, 1, 4, 2, 5)
        return x.flatten(4).flatten(2, 3)[..., : self.size[0], : self.size[1]]

    def places(self, width: int) -> Tensor:
        """Sines and cosines of where each patch lies, a quarter of the width each, (patches, width)."""
        quarter = width // 4
        waves = torch.exp(torch.arange(quarter) * (-log(10_000.0) / max(1, quarter)))
        rows, columns = (torch.arange(count)[:, None] * waves for count in self.counts)
        by_row = torch.cat([rows.sin(), rows.cos()], 1)[:, None].expand(-1, self.counts[1], -1)
        by_column = torch.cat([columns.sin(), columns.cos()], 1)[None].expand(self.counts[0], -1, -1)
        return F.pad(torch.cat([by_row, by_column], 2).flatten(0, 1), (0, width - 4 * quarter))


class PatchEncoder(Encoder):
    """Visible patches -> tokens -> transformer -> a few numbers each -> features.

    Args:
        spec: What one sample is; an image.
        out_features: How many numbers the bottleneck takes.
        patch: Height and width of a patch.
        width, depth, heads: Of the transformer.
    """

    places: Tensor

    def __init__(self, spec: SampleSpec, out_features: int, patch: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.out_features = out_features
        self.linear = None
        self.entrance = Entrance(spec)
        self.grid = Grid(spec.shape[1:], patch)
        self.embedding = linear(self.entrance.channels * patch**2, width)
        self.register_buffer("places", self.grid.places(width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm: nn.LayerNorm = bare(nn.LayerNorm, width)
        self.narrow = linear(width, NARROW)
        self.head = linear(self.grid.patches * NARROW, out_features)

    def forward(self, view: View) -> Features:
        if view.visible is None:
            tokens = self._through(self.grid.cut(self.entrance(view)), None, None)
            return Features(self.head(self.narrow(tokens).flatten(1)))
        shown = View(view.x * view.visible, visible=view.visible)
        cells = self.grid.cut(self.entrance(shown))
        seen = self.grid.cut(view.visible.to(cells.dtype)).amax(2) > 0
        kept = seen.sum(1)
        most = max(1, int(kept.max()))
        order = seen.logical_not().to(torch.uint8).argsort(dim=1, stable=True)[:, :most]
        there = torch.arange(most, device=order.device) < kept.clamp(min=1).unsqueeze(1)
        tokens = self._through(_taken(cells, order), order, there)
        few = self.narrow(tokens) * (torch.arange(most, device=order.device) < kept.unsqueeze(1)).unsqueeze(2)
        few = few * (self.grid.patches / kept.clamp(min=1))[:, None, None]  # so that few patches weigh as much as all
        spread = few.new_zeros(len(few), self.grid.patches, NARROW)
        return Features(self.head(spread.scatter(1, order.unsqueeze(2).expand(-1, -1, NARROW), few).flatten(1)))

    def _through(self, cells: Tensor, order: Tensor | None, there: Tensor | None) -> Tensor:
        """Cells (n, t, c * patch^2), those of `order` among all, as tokens (n, t, width)."""
        tokens = self.embedding(cells) + (self.places if order is None else self.places[order])
        for block in self.blocks:
            tokens = block(tokens, there)
        found: Tensor = self.norm(tokens)
        return found

    def silence(self) -> bool:
        return silenced(self.head)


class PatchDecoder(Decoder):
    """Code -> a few numbers for each patch -> tokens -> a lighter transformer -> the likelihood's numbers.

    Args:
        spec: What one sample is; an image.
        latent_dim: The size of the code.
        params_shape: What the likelihood takes.
        patch: Height and width of a patch.
        width, depth, heads: Of the transformer.
    """

    places: Tensor

    def __init__(
        self,
        spec: SampleSpec,
        latent_dim: int,
        params_shape: tuple[int, ...],
        patch: int,
        width: int,
        depth: int,
        heads: int,
    ) -> None:
        super().__init__()
        self.params_shape = params_shape
        self.linear = None
        self.grid = Grid(spec.shape[1:], patch)
        self.spread = linear(latent_dim, self.grid.patches * NARROW)
        self.widen = linear(NARROW, width)
        self.register_buffer("places", self.grid.places(width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm: nn.LayerNorm = bare(nn.LayerNorm, width)
        self.channels = prod(params_shape[:2])
        self.head = linear(width, self.channels * patch**2)

    def forward(self, code: Code, context: Tensor | None) -> Tensor:
        tokens = self.widen(self.spread(code.z).view(-1, self.grid.patches, NARROW)) + self.places
        for block in self.blocks:
            tokens = block(tokens, None)
        return self.grid.joined(self.head(self.norm(tokens)), self.channels).reshape(-1, *self.params_shape)

    def silence(self) -> bool:
        return silenced(self.head)


def _taken(cells: Tensor, order: Tensor) -> Tensor:
    """Some of the cells (n, patches, f) of each image, by their numbers (n, t)."""
    return cells.gather(1, order.unsqueeze(2).expand(-1, -1, cells.shape[2]))


@dataclass(frozen=True)
class Patches(Network):
    """A transformer over patches and a lighter one back, for images of any size.

    Of an image of which some values are hidden, the encoder takes in the patches of which any value is visible; hidden
    values among those read 0.

    Args:
        patch: Height and width of a patch; None for about an eighth of the shorter side, 2 to 16.
        width: Size of a token in the encoder; the decoder's are half as wide.
        depth: Blocks of the encoder; the decoder has half as many.
        heads: Ways of looking in each block; a divisor of half the width.

    >>> encoder, decoder = Patches(patch=7, width=16).pair(SampleSpec("image", (1, 28, 28)), 4, 4, (1, 1, 28, 28))
    >>> encoder.grid.patches
    16
    """

    kinds = ("image",)

    patch: int | None = None
    width: int = 64
    depth: int = 4
    heads: int = 4

    def pair(
        self, spec: SampleSpec, features: int, latent_dim: int, params_shape: tuple[int, ...]
    ) -> tuple[Encoder, Decoder]:
        patch = self.default_patch(spec) if self.patch is None else self.patch
        for name, value in (("patch", patch), ("width", self.width), ("depth", self.depth), ("heads", self.heads)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ChoiceError(f"the {name} of a network of patches is a whole number of at least 1, got {value!r}")
        if self.width % (2 * self.heads):
            raise ChoiceError(
                f"the width of a token is a multiple of {2 * self.heads}, twice the heads, got {self.width}"
            )
        encoder = PatchEncoder(spec, features, patch, self.width, self.depth, self.heads)
        lighter = (self.width // 2, ceil(self.depth / 2), self.heads)
        return encoder, PatchDecoder(spec, latent_dim, params_shape, patch, *lighter)

    @staticmethod
    def default_patch(spec: SampleSpec) -> int:
        """About an eighth of the shorter side.

        >>> [Patches.default_patch(SampleSpec("image", (1, n, n))) for n in (8, 28, 32, 224)]
        [2, 4, 4, 16]
        """
        return max(2, min(16, -(-min(spec.shape[1:]) // 8)))
