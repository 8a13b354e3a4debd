"""Codes as what an agent observes, for reinforcement learning."""

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from narrows.core.errors import ChoiceError, InputError
from narrows.estimators.autoencoder import Autoencoder

if TYPE_CHECKING:
    from narrows.estimators.gym_wrapper import EncodedObservations


def encoded_observations(env: Any, model: Any, *, learn_every: int = 0) -> "EncodedObservations":
    """An environment of Gymnasium whose observations are codes: fewer numbers to learn from. Needs `narrows[rl]`.

    Pixels are had by `gymnasium.wrappers.AddRenderObservation`. With `learn_every` the model goes on learning, a pass
    over so many observations at a time, so that it follows an agent to where it has not been; codes of early and late
    observations then differ.

    Args:
        env: An environment, whose observations are arrays.
        model: A fitted `Autoencoder` of such observations.
        learn_every: After how many observations it goes on learning from them; 0 for never. It is trained in place.

    Returns:
        A `gymnasium.ObservationWrapper` whose observations are (latent_dim,) float32.

    Raises:
        ChoiceError: Gymnasium is not installed, the model is no autoencoder, or an impossible number.
        InputError: The environment's observations are of another shape than the model's samples.
        NotFittedError: The model is not fitted.

    Source: Lange and Riedmiller (2010), https://doi.org/10.1109/IJCNN.2010.5596468, for codes as observations.

    >>> import gymnasium, narrows
    >>> env = gymnasium.make("CartPole-v1")
    >>> seen = [env.reset(seed=seed)[0] for seed in range(50)]
    >>> ae = narrows.Autoencoder(latent_dim=2, epochs=2, verbose=0).fit(np.stack(seen))
    >>> encoded_observations(env, ae).reset(seed=0)[0].shape
    (2,)
    """
    try:
        from narrows.estimators.gym_wrapper import EncodedObservations  # needs an optional package
    except ImportError as error:
        raise ChoiceError("encoded_observations needs Gymnasium: pip install 'narrows[rl]'") from error
    if not isinstance(model, Autoencoder):
        raise ChoiceError(f"encoded_observations takes a fitted narrows.Autoencoder, got {model!r}")
    if isinstance(learn_every, bool) or not isinstance(learn_every, int) or learn_every < 0:
        raise ChoiceError(f"learn_every is a whole number of at least 0, got {learn_every!r}")
    check_is_fitted(model)
    shape = getattr(env.observation_space, "shape", None)
    if not shape:
        raise InputError(f"observations are arrays of one shape, and those of {env} lie in {env.observation_space}")
    model.transform(np.zeros((1, *shape), env.observation_space.dtype))  # refuses another shape in a sentence
    return EncodedObservations(env, model, learn_every)
