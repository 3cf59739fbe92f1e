"""Where samples lie in the unit cube: spread by scipy's quasi-Monte Carlo, or at random."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from scipy.stats import qmc

Method = Literal["sobol", "latin-hypercube", "random"]

# Inside the cube: a normal distribution ends at neither side.
_INSIDE: Final = 2.0**-53


def cube(method: Method, samples: int, parameters: int, seed: int) -> np.ndarray:
    """(samples, parameters) shares between 0 and 1, a function of the arguments alone.

    Of Sobol's and of random samples the first ones stay what they are when there are more.
    """
    if parameters == 0:
        return np.zeros((samples, 0))
    generator = np.random.default_rng(seed)
    if method == "sobol":  # whose points come by powers of two
        points = qmc.Sobol(parameters, rng=generator).random_base2((samples - 1).bit_length())[
            :samples
        ]
    elif method == "latin-hypercube":
        points = qmc.LatinHypercube(parameters, rng=generator).random(samples)
    else:
        points = generator.random((samples, parameters))
    return np.clip(points, _INSIDE, 1.0 - _INSIDE)
