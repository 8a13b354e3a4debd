"""The simplest scores, against other ways to compute them."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from narrows.data.samples import ArraySamples
from narrows.tasks import trivial


def test_simplest_scores_are_what_they_are_called():
    X = np.random.default_rng(0).normal(size=(150, 9)) @ np.random.default_rng(1).normal(size=(9, 9))
    samples = ArraySamples(X)
    norm, error, distance = trivial.scores(samples, samples.learn("real", "column", None)).values()
    Z = (X - X.mean(0)) / X.std(0)
    assert np.allclose(norm, np.linalg.norm(Z, axis=1), rtol=1e-5)
    pca = PCA(3).fit(Z)
    assert np.allclose(error, np.linalg.norm(Z - pca.inverse_transform(pca.transform(Z)), axis=1), rtol=1e-4)
    found, _ = NearestNeighbors(n_neighbors=6).fit(Z).kneighbors(Z)
    assert np.allclose(distance, found[:, 5], rtol=1e-4)
