"""Write the golden file of the present format: run once when the format's number is raised, and commit the result."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

import narrows
from narrows.data.tensor_file import FORMAT

HERE = Path(__file__).parent

if __name__ == "__main__":
    X = load_iris().data
    ae = narrows.Autoencoder(recipe="variational", latent_dim=2, recipe_options={"widths": (6,)}, epochs=5)
    ae.set_params(random_state=0, verbose=0).fit(X)
    ae.save(HERE / f"format{FORMAT}.safetensors")
    np.save(HERE / f"format{FORMAT}.codes.npy", ae.transform(X))
