"""Video: clips as they were filmed, sizes as asked, one sentence for everything that cannot be read."""

import sys
import warnings

import numpy as np
import pytest

from narrows.core.errors import ChoiceError, FileError, InputError
from narrows.data.files import open_data
from narrows.data.writing import check_output, write_data

av = pytest.importorskip("av")
CODECS = {
    "a.mp4": ("libx264", "yuv420p"),
    "a.avi": ("mpeg4", "yuv420p"),
    "a.mov": ("mpeg4", "yuv420p"),
    "a.mkv": ("libx264", "yuv420p"),
    "a.webm": ("libvpx-vp9", "yuv420p"),
    "a.gif": ("gif", "rgb8"),
}
STEP = 5
"""By how much each frame is brighter than the one before it."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that relative paths lead to, so that messages are short."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def film(path, frames=40, height=48, width=64, codec=None, turned=0):
    """A video whose frame number is its brightness, with a dark left half and a texture that costs bytes."""
    name, pixels = codec or CODECS[f"a{path.suffix}"]
    path.parent.mkdir(exist_ok=True)
    draw = np.random.RandomState(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(name, rate=25)
        stream.height, stream.width, stream.pix_fmt = height, width, pixels
        for number in range(frames):
            image = np.full((height, width, 3), STEP * number, np.uint8) + draw.randint(0, 30, (height, width, 1))
            image[:, : width // 2] //= 2
            picture = av.VideoFrame.from_ndarray(image.astype(np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def brightness(clips):
    """The number of each frame, as its right half shows it."""
    return (clips[:, :, :, clips.shape[3] * 3 // 4 :].mean((2, 3, 4)) - 14.5) / STEP


class TestClips:
    @pytest.mark.parametrize("name", CODECS)
    def test_every_kind_of_file(self, folder, name):
        film(folder / name)
        found = open_data(name)
        assert found.shape == (2, 16, 48, 64, 3)
        assert found.dtype == np.uint8
        assert np.abs(brightness(found) - np.arange(32).reshape(2, 16)).max() < (4 if name == "a.gif" else 2)

    @pytest.mark.parametrize(("frames", "stride"), [(16, 16), (8, 3), (4, 10), (40, None), (1, 1)])
    def test_length_and_stride(self, folder, frames, stride):
        film(folder / "a.mp4")
        found = open_data("a.mp4", frames=frames, stride=stride)
        starts = np.arange(0, 40 - frames + 1, stride or frames)
        assert found.shape[:2] == (len(starts), frames)
        assert np.abs(brightness(found) - (starts[:, None] + np.arange(frames))).max() < 1

    def test_a_folder_gives_the_clips_of_all_in_order(self, folder):
        film(folder / "films" / "b.mp4", 20)
        film(folder / "films" / "a.gif", 40)
        found = open_data("films", frames=10)
        assert len(found) == 6
        assert (found[4:] == open_data("films/b.mp4", frames=10)).all()

    def test_images_come_before_videos_unless_options_are_theirs(self, folder):
        film(folder / "films" / "b.mp4")
        write_data("image.png", np.zeros((1, 4, 5), np.uint8))
        (folder / "image.png").rename("films/image.png")
        assert open_data("films").shape == (1, 4, 5)
        assert open_data("films", frames=16).ndim == 5

    def test_grey_films_have_one_channel(self, folder):
        film(folder / "a.mkv", codec=("ffv1", "gray"))
        assert open_data("a.mkv").shape == (2, 16, 48, 64, 1)
        assert open_data("a.mkv", mode="rgb").shape == (2, 16, 48, 64, 3)

    @pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
    @pytest.mark.parametrize(("mode", "channels"), [("grey", 1), ("rgb", 3), ("rgba", 4)])
    def test_modes(self, folder, name, mode, channels):
        film(folder / name)
        found = open_data(name, mode=mode)
        assert found.shape[-1] == channels
        if mode == "rgba":
            assert (found[..., 3] == 255).all()


class TestSizes:
    def test_small_frames_stay_and_large_ones_are_reduced_and_said(self, folder):
        film(folder / "a.mp4", height=120, width=160)
        with pytest.warns(UserWarning, match=r"frames of a\.mp4 have 120 x 160 pixels, and are read as 56 x 72"):
            assert open_data("a.mp4").shape[2:4] == (56, 72)
        assert open_data("a.mp4", size="original").shape[2:4] == (120, 160)

    @pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
    def test_fits(self, folder, name):
        film(folder / name)
        found = {fit: open_data(name, size=32, fit=fit) for fit in ("crop", "pad", "stretch")}
        assert {clips.shape for clips in found.values()} == {(2, 16, 32, 32, 3)}
        assert (found["pad"][:, :, :4] == 0).all()
        assert (found["pad"][:, :, 4:28, 16:].mean((2, 3, 4))[1] > 80).all()
        assert np.abs(brightness(found["crop"]) - np.arange(32).reshape(2, 16)).max() < 4

    def test_what_was_filmed_sideways_stands_upright(self, folder):
        film(folder / "a.mp4")
        whole = (folder / "a.mp4").read_bytes()
        track = whole.index(b"tkhd") + 44  # where its matrix begins: upright, then a quarter turn clockwise
        one, minus = (n.to_bytes(4, "big", signed=True) for n in (1 << 16, -1 << 16))
        assert whole[track : track + 20] == one + bytes(12) + one
        turned = bytes(4) + one + bytes(4) + minus + bytes(4)
        (folder / "a.mp4").write_bytes(whole[:track] + turned + whole[track + 20 :])
        found = open_data("a.mp4")
        assert found.shape == (2, 16, 64, 48, 3)
        assert found[:, :, :30].mean() < 0.6 * found[:, :, 34:].mean()

    def test_films_of_several_sizes(self, folder):
        film(folder / "films" / "a.mp4", 16, 48, 64)
        film(folder / "films" / "b.mp4", 16, 64, 48)
        with pytest.warns(UserWarning, match="have 48 x 64 to 64 x 48 pixels, and are read as 56 x 56"):
            assert open_data("films").shape == (2, 16, 56, 56, 3)
        with pytest.raises(InputError, match="videos in films differ in size, so size='original' cannot be kept"):
            open_data("films", size="original")


class TestBadFiles:
    @pytest.mark.parametrize("name", CODECS)
    @pytest.mark.parametrize("share", [0, 0.1, 0.5])
    def test_cut_short(self, folder, name, share):
        film(folder / name)
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(FileError, match=rf"{name} (is (no|damaged)|holds no frames)") as caught:
            open_data(name)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("name", CODECS)
    def test_foreign(self, folder, name):
        (folder / name).write_bytes(b"something else altogether")
        with pytest.raises(FileError, match=f"{name} is no "):
            open_data(name)

    def test_no_frames(self, folder):
        with av.open("a.mp4", "w") as container:
            sound = container.add_stream("aac", rate=44100)
            for _ in range(9):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                frame.rate = 44100
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
        with pytest.raises(FileError, match=r"^a\.mp4 holds no frames$"):
            open_data("a.mp4")

    @pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
    def test_too_few_frames(self, folder, name):
        film(folder / name, 9)
        with pytest.raises(
            InputError, match=r"has 9 frame\(s\), fewer than the 16 of one clip: pass frames=9 or fewer"
        ):
            open_data(name)

    def test_in_a_folder_they_are_named_and_left_out(self, folder):
        film(folder / "films" / "a.mp4", 9)
        film(folder / "films" / "b.mp4", 20)
        (folder / "films" / "c.mp4").write_bytes(b"")
        with pytest.warns(UserWarning, match=r"2 of 3 videos in films cannot be read .*: a\.mp4, c\.mp4$"):
            assert len(open_data("films")) == 1
        with pytest.raises(FileError, match=r"c\.mp4 is no video"):
            open_data("films", strict=True)
        (folder / "films" / "b.mp4").unlink()
        with pytest.raises(FileError, match=r"no video in films can be read: films/a\.mp4 has 9 frame"):
            open_data("films")

    def test_what_was_read_of_a_damaged_one_is_left_out(self, folder):
        for name in ("a.avi", "b.avi"):
            film(folder / "films" / name)
        whole = (folder / "films" / "a.avi").read_bytes()
        (folder / "films" / "a.avi").write_bytes(whole[: len(whole) * 3 // 4])
        with pytest.warns(UserWarning, match="1 of 2 videos"):
            found = open_data("films", frames=4)
        assert (found == open_data("films/b.avi", frames=4)).all()

    def test_without_pyav(self, folder, monkeypatch):
        film(folder / "a.mp4")
        film(folder / "a.gif")
        monkeypatch.setitem(sys.modules, "av", None)
        with pytest.raises(
            FileError, match=r"a\.mp4 needs PyAV, which is not installed: pip install 'narrows\[video\]'"
        ):
            open_data("a.mp4")
        with pytest.raises(FileError, match=r"pip install 'narrows\[video\]'"):
            check_output("b.mp4")
        assert len(open_data("a.gif")) == 2

    @pytest.mark.parametrize("options", [{"frames": 0}, {"frames": 2.5}, {"stride": -1}, {"frames": "all"}])
    def test_options_that_cannot_be(self, folder, options):
        film(folder / "a.gif")
        with pytest.raises(ChoiceError, match=f"{next(iter(options))} is a number of frames, at least 1, got"):
            open_data("a.gif", **options)


class TestWriting:
    @pytest.mark.parametrize("shape", [(2, 6, 32, 48, 3), (3, 4, 33, 47, 1)])
    @pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
    def test_reads_back(self, folder, name, shape):
        ramp = np.add.outer(np.linspace(20, 120, shape[2]), np.linspace(0, 80, shape[3]))
        clips = np.broadcast_to(ramp[..., None], shape).astype(np.uint8)
        steps = np.arange(np.prod(shape[:2]), dtype=np.uint8).reshape(*shape[:2], 1, 1, 1)
        clips = clips + 4 * steps  # no two frames are equal: GIF would make one of them
        write_data(name, clips)
        found = open_data(name, frames=shape[1])
        assert found.shape == (*shape[:-1], 3)
        assert np.abs(found.astype(int) - clips).mean() < 4

    def test_a_real_film(self, real, folder):
        frames = np.load(real / "video" / "bikes.npz")["frames"]
        write_data("a.mp4", frames[None])
        found = open_data("a.mp4", frames=150, size="original")
        assert np.abs(found[0].astype(int) - frames).mean() < 4
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert open_data("a.mp4", size=(32, 80)).shape == (9, 16, 32, 80, 3)
