"""What the decoder's numbers say about data: one distribution a file."""

from .bernoulli import Bernoulli as Bernoulli
from .categorical import Categorical as Categorical
from .counts import NegativeBinomial as NegativeBinomial
from .counts import ZeroInflatedNegativeBinomial as ZeroInflatedNegativeBinomial
from .laplace import Laplace as Laplace
from .logistic import DiscretizedLogistic as DiscretizedLogistic
from .logistic_mixture import LogisticMixture as LogisticMixture
from .mixed import Mixed as Mixed
from .normal import Normal as Normal
from .poisson import Poisson as Poisson

__all__ = [
    "Bernoulli",
    "Categorical",
    "DiscretizedLogistic",
    "Laplace",
    "LogisticMixture",
    "Mixed",
    "NegativeBinomial",
    "Normal",
    "Poisson",
    "ZeroInflatedNegativeBinomial",
]
