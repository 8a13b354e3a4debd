"""`narrows demo`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from narrows.cli import showcase
from narrows.cli.show import aligned
from narrows.data.tensor_file import replacing
from narrows.data.writing import check_file

WIDTHS = (14, 10, 13, 7)


def demo(
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path("report.html"),
    picture: Path | None = None,
    epochs: int = 60,
    random_state: int = 0,
) -> None:
    """Train every recipe on the digits of scikit-learn, print a table, and write a report.

    Args:
        output: The report to write, one HTML file.
        picture: A PNG file to write as well, of digits, their reconstructions and their codes.
        epochs: Passes over the training images, the same for every recipe.
        random_state: A whole number, for the same result each time.
    """
    for path in filter(None, (output, picture)):
        check_file(path)
    found = showcase.run(epochs, random_state, lambda cells: print(aligned(cells, WIDTHS), flush=True))
    with replacing(output) as temporary:
        temporary.write_text(showcase.report(found), encoding="utf-8")
    if picture is not None:
        with replacing(picture) as temporary:
            temporary.write_bytes(showcase.picture(found))
    print(f"\nthe report is in {output}")
