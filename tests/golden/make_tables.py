"""Write a golden file of a table: run once when tables are written in another way, and commit the result."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

import narrows


def people():
    """Text of several kinds, with gaps, and numbers beside."""
    number = np.arange(60)
    names = [f"{'Ada' if i % 3 else 'Bo'} {chr(65 + i % 26)}." if i % 11 else None for i in number]
    return pd.DataFrame(
        {
            "name": pd.Series(names, dtype="str"),
            "town": pd.Series(["Æbeltoft", "", "a\0b"], dtype="str").take(number % 3).reset_index(drop=True),
            "port": pd.Categorical.from_codes(number % 4 - 1, ["S", "C", "Q"]),
            "fare": np.where(number % 7, number / 4, np.nan),
            "day": pd.Timestamp("1912-04-10") + pd.to_timedelta(number % 5, "D"),
        }
    )


if __name__ == "__main__":
    print(narrows.compress(people(), Path(__file__).parent / sys.argv[1], effort="max"))  # noqa: T201
