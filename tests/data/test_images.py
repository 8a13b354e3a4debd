"""Images: formats, modes and depths as they were written; sizes as asked; broken files by name; the same every time."""

import warnings
from itertools import product

import numpy as np
import pytest
from PIL import Image

import narrows
from narrows.core.errors import ChoiceError, FileError, InputError
from narrows.data import deep, images, spool
from narrows.data.files import open_data
from narrows.data.growing import Spool
from narrows.data.images import write_image

DRAW = np.random.RandomState(0)
GREY = DRAW.randint(0, 256, (9, 12), dtype=np.uint8)
RGB = DRAW.randint(0, 256, (9, 12, 3), dtype=np.uint8)
RGBA = DRAW.randint(0, 256, (9, 12, 4), dtype=np.uint8)
DEEP = DRAW.randint(0, 1 << 16, (9, 12), dtype=np.uint16)
DEEP_RGB = DRAW.randint(0, 1 << 16, (9, 12, 3), dtype=np.uint16)
DEEP_RGBA = DRAW.randint(0, 1 << 16, (9, 12, 4), dtype=np.uint16)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that relative paths lead to, so that messages are short."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


def smooth(height, width, channels=3):
    """A picture without fine detail: what little a good resampling may change of it is known."""
    y, x = np.mgrid[:height, :width]
    y, x = (y + 0.5) / height, (x + 0.5) / width
    waves = [np.sin(2 * np.pi * (x + 0.7 * y + c / 5)) for c in range(channels)]
    return np.rint(127.5 + 120 * np.stack(waves, -1)).astype(np.uint8)


class TestRoundTrips:
    @pytest.mark.parametrize(
        ("ending", "pixels"),
        [
            *product(["png", "tif", "tiff", "webp"], [GREY, RGB, RGBA]),
            *product(["bmp"], [GREY, RGB]),  # Pillow writes no alpha into BMP files
        ],
    )
    def test_8_bits(self, folder, ending, pixels):
        saved = {"lossless": True, "exact": True} if ending == "webp" else {}
        Image.fromarray(pixels).save(folder / f"a.{ending}", **saved)
        found = open_data("images")
        assert found.dtype == np.uint8
        grey_as_colours = ending == "webp" and pixels is GREY  # WebP has no grey
        assert (found == (np.repeat(pixels[..., None], 3, -1) if grey_as_colours else pixels)[None]).all()

    @pytest.mark.parametrize("ending", ["jpg", "jpeg", "JPG"])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_jpeg(self, folder, ending, channels):
        pixels = smooth(40, 64, channels).squeeze()
        Image.fromarray(pixels).save(folder / f"a.{ending}", quality=95, subsampling=0)
        found = open_data("images")
        assert found.shape == (1, *pixels.shape)
        assert np.abs(found[0].astype(int) - pixels).mean() < 2

    @pytest.mark.parametrize("ending", ["png", "tif"])
    @pytest.mark.parametrize("pixels", [DEEP, DEEP_RGB, DEEP_RGBA], ids=["grey", "rgb", "rgba"])
    def test_16_bits(self, folder, ending, pixels):
        if pixels.ndim == 3:
            pytest.importorskip("av")
        write_image(folder / f"a.{ending}", pixels)
        found = open_data("images")
        assert found.dtype == np.uint16
        assert (found[0] == pixels).all()

    def test_16_bits_per_colour_without_pyav(self, folder, monkeypatch):
        pytest.importorskip("av")
        write_image(folder / "a.png", DEEP_RGB)
        for module in (deep, images.decode.__globals__):
            target = module if isinstance(module, dict) else module.__dict__
            monkeypatch.setitem(target, "has_deep_reader", lambda: False)
        with pytest.warns(UserWarning, match=r"1 images in images .* read with 8: pip install 'narrows\[video\]'"):
            found = open_data("images")
        assert (found[0] == DEEP_RGB >> 8).all()
        write_image(folder / "grey.png", DEEP)
        with pytest.warns(UserWarning, match="1 images in images have 16 bits per colour and are read with 8"):
            found = open_data("images")
        assert (found[0] == (DEEP_RGB >> 8) * np.uint16(257)).all()
        assert (found[1] == DEEP[..., None]).all()
        with pytest.raises(FileError, match="without PyAV"):
            write_image(folder / "b.png", DEEP_RGB)

    @pytest.mark.parametrize("dtype", [np.int32, np.float32])
    def test_numbers_in_tiff(self, folder, dtype):
        pixels = (DEEP.astype(dtype) - 30_000) * dtype(3)
        Image.fromarray(pixels).save(folder / "a.tif")
        found = open_data("images")
        assert found.dtype == dtype
        assert (found[0] == pixels).all()
        assert open_data("images", size=4).dtype == dtype

    def test_black_and_white(self, folder):
        Image.fromarray(GREY > 99).save(folder / "a.png")
        assert open_data("images").dtype == bool
        assert (open_data("images")[0] == (GREY > 99)).all()
        assert open_data("images", size=4).dtype == np.uint8
        assert (open_data("images", mode="rgb")[0, ..., 1] == 255 * (GREY > 99)).all()

    def test_palettes(self, folder):
        image = Image.fromarray(RGB).quantize(16)
        image.save(folder / "a.png")
        assert (open_data("images")[0] == np.asarray(image.convert("RGB"))).all()
        image.save(folder / "b.png", transparency=3)
        assert open_data("images").shape == (2, 9, 12, 4)

    def test_grey_with_alpha(self, folder):
        Image.fromarray(RGBA[..., :2]).save(folder / "a.png")
        found = open_data("images")
        assert (found[0] == RGBA[..., [0, 0, 0, 1]]).all()

    def test_inks(self, folder):
        Image.fromarray(smooth(16, 16)).convert("CMYK").save(folder / "a.jpg", quality=95)
        assert np.abs(open_data("images")[0].astype(int) - smooth(16, 16)).mean() < 8
        assert open_data("images", mode="grey", size=4).shape == (1, 4, 4)


class TestModes:
    def test_the_widest_that_any_needs(self, folder):
        Image.fromarray(GREY).save(folder / "a.png")
        Image.fromarray(RGB).save(folder / "b.png")
        found = open_data("images")
        assert (found[0] == GREY[..., None]).all()
        assert (found[1] == RGB).all()
        Image.fromarray(RGBA).save(folder / "c.png")
        found = open_data("images")
        assert (found[:2, ..., 3] == 255).all()
        assert (found[2] == RGBA).all()

    def test_8_bits_among_16(self, folder):
        Image.fromarray(GREY).save(folder / "a.png")
        Image.fromarray(DEEP).save(folder / "b.png")
        found = open_data("images")
        assert (found == np.stack([GREY * np.uint16(257), DEEP])).all()
        colours = open_data("images", mode="rgba")
        assert (colours[1, ..., :3] == DEEP[..., None]).all()
        assert (colours[..., 3] == 65535).all()

    def test_a_mode_that_is_asked_for(self, folder):
        Image.fromarray(RGB).save(folder / "a.png")
        assert (open_data("images", mode="grey")[0] == np.asarray(Image.fromarray(RGB).convert("L"))).all()
        assert open_data("images/a.png", mode="rgba").shape == (1, 9, 12, 4)

    def test_alpha_is_laid_on_white(self, folder):
        Image.fromarray(np.full((4, 4, 4), [0, 0, 0, 51], np.uint8)).save(folder / "a.png")
        assert (open_data("images", mode="rgb") == 204).all()
        assert (open_data("images", mode="grey") == 204).all()

    def test_numbers_share_no_range(self, folder):
        Image.fromarray(GREY.astype(np.float32)).save(folder / "a.tif")
        with pytest.raises(InputError, match=r"a\.tif holds one channel of float32, which cannot be read as rgb"):
            open_data("images", mode="rgb")
        Image.fromarray(GREY).save(folder / "b.png")
        with pytest.raises(InputError, match=r"float32 have no range .*/a\.tif has them, and .*b\.png is uint8"):
            open_data("images")


class TestSizes:
    @pytest.mark.parametrize("ending", ["png", "jpg"])
    @pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
    def test_each_fit_against_the_same_picture_drawn_small(self, folder, ending, fit):
        Image.fromarray(smooth(300, 600)).save(folder / f"a.{ending}", quality=95)
        found = open_data("images", size=60, fit=fit)[0].astype(int)
        small = smooth(60, 120) if fit == "crop" else smooth(30, 60) if fit == "pad" else smooth(60, 60)
        if fit == "pad":
            assert (found[:15] == 0).all()
            assert (found[45:] == 0).all()
            found = found[15:45]
        assert np.abs(found - (small[:, 30:90] if fit == "crop" else small)).mean() < 4

    def test_16_bits_are_resampled_at_16(self, folder):
        wave = smooth(64, 64)[..., 0].astype(np.uint16) * 257
        Image.fromarray(wave).save(folder / "a.png")
        found = open_data("images", size=(32, 32))
        assert found.dtype == np.uint16
        assert (found % 257).any()
        assert np.abs(found[0] / 257 - smooth(32, 32)[..., 0]).mean() < 8

    def test_small_pictures_grow(self, folder):
        Image.fromarray(smooth(10, 10)).save(folder / "a.png")
        assert open_data("images", size=(20, 30), fit="pad").shape == (1, 20, 30, 3)

    def test_of_one_size_stays_as_it_is(self, folder):
        for name in "ab":
            Image.fromarray(RGB).save(folder / f"{name}.png")
        assert open_data("images").shape == (2, 9, 12, 3)

    def test_of_several_sizes_is_chosen_and_said(self, folder):
        for name, (height, width) in {"a": (300, 450), "b": (320, 480), "c": (480, 320)}.items():
            Image.fromarray(smooth(height, width)).save(folder / f"{name}.jpg")
        sentence = r"images in images have from 300 x 450 to 480 x 320 pixels, and are read as 104 x 152"
        with pytest.warns(UserWarning, match=sentence):
            assert open_data("images").shape == (3, 104, 152, 3)

    def test_large_of_one_size_is_reduced_and_said(self, folder):
        Image.fromarray(smooth(300, 300)).save(folder / "a.jpg")
        with pytest.warns(UserWarning, match="images in images have 300 x 300 pixels, and are read as 128 x 128"):
            assert open_data("images").shape == (1, 128, 128, 3)
        assert open_data("images", size="original").shape == (1, 300, 300, 3)
        assert open_data("images/a.jpg").shape == (1, 300, 300, 3)

    def test_original_needs_one_size(self, folder):
        Image.fromarray(RGB).save(folder / "a.png")
        Image.fromarray(RGB[:5]).save(folder / "b.png")
        with pytest.raises(InputError, match=r"images/a\.png has 9 x 12 pixels, and images/b\.png 5 x 12"):
            open_data("images", size="original")

    @pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
    @pytest.mark.parametrize("turn", range(1, 9))
    def test_orientation(self, folder, ending, turn):
        upright = smooth(40, 64)
        undo = {5: "TRANSPOSE", 6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
        undo |= {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM"}
        stored = Image.fromarray(upright)
        stored = stored.transpose(Image.Transpose[undo[turn]]) if turn > 1 else stored
        exif = Image.Exif()
        exif[0x0112] = turn
        stored.save(folder / f"a.{ending}", exif=exif, quality=95)
        found = open_data("images")
        assert found.shape == (1, 40, 64, 3)
        assert np.abs(found[0].astype(int) - upright).mean() < 6
        small = open_data("images", size=(10, 16))
        assert np.abs(small[0].astype(int) - smooth(10, 16)).mean() < 6


class TestBrokenFiles:
    def make(self, folder, whole=40, broken=10):
        for number in range(whole):
            Image.fromarray(np.full((16, 16, 3), number, np.uint8)).save(folder / f"{number:02d}.png")
        noise = DRAW.randint(0, 256, (16, 16, 3), dtype=np.uint8)
        for number in range(broken):
            path = folder / f"{4 * number:02d}x.png"
            Image.fromarray(noise).save(path)
            path.write_bytes(path.read_bytes()[: 100 * (number % 2 * 5)])  # some lack a header, others their end
        return [f"{4 * number:02d}x.png" for number in range(broken)]

    def test_they_are_named_left_out_and_the_rest_trains(self, folder):
        names = self.make(folder)
        with pytest.warns(UserWarning, match=r"10 of 50 images in images cannot be read and are left out") as warned:
            found = open_data("images")
        assert str(warned[0].message).endswith(": " + ", ".join(names))
        assert (found[:, 0, 0, 0] == np.arange(40)).all()
        model = narrows.Autoencoder(epochs=1, verbose=0, random_state=0).fit(found)
        assert model.transform(found).shape[0] == 40

    def test_the_list_of_names_ends(self, folder):
        self.make(folder, broken=23)
        with pytest.warns(UserWarning, match=r"76x\.png and 3 more$"):
            open_data("images")

    def test_strict(self, folder):
        self.make(folder)
        with pytest.raises(FileError, match=r"images/00x\.png is no image, or it is damaged"):
            open_data("images", strict=True)

    def test_none_is_whole(self, folder):
        self.make(folder, whole=0, broken=2)
        with pytest.raises(FileError, match=r"none of the 2 images in images can be read: images/00x\.png is no image"):
            open_data("images")

    def test_what_has_a_header_alone(self, folder):
        self.make(folder, whole=0)
        (folder / "00x.png").unlink()
        for path in folder.glob("*.png"):
            if path.stat().st_size == 0:
                path.unlink()
        with pytest.raises(FileError, match="none of the 5 images in images can be read"):
            open_data("images")

    def test_hidden_files_are_none(self, folder):
        self.make(folder, broken=0)
        (folder / "._00.png").write_bytes(b"a desktop's notes")
        assert len(open_data("images")) == 40


class TestLabels:
    def make(self, folder):
        for name in ("dogs/a.png", "cats/b.png", "cats/old/c.png"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(RGB).save(folder / name)

    def test_are_the_sub_folders(self, folder):
        self.make(folder)
        found, labels = open_data("images", labels=True)
        assert len(found) == 3
        assert labels.tolist() == ["cats", "cats", "dogs"]

    def test_fall_out_with_their_images(self, folder):
        self.make(folder)
        (folder / "cats/b.png").write_bytes(b"")
        with pytest.warns(UserWarning, match=r"1 of 3 images in images .*: cats/b\.png"):
            found, labels = open_data("images", labels=True)
        assert labels.tolist() == ["cats", "dogs"]
        assert len(found) == 2

    def test_need_sub_folders(self, folder):
        self.make(folder)
        Image.fromarray(RGB).save(folder / "d.png")
        with pytest.raises(InputError, match=r"a sub-folder for each class, and images/d\.png lies in none"):
            open_data("images", labels=True)
        with pytest.raises(ChoiceError, match=r"images/d\.png is one image"):
            open_data("images/d.png", labels=True)


class TestRepeats:
    @pytest.mark.parametrize("workers", [1, 2, 7])
    def test_the_number_of_workers_changes_nothing(self, folder, workers):
        for number in range(50):
            (folder / f"{number % 3}").mkdir(exist_ok=True)
            pixels = np.roll(smooth(60, 90), number, 1)
            Image.fromarray(pixels).save(folder / f"{number % 3}" / f"{number:02d}.jpg")
        paths = sorted(folder.rglob("*.jpg"))
        found = open_data("images", size=24, workers=workers)
        assert (found == np.concatenate([open_data(path, size=24) for path in paths])).all()

    def test_what_is_large_lies_in_a_file(self, folder, monkeypatch):
        for number in range(5):
            Image.fromarray(RGB + np.uint8(number)).save(folder / f"{number}.png")
        within = open_data("images")
        monkeypatch.setattr(images, "Spool", lambda shape, dtype: Spool(shape, dtype, most=2 * RGB.nbytes))
        found = open_data("images")
        assert isinstance(found, np.memmap)
        assert (found == within).all()


class TestSpool:
    @pytest.mark.parametrize("most", [0, 7, 1000])
    def test_what_is_cut_off_is_forgotten(self, most):
        held = Spool((2,), np.dtype(np.int16), most)
        for number in (1, 2, 3):
            held.append(np.full(2, number, np.int16))
        held.cut(1)
        held.append(np.full(2, 4, np.int16))
        assert (held.array() == [[1, 1], [4, 4]]).all()
        assert len(held) == 2

    def test_a_full_disk(self, monkeypatch):
        class Full:
            def write(self, _):
                raise OSError(28, "No space left on device")

        monkeypatch.setattr(spool.tempfile, "TemporaryFile", lambda **_: Full())
        with pytest.raises(FileError, match=r"no room for 4 bytes .*No space left on device.*TMPDIR"):
            Spool((2,), np.dtype(np.int16), most=0).append(np.zeros(2, np.int16))


class TestRealPhotographs:
    def test_portrait_and_landscape(self, real):
        with pytest.warns(UserWarning, match="from 321 x 481 to 481 x 321 pixels"):
            found = open_data(real / "images" / "bsds500_train80")
        assert found.shape == (80, 104, 160, 3)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert open_data(real / "images" / "bsds500_train80", size=64).shape == (80, 64, 64, 3)

    def test_a_middle_crop_is_what_pillow_makes_of_it(self, real):
        path = real / "images" / "kodak24" / "kodim01.png"
        with Image.open(path) as image:
            middle = image.crop((128, 0, 640, 512)).resize((64, 64), Image.Resampling.BICUBIC)
        found = open_data(path, size=64)[0].astype(int)
        assert np.abs(found - np.asarray(middle)).mean() < 1
