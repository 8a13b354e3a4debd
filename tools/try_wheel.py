"""Build the wheel, install it into a clean environment, and use it there, away from the source tree.

Only run-time dependencies are installed, so that one missing from pyproject.toml shows here.
"""
# ruff: noqa: S603, T201  (the commands are fixed, and the script speaks to a terminal)

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRIAL = """
import sys
import narrows
assert "torch" not in sys.modules, "import narrows must not import torch"
import numpy as np
X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
ae = narrows.Autoencoder(latent_dim=2, epochs=2, random_state=0, device="cpu", verbose=0).fit(X)
ae.save("trial.safetensors")
again = narrows.load("trial.safetensors")
assert np.array_equal(ae.transform(X), again.transform(X)), "a loaded model gives the same codes"
assert narrows.Denoiser.pretrained().transform(np.zeros((1, 16, 16), np.uint8)).shape == (1, 16, 16), "weights ship"
assert "site-packages" in narrows.__file__, narrows.__file__
print("fit, save and load work in", narrows.__file__)
"""


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command away from any path or option of the caller's Python, and stop with it where it fails."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    subprocess.run([str(part) for part in command], cwd=cwd, env=clean, check=True)


def main() -> None:
    """Build, install, try."""
    with tempfile.TemporaryDirectory(prefix="narrows-wheel-") as folder:
        work = Path(folder).resolve()
        built = work / "dist"
        print("building the wheel", flush=True)
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", built, ROOT, cwd=work)
        (wheel,) = built.glob("*.whl")
        print(f"installing {wheel.name} into a clean environment", flush=True)
        venv.create(work / "venv", with_pip=True, symlinks=True)
        scripts = work / "venv" / "bin"
        pip = [scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run(*pip, "--progress-bar", "off", "--constraint", ROOT / "constraints.txt", wheel, cwd=work)
        run(scripts / "narrows", "--version", cwd=work)
        run(scripts / "python", "-c", TRIAL, cwd=work)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"the wheel does not work in a clean environment: exit code {error.returncode} of {error.cmd}")
