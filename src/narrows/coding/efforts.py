"""How much time is spent on smaller files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """How much time is spent on smaller files.

    Args:
        name: What users call it.
        codecs: Numbers of generic codecs that are tried.
        modelled: Whether symbols are foretold, or left to generic codecs.
        ways: How many ways to map values to symbols mixed contexts are tried with.
        parents: How many other columns may foretell one there.
        mixed: Whether symbols are foretold by mixed contexts too, which takes longest, or by tables alone.
        thorough: Whether slow codecs are tried where there is little hope for them.
        borrowed: Whether codecs are tried that not every reader has.
    """

    name: str
    codecs: tuple[int, ...]
    modelled: bool
    ways: int
    parents: int
    mixed: bool = False
    thorough: bool = False
    borrowed: bool = True


EFFORTS = {
    effort.name: effort
    for effort in (
        Effort("fast", (1,), modelled=False, ways=0, parents=0, borrowed=False),
        Effort("default", (2, 3), modelled=True, ways=0, parents=0),
        Effort("max", (2, 3, 4), modelled=True, ways=2, parents=4, mixed=True, thorough=True),
    )
}
