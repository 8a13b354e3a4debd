"""The wrapper of Gymnasium. This module needs the package; `observations` imports it when it is asked for."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from narrows.estimators.autoencoder import Autoencoder


class EncodedObservations(gymnasium.ObservationWrapper[Any, Any, Any]):
    """An environment whose observations are codes, see `narrows.encoded_observations`.

    Args:
        env: The environment.
        model: A fitted autoencoder of its observations.
        learn_every: After how many observations the model goes on learning from them; 0 for never.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], model: Autoencoder, learn_every: int = 0) -> None:
        super().__init__(env)
        self.model = model
        self.learn_every = learn_every
        self.seen: list[Any] = []
        """Observations that the model has yet to learn from."""
        self.observation_space = Box(-np.inf, np.inf, (model.module_.bottleneck.latent_dim,), np.float32)

    def observation(self, observation: Any) -> Any:
        """The code of an observation, (latent_dim,) float32."""
        if self.learn_every:
            self.seen.append(np.array(observation))
            if len(self.seen) == self.learn_every:
                self.model.partial_fit(np.stack(self.seen))
                self.seen.clear()
        return self.model.transform(np.asarray(observation)[None])[0].astype(np.float32)
