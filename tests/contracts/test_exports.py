"""What every public name owes its readers, found by walking the exports."""

import inspect
import subprocess
import sys

import pytest

import narrows
from narrows import bottlenecks, corruptions, likelihoods, metrics, networks, objectives, penalties, recipes

FOLDERS = [bottlenecks, corruptions, likelihoods, metrics, networks, objectives, penalties, recipes]
PUBLIC = [(folder, name) for folder in FOLDERS for name in folder.__all__]


@pytest.mark.parametrize(("folder", "name"), PUBLIC, ids=[f"{f.__name__}.{n}" for f, n in PUBLIC])
def test_public_names_are_documented(folder, name):
    doc = inspect.getdoc(getattr(folder, name)) or ""
    assert doc.partition("\n")[0].endswith((".", ")", "]")), "the first line is a sentence"
    taken = inspect.signature(getattr(folder, name)).parameters.values()
    if any(one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in taken):
        assert "Args:" in doc


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.__name__)
def test_exports_are_real_and_named_once(folder):
    assert len(set(folder.__all__)) == len(folder.__all__)
    assert all(hasattr(folder, name) for name in folder.__all__)


def test_top_level_names_resolve():
    for name in narrows.__all__:
        assert getattr(narrows, name) is not None
    assert set(narrows.__all__) <= set(dir(narrows))


def test_unknown_top_level_name():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        narrows.nothing  # noqa: B018


def test_import_is_light():
    code = "import sys, narrows; assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_recipes_can_be_listed_and_imported():
    assert narrows.recipes()["deep"].startswith("A deep autoencoder")
    assert set(narrows.recipes()) == set(recipes.RECIPES)
