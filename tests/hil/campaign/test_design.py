"""Designs fill the cube evenly, and are functions of their arguments alone."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy.stats import qmc

from tianyuan.hil.campaign.design import Method, cube

METHODS = get_args(Method)


@pytest.mark.parametrize("method", METHODS)
def test_a_design_is_a_function_of_its_seed(method):
    assert np.array_equal(cube(method, 20, 3, 5), cube(method, 20, 3, 5))
    assert not np.array_equal(cube(method, 20, 3, 5), cube(method, 20, 3, 6))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("samples", [1, 2, 7, 64])
def test_points_lie_inside_the_cube(method, samples):
    points = cube(method, samples, 4, 1)
    assert points.shape == (samples, 4)
    assert ((points > 0.0) & (points < 1.0)).all()


@pytest.mark.parametrize("method", ["sobol", "random"])
def test_more_samples_keep_those_there_were(method):
    assert np.array_equal(cube(method, 100, 3, 1)[:10], cube(method, 10, 3, 1))


def test_latin_hypercube_has_each_parameter_once_in_each_slice():
    places = np.sort((cube("latin-hypercube", 50, 3, 1) * 50).astype(int), axis=0)
    assert (places == np.arange(50)[:, None]).all()


def test_sobol_is_spread_more_evenly_than_chance():
    assert qmc.discrepancy(cube("sobol", 64, 3, 1)) < qmc.discrepancy(cube("random", 64, 3, 1)) / 2


def test_nothing_to_draw_is_no_design():
    assert cube("sobol", 3, 0, 1).shape == (3, 0)
