"""Labels for a model that knows classes: those of few samples, spread to the others along the graph of their codes.

A label that is spread is a label in part: it is known as far as it is trusted, and the model guesses the rest. Where
nothing has good codes yet, the samples with labels are seen more often instead.
"""

from __future__ import annotations

import numpy as np
import torch

from narrows.data.conditions import ConditionedSource
from narrows.data.sources import Chosen, Source
from narrows.model import AutoencoderModule
from narrows.training.seeds import ORDER, generator
from narrows.training.spreading import spread
from narrows.training.supervised import OWN, codes_at

ROWS = 50_000
"""To how many samples without a label the labels are spread, at most."""


SHARE = 0.2
"""Which share of the samples that training sees has labels, at least, where they are not spread."""


def labels_often(train: Source) -> Source:
    """The samples, those with labels as often as it takes for a share of them to have one."""
    if not isinstance(train, ConditionedSource):
        return train
    known = train.context.any(1).cpu()
    rows, bare = known.nonzero().squeeze(1), (~known).nonzero().squeeze(1)
    times = round(SHARE / (1 - SHARE) * len(bare) / max(1, len(rows)))
    if times < 2:
        return train
    places = torch.cat([bare, rows.repeat(times)])
    return ConditionedSource(Chosen(train.of, places), train.context[places.to(train.device)])


def spread_labels(model: AutoencoderModule, train: Source, judges: Source, seed: int) -> tuple[Source, Source]:
    """Both sources, with labels in part for samples that had none; as they are where all or none have labels.

    Args:
        model: A model whose codes are good already.
        train: What it learns from.
        judges: What it is judged by.
        seed: What samples are chosen by, where there are more than enough.

    Source: Zhou et al. (2004) and Iscen, Tolias, Avrithis and Chum (2019), https://arxiv.org/abs/1904.04717.
    """
    if not isinstance(train, ConditionedSource) or not isinstance(judges, ConditionedSource):
        return train, judges
    context = torch.cat([train.context, judges.context]).cpu()
    rows, bare = context.any(1).nonzero().squeeze(1), (~context.any(1)).nonzero().squeeze(1)
    if not len(rows) or not len(bare):
        return train, judges
    chosen = bare[torch.randperm(len(bare), generator=generator(seed, ORDER, OWN))[:ROWS].sort().values]
    codes = torch.cat([codes_at(model, source, torch.arange(len(source))) for source in (train, judges)]).cpu()
    together = torch.cat([rows, chosen])
    found, trust = spread(codes[together].numpy(), np.arange(len(rows)), context[rows].numpy())
    context[chosen] = torch.from_numpy(found * trust[:, None])[len(rows) :].float()
    return (
        ConditionedSource(train.of, context[: len(train)]),
        ConditionedSource(judges.of, context[len(train) :]),
    )
