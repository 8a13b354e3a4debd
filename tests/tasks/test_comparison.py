"""Recipes side by side."""

import numpy as np
import pandas as pd
import pytest

import narrows
from narrows.data.door import samples
from narrows.tasks.judges import HiddenCells

PREDICTABLE = (
    "age",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "sex",
    "income",
)
"""Columns of the census of which the others say something."""


@pytest.fixture(scope="module")
def frame():
    draw = np.random.default_rng(0)
    cause = draw.normal(size=120)
    made = pd.DataFrame(
        {
            "a": cause + 0.1 * draw.normal(size=120),
            "k": np.where(cause > 0.5, "high", "low"),
            "b": cause > 0,
            "t": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 900, 120), "D"),
            "same": 1,
        }
    )
    made.loc[::11, "a"] = np.nan
    return made


@pytest.fixture(scope="module")
def found(frame):
    return narrows.compare(frame, recipes=["deep"], latent_dim=2, epochs=2)


def test_the_rows_are_the_simplest_things_and_the_recipes_and_repeat(table):
    first, second = (narrows.compare(table, recipes=["deep"], latent_dim=2, epochs=2) for _ in range(2))
    assert [row["model"] for row in first.rows] == ["the mean", "PCA", "deep"]
    assert [row["error"] for row in first.rows] == [row["error"] for row in second.rows]
    assert "PCA" in str(first)


def test_labels_of_another_number_are_refused(table):
    with pytest.raises(ValueError, match="y has shape"):
        narrows.compare(table, np.zeros(3), recipes=["deep"])


def test_errors_of_an_array_are_those_of_the_test_rows(table):
    order = np.random.default_rng(3).permutation(120)
    test, train = table[np.sort(order[:24])], table[np.sort(order[24:])]
    centred = train - train.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    rebuilt = (test - train.mean(0)) @ axes.T @ axes + train.mean(0)
    rows = narrows.compare(table, recipes=["deep"], latent_dim=2, epochs=1, random_state=3).rows
    np.testing.assert_allclose(rows[0]["error"], np.square(test - train.mean(0)).mean(), rtol=1e-5)
    np.testing.assert_allclose(rows[1]["error"], np.square(test - rebuilt).mean(), rtol=1e-4)


def test_a_table_has_a_line_for_each_column_that_varies(found):
    assert [row["model"] for row in found.rows] == ["median or mode", "PCA", "deep"]
    assert found.rows[0]["error"] == 1.0
    kinds = {column["column"]: (column["kind"], column["unit"]) for column in found.columns}
    assert kinds == {
        "a": ("number", "absolute"),
        "k": ("category", "share wrong"),
        "b": ("truth", "share wrong"),
        "t": ("moment", "days off"),
    }
    assert "error of hidden cells" in str(found)
    assert all(name in str(found) for name in kinds)


def test_the_error_is_the_mean_share_of_the_simplest_error(found):
    pairs = [(column["deep"], column["median or mode"]) for column in found.columns]
    shares = [error / simplest for error, simplest in pairs if simplest > 0]
    assert shares
    np.testing.assert_allclose(found.rows[2]["error"], np.mean(shares))


def test_a_table_gives_the_same_rows_again(frame, found):
    again = narrows.compare(frame, recipes=["deep"], latent_dim=2, epochs=2)
    assert again.columns == found.columns
    assert [row["error"] for row in again.rows] == [row["error"] for row in found.rows]


def test_errors_of_hidden_cells_by_hand():
    truth = pd.DataFrame(
        {
            "a": [1.0, 2.0, np.nan, 7.0, 3.0, -1.0] * 9,
            "k": ["x", "y", "y", None, "x", "z"] * 9,
            "t": pd.to_datetime(["2020-01-01", "2020-01-05", None, "2021-01-01", "2020-06-01", "2020-01-02"] * 9),
        }
    )
    wrong = truth.assign(a=truth["a"] - 1.5, k="x", t=truth["t"] + pd.Timedelta(36, "h"))
    given, guess = samples(truth), samples(wrong)
    schema = given.learn(None, "auto", None)
    judge = HiddenCells(given, schema, guess.table, np.random.default_rng(1))
    hidden = judge.hidden["k"]
    assert not hidden[truth["k"].isna()].any()
    assert judge.shown.table.column("k").null_count == truth["k"].isna().sum() + hidden.sum()
    found = dict(zip("akt", judge.by_column(guess.table), strict=True))
    assert found == pytest.approx({"a": 1.5, "k": (truth["k"][hidden] != "x").mean(), "t": 1.5})
    assert judge.by_column(given.table) == [0.0, 0.0, 0.0]
    assert judge.error(guess.table) == pytest.approx(1.0)


def test_labels_give_the_accuracy_of_the_nearest_code(table):
    labels = np.array(["yes", "no"] * 60)
    apart = table + np.where(labels == "yes", 20.0, 0.0)[:, None]
    found = narrows.compare(apart, labels, recipes=["deep"], latent_dim=2, epochs=2, baselines=["PCA", "raw data"])
    assert [row["model"] for row in found.rows] == ["the mean", "PCA", "raw data", "deep"]
    for name in ("accuracy", "accuracy_5", "linear_probe", "v_measure"):
        assert [row[name] for row in found.rows] == [None, 1.0, 1.0, 1.0]
    assert found.rows[2]["trustworthiness"] == found.rows[2]["continuity"] == 1.0
    assert all(row["silhouette"] > 0.5 for row in found.rows[1:])
    assert 1 <= found.rows[1]["dimensions"] <= 2


def test_several_seeds_have_a_spread(table, tmp_path):
    found = narrows.compare(table, recipes=["deep"], latent_dim=2, epochs=1, seeds=2, baselines="PCA")
    apart = [
        narrows.compare(table, recipes=["deep"], latent_dim=2, epochs=1, random_state=seed, baselines="PCA").rows[1]
        for seed in (0, 1)
    ]
    errors = [row["error"] for row in apart]
    assert found.rows[1]["error"] == pytest.approx(np.mean(errors))
    assert found.spreads[1]["error"] == pytest.approx(np.std(errors))
    assert "±" in str(found)
    found.to_csv(tmp_path / "rows.csv")
    read = pd.read_csv(tmp_path / "rows.csv")
    np.testing.assert_allclose(read["error spread"], [row["error"] for row in found.spreads])
    found.to_html(tmp_path / "rows.html")
    assert "<td>PCA</td>" in (tmp_path / "rows.html").read_text()


def test_time_is_shared_by_the_recipes(table):
    found = narrows.compare(table, recipes=["deep", "variational"], max_time=2.0, epochs=100_000)
    assert sum(row["seconds"] for row in found.rows) < 4


def test_rows_as_a_frame(found):
    assert list(found.to_pandas()["model"]) == ["median or mode", "PCA", "deep"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"recipes": ["deeep"]}, "did you mean 'deep'"),
        ({"recipes": ["convolutional"]}, "takes samples of kind image"),
        ({"latent_dim": 0}, "latent_dim is a whole number of at least 1"),
        ({"max_time": -1}, "max_time is a number greater than 0, got -1"),
        ({"random_state": None}, "random_state is a whole number of at least 0, got None"),
        ({"epochs": 0}, "epochs is a whole number"),
        ({"seeds": 0}, "seeds is a whole number of at least 1, got 0"),
        ({"baselines": ["PCB"]}, "unknown baseline 'PCB', did you mean 'PCA'"),
    ],
)
def test_what_cannot_work_is_refused(frame, options, says):
    with pytest.raises(ValueError, match=says):
        narrows.compare(frame, **options)


def test_a_recipe_that_cannot_work_is_refused_before_others_are_trained(frame):
    told = []
    with pytest.raises(ValueError, match="takes samples of kind image"):
        narrows.compare(frame, recipes=["deep", "convolutional"], tell=told.append)
    assert told == []


def test_a_column_whose_hidden_cells_the_median_knows_counts_for_nothing():
    frame = pd.DataFrame({"rare": [0] * 200, "a": np.random.default_rng(0).normal(size=200), "k": ["x", "y"] * 100})
    frame.loc[5, "rare"] = 40
    found = narrows.compare(frame, recipes=["deep"], latent_dim=2, epochs=2, random_state=1)
    assert found.columns[0]["median or mode"] == 0
    assert [row["error"] < 10 for row in found.rows] == [True] * 3


def test_a_recipe_may_be_named_alone_and_counts_once(frame):
    for recipes in ("deep", ["deep", "deep"]):
        rows = narrows.compare(frame, recipes=recipes, latent_dim=2, epochs=1).rows
        assert [row["model"] for row in rows] == ["median or mode", "PCA", "deep"]


def test_too_few_rows_are_refused(frame):
    with pytest.raises(ValueError, match="a minimum of 10"):
        narrows.compare(frame[:9])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_hidden_cells_of_the_census_are_found_better_than_by_the_median_or_the_mode(real):
    rows = pd.read_parquet(real / "tabular" / "adult_train.parquet").head(6000)
    found = narrows.compare(rows, recipes=["denoising"])
    assert found.rows[2]["error"] < 0.9
    shares = {column["column"]: column["denoising"] / column["median or mode"] for column in found.columns}
    assert {name: round(shares[name], 3) for name in PREDICTABLE if shares[name] > 0.95} == {}
