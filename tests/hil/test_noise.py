"""Noise without a generator: normal, white, independent, and one to one."""

from __future__ import annotations

import numpy as np
from scipy import stats

from tianyuan.hil import noise
from tianyuan.hil.sensors import channels

MS = 1_000_000


def series(make, count: int, *, seed: int = 9, channel: int = 4) -> np.ndarray:
    return np.array([make(seed, channel, 10**15 + k * MS) for k in range(count)])


def test_noise_is_normal_white_and_independent_between_channels():
    a, b = (series(noise.gauss, 8000, channel=channel) for channel in (4, 5))
    for values in (a, b):
        assert stats.kstest(values, "norm").pvalue > 1e-3
        for lag in (1, 2, 10, 100):
            assert abs(np.corrcoef(values[:-lag], values[lag:])[0, 1]) < 0.04
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.04


def test_the_two_of_a_pair_are_normal_and_independent():
    first, second = series(noise.pair, 8000).T
    for values in (first, second, (first + second) / np.sqrt(2), (first - second) / np.sqrt(2)):
        assert stats.kstest(values, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(np.abs(first), np.abs(second))[0, 1]) < 0.04


def test_even_noise_is_even():
    assert stats.kstest(series(noise.uniform, 8000), "uniform").pvalue > 1e-3


def test_neighbouring_seeds_share_nothing():
    runs = np.array([series(noise.gauss, 1500, seed=seed) for seed in range(6)])
    assert np.abs(np.corrcoef(runs) - np.eye(6)).max() < 0.1


def test_mixing_is_one_to_one():
    assert len({noise.mix(k) for k in range(50000)}) == 50000


def test_every_noise_has_a_number_of_its_own():
    assert len(set(channels.NOISES)) == len(channels.NOISES)
