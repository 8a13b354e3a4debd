"""Wrong usage and bad data: exit code 2, one sentence on standard error, nothing written, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

import narrows

TRAIN = ("train", "autoencoder")
OUT = ("-o", "out.npy")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((*TRAIN, "nope.npy", "-o", "m2"), "there is no file or folder nope.npy"),
        ((*TRAIN, "m.safetensors", "-o", "m2"), "its name ends in none of .npy"),
        ((*TRAIN, "infinite.npy", "-o", "m2"), "X has inf in column 0"),
        ((*TRAIN, "ragged.csv", "-o", "m2"), "ragged.csv is ragged: line 3 has 2 cells, and the first has 3"),
        ((*TRAIN, "x.npy", "-o", "x.npy"), "a model file ends in .safetensors"),
        ((*TRAIN, "x.npy", "-o", "nowhere/m"), "the folder nowhere does not exist"),
        ((*TRAIN, "x.npy", "-o", "m2", "--recipe", "sparze"), "did you mean 'sparse'"),
        ((*TRAIN, "x.npy", "-o", "m2", "--recipe", "convolutional"), "takes samples of kind image"),
        ((*TRAIN, "x.npy", "-o", "m2", "--latent-dim", "0"), "latent_dim is a whole number of at least 1"),
        ((*TRAIN, "x.npy", "-o", "m2", "--latent-dim", "x"), '--latent-dim: unable to convert "x"'),
        ((*TRAIN, "x.npy", "-o", "m2", "--latentdim", "3"), "Did you mean --latent-dim"),
        ((*TRAIN, "x.npy", "-o", "m2", "--set", "epoch=3"), "did you mean 'epochs'"),
        ((*TRAIN, "x.npy", "-o", "m2", "--set", "warmup=abc"), "the setting warmup takes int, got 'abc'"),
        ((*TRAIN, "x.npy", "-o", "m2", "--set", "likelihood=3"), "takes str | Mapping[str, Any], got 3"),
        ((*TRAIN, "x.npy", "-o", "m2", "--set", "epochs"), "a setting is key=value, got 'epochs'"),
        (("train", "generators", "x.npy", *OUT), "unknown job 'generators', did you mean 'generator'?"),
        (TRAIN, "DATA requires an argument"),
        (("trian",), 'Did you mean "train"'),
        (("info", "nope.npy"), "there is no file or folder nope.npy"),
        (("info", "nope"), "there is no model file nope"),
        (("demo", "-o", "nowhere/report.html"), "the folder nowhere does not exist"),
        (("encode", "m.safetensors", "x.npy", "-o", "z.cvs"), "did you mean '.csv'"),
        (("encode", "m.safetensors", "x.npy", "-o", "z.png"), "unknown ending of z.png"),
        (("decode", "m.safetensors", "x.npy", *OUT), "codes have the shape (n, 2), got (150, 4)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_one_sentence(run, words, sentence):
    before = set(Path().iterdir())
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("narrows: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert set(Path().iterdir()) == before


@pytest.mark.parametrize("command", ["encode", "reconstruct", "decode"])
@pytest.mark.parametrize(
    ("model", "data", "sentence"),
    [
        ("nope.safetensors", "x.npy", "there is no model file nope.safetensors"),
        ("x.npy", "x.npy", "x.npy is no model file"),
        ("short.safetensors", "x.npy", "damaged"),
        ("spoiled.safetensors", "x.npy", "damaged"),
        ("foreign.safetensors", "x.npy", "narrows did not write it"),
        ("newer.safetensors", "x.npy", "newer than format 1 of this version: upgrade narrows"),
        ("m.safetensors", "nope.npy", "there is no file or folder nope.npy"),
        ("m.safetensors", "text.csv", "column 'd'"),
        ("m.safetensors", "five.npy", "5"),
        ("m.safetensors", "infinite.npy", ""),
    ],
)
def test_using_a_model(run, command, model, data, sentence):
    code, out, err = run(command, model, data, *OUT)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not Path("out.npy").exists()


def test_info_on_a_damaged_model(run):
    code, _, err = run("info", "spoiled.safetensors")
    assert code == 2
    assert "damaged" in err


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line(run):
    code, _, err = run(*TRAIN, "x.npy", "-o", "m2", "--epochs", "1", "--latent-dim", "9", "--verbose", "0")
    assert code == 0
    assert err.startswith("narrows: warning: a code of 9 dimensions for 4 values")
    assert err.count("\n") == 1


def test_interrupted_training_is_quiet_and_leaves_nothing(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(narrows.Autoencoder, "fit", interrupted)
    before = set(Path().iterdir())
    assert run(*TRAIN, "x.npy", "-o", "m2") == (130, "", "")
    assert set(Path().iterdir()) == before


def python(*words):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120)


def test_help_is_light():
    heavy = "{'torch', 'sklearn', 'matplotlib', 'pyarrow', 'numpy', 'PIL', 'pandas'}"
    found = python(
        "-c",
        "import sys; from narrows.cli.main import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit as end: print('heavy:', sorted({heavy} & set(sys.modules)), end.code)",
    )
    assert "reconstruct" in found.stdout
    assert found.stdout.splitlines()[-1] == "heavy: [] 0"


def test_version():
    found = python("-m", "narrows.cli.main", "--version")
    assert (found.returncode, found.stdout.strip()) == (0, narrows.__version__)


def test_exit_codes_of_the_process(tmp_path):
    found = python("-m", "narrows.cli.main", "info", str(tmp_path / "nope.npy"))
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr == f"narrows: there is no file or folder {tmp_path / 'nope.npy'}\n"
