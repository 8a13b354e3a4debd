"""`narrows denoise`, `inpaint`, `upscale` and `restore`, and the jobs that train for them, as a user calls them."""

import numpy as np
import pytest
from PIL import Image

QUICK = ("--epochs", "1", "--random-state", "0", "--verbose", "0")
TRAINED = (*QUICK, "--set", "widths=[4, 8]")


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def photos(tmp_path):
    """A folder of small images of several sizes, depths and modes, a mask, and an image that is broken elsewhere."""
    draw = np.random.default_rng(0)
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    grey = draw.integers(0, 256, (20, 24), dtype=np.uint8)
    colours = draw.integers(0, 256, (24, 18, 4), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "photos" / "grey.png")
    Image.fromarray(colours).save(tmp_path / "photos" / "sub" / "alpha.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "photos" / "deep.tif")
    Image.fromarray(colours[..., :3]).save(tmp_path / "photos" / "photo.jpg")
    mask = np.zeros((20, 24), bool)
    mask[5:8, 5:12] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(mask[:9]).save(tmp_path / "short.png")
    Image.fromarray(~(mask | True)).save(tmp_path / "none.png")
    Image.fromarray(mask | True).save(tmp_path / "all.png")
    np.save(tmp_path / "mask.npy", mask)
    np.save(tmp_path / "pictures.npy", draw.integers(0, 256, (12, 20, 24), dtype=np.uint8))
    return tmp_path / "photos"


def test_a_folder_is_denoised_each_image_as_it_is(run, photos):
    code, out, error = run("denoise", "photos", "-o", "clean", "--sheet", "sheet.png", *QUICK)
    assert (code, out, error) == (0, "", "")
    assert read("clean/grey.png").shape == (20, 24)
    assert read("clean/deep.tif").dtype == np.uint16
    assert read("clean/photo.png").shape == (24, 18, 3)
    assert np.array_equal(read("clean/sub/alpha.png")[..., 3], read("photos/sub/alpha.png")[..., 3])
    assert read("sheet.png").std() > 0


def test_what_cannot_be_read_is_named_and_the_rest_is_done(run, photos):
    (photos / "broken.png").write_bytes((photos / "grey.png").read_bytes()[:200])
    code, _, error = run("denoise", "photos", "-o", "clean", *QUICK)
    assert code == 2
    assert "1 of 5 images cannot be read" in error
    assert "broken.png" in error
    assert error.count("\n") == 1
    assert read("clean/grey.png").shape == (20, 24)


def test_a_single_image_that_cannot_be_read_says_why(run, photos):
    (photos / "broken.png").write_bytes(b"no image")
    code, _, error = run("denoise", "photos/broken.png", "-o", "o.png")
    assert code == 2
    assert error.startswith("narrows: photos/broken.png is no image")


def test_a_table_is_no_picture(run, photos, tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,x\n2,y\n")
    for command in ("denoise", "upscale"):
        code, _, error = run(command, "table.csv", "-o", "o.csv")
        assert code == 2
        assert "table.csv holds a table" in error


def test_a_model_may_be_trained_on_the_images_themselves(run, photos):
    for words in (("denoise", "photos", "-o", "clean"), ("upscale", "photos/grey.png", "-o", "large.png")):
        assert run(*words, "--train", *QUICK)[0] == 0
    assert read("clean/photo.png").shape == (24, 18, 3)
    assert read("large.png").shape == (40, 48)


@pytest.mark.parametrize("name", ["grey.png", "deep.tif"])
def test_known_pixels_of_an_image_are_untouched(run, photos, name):
    code, _, error = run("inpaint", f"photos/{name}", "--mask", "mask.png", "-o", "filled.png", *QUICK)
    assert (code, error) == (0, "")
    before, after, mask = read(photos / name), read("filled.png"), read("mask.png")
    assert after.dtype == before.dtype
    assert np.array_equal(before[~mask], after[~mask])
    assert not np.array_equal(before[mask], after[mask])


def test_arrays_are_filled_and_enlarged(run, photos):
    assert run("inpaint", "pictures.npy", "--mask", "mask.npy", "-o", "filled.npy", *QUICK)[0] == 0
    before, mask = np.load("pictures.npy"), np.load("mask.npy")
    assert np.array_equal(np.load("filled.npy")[:, ~mask], before[:, ~mask])
    assert run("upscale", "pictures.npy", "-o", "large", "--factor", "3", "--sheet", "sheet.png", *QUICK)[0] == 0
    assert read("large/000000.png").shape == (60, 72)


@pytest.mark.parametrize(
    ("job", "command", "size"),
    [
        ("denoiser", ("denoise",), (24, 18, 3)),
        ("upscaler", ("upscale", "--factor", "2"), (48, 36, 3)),
        ("restorer", ("restore",), (24, 18, 3)),
    ],
)
def test_a_trained_model_is_used_of_colours_on_grey_too(run, photos, job, command, size):
    code, _, error = run("train", job, "photos", "-o", "m.model.safetensors", *TRAINED)
    assert (code, error) == (0, "")
    words = (command[0], "photos", "-o", "done", "--model", "m.model.safetensors", *command[1:], "--verbose", "0")
    assert run(*words)[0] == 0
    assert read("done/photo.png").shape == size
    assert read("done/grey.png").ndim == 2
    code, _, error = run("inpaint", "photos", "-o", "no", "--mask", "mask.png", "--model", "m.model.safetensors")
    assert code == 2
    assert "the mask of" in error or f"`narrows {command[0]}` uses that" in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("inpaint", "photos/grey.png", "-o", "o.png", "--mask", "short.png"), "has the shape (9, 24)"),
        (("inpaint", "photos/grey.png", "-o", "o.png", "--mask", "none.png"), "hides nothing"),
        (("inpaint", "photos/grey.png", "-o", "o.png", "--mask", "all.png"), "hides everything"),
        (("inpaint", "photos/grey.png", "-o", "o.png"), "--mask says where"),
        (("inpaint", "photos", "-o", "o", "--mask", "sub"), "sub"),
        (("denoise", "photos/grey.png", "-o", "o.png", "--model", "nothing.safetensors"), "nothing.safetensors"),
        (("denoise", "photos/grey.png", "-o", "o.png", "--model", "m.safetensors"), "class Autoencoder"),
        (("restore", "photos/grey.png", "-o", "o.png"), "model"),
        (("upscale", "photos/grey.png", "-o", "o.png", "--factor", "5"), "2, 3 or 4"),
        (("denoise", "photos", "-o", "o.png"), "o.png"),
        (("denoise", "photos/grey.png", "-o", "o.jpg"), "o.jpg"),
        (("denoise", "x.npy", "-o", "o.npy"), "a picture has the shape"),
        (("denoise", "x.npy", "-o", "o.npy", "--train"), "only pictures have"),
        (("denoise", "photos/grey.png", "-o", "o.png", "--noise", "0"), "greater than 0"),
        (("denoise", "photos/grey.png", "-o", "o.png", "--noise", "5", "--train"), "--noise is for the model"),
        (("denoise", "photos/grey.png", "-o", "o.png", "--model", "m.safetensors", "--train"), "choose one of both"),
        (("denoise", "x.npy", "-o", "o.npy", "--sheet", "s.png"), "a sheet shows pictures"),
        (("denoise", "nowhere", "-o", "o"), "nowhere"),
    ],
)
def test_mistakes_are_one_sentence_and_nothing_is_written(run, photos, tmp_path, words, said):
    before = set(tmp_path.iterdir())
    code, out, error = run(*words)
    assert code == 2
    assert out == ""
    assert said in error
    assert error.count("\n") == 1
    assert set(tmp_path.iterdir()) == before
