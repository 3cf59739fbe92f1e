"""What a manoeuvre is: a start, a steering profile, a demand on the pedals, and a duration.

Every model drives the same manoeuvre open loop in steering. ``demand`` is a longitudinal
acceleration in m/s^2, positive on the throttle and negative on the brake; a model makes of
it the torque ``mass * radius * demand`` at its wheels, whatever its tyres then do with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

SAMPLE_S: Final = 0.005
# The peer's steering goes no faster: parameters_vehicle2.yaml, steering.v_max.
STEER_RATE_RADPS: Final = 0.4
SPEED_GAIN_1PS: Final = 4.0


class Profile(NamedTuple):
    """The mean road-wheel angle over time, straight between its knots, held after the last."""

    t_s: np.ndarray
    steer_rad: np.ndarray

    def angle(self, t_s: float) -> float:
        """The angle in rad at ``t_s``."""
        return float(np.interp(t_s, self.t_s, self.steer_rad))

    def rate(self, t_s: float) -> float:
        """The angle's slope in rad/s just after ``t_s``."""
        last = len(self.t_s) - 1
        after = int(np.searchsorted(self.t_s, t_s, side="right"))
        if after == 0 or after > last:
            return 0.0
        turned = self.steer_rad[after] - self.steer_rad[after - 1]
        return float(turned / (self.t_s[after] - self.t_s[after - 1]))


class Manoeuvre(NamedTuple):
    """One run; ``demand(t_s, vx_mps)`` in m/s^2. It ends early below ``until_mps``.

    ``neutral`` is for a model with a gearbox: out of gear, so that only its brakes work.
    """

    start_mps: float
    seconds: float
    steer: Profile
    demand: Callable[[float, float], float]
    until_mps: float = 0.0
    neutral: bool = False


def straight() -> Profile:
    """No steering."""
    return Profile(np.array([0.0]), np.array([0.0]))


def ramp(to_rad: float, begin_s: float, rate_radps: float) -> Profile:
    """From zero to ``to_rad`` at a constant rate."""
    end_s = begin_s + abs(to_rad) / rate_radps
    return Profile(np.array([0.0, begin_s, end_s]), np.array([0.0, 0.0, to_rad]))


def sampled(steer: Callable[[np.ndarray], np.ndarray], end_s: float) -> Profile:
    """Any shape, as straight pieces of 10 ms."""
    t_s = np.linspace(0.0, end_s, round(end_s / 0.01) + 1)
    return Profile(t_s, steer(t_s))


def hold(speed_mps: float) -> Callable[[float, float], float]:
    """A driver who holds the speed, by proportion alone: so it is a function of the state."""

    def demand(_: float, vx_mps: float) -> float:
        return SPEED_GAIN_1PS * (speed_mps - vx_mps)

    return demand


def after(
    begin_s: float, first: Callable[[float, float], float], then: Callable[[float, float], float]
) -> Callable[[float, float], float]:
    """``first`` until ``begin_s``, ``then`` from there on."""

    def demand(t_s: float, vx_mps: float) -> float:
        return first(t_s, vx_mps) if t_s < begin_s else then(t_s, vx_mps)

    return demand


def steady(demand_mps2: float) -> Callable[[float, float], float]:
    """The same demand whatever the speed."""

    def demand(_t_s: float, _vx_mps: float) -> float:
        return demand_mps2

    return demand


def rising(from_s: float, slope_mps3: float, top_mps2: float) -> Callable[[float, float], float]:
    """Nothing until ``from_s``, then a ramp to ``top_mps2``, of the sign of the slope."""

    def demand(t_s: float, _: float) -> float:
        grown = slope_mps3 * max(0.0, t_s - from_s)
        return max(grown, top_mps2) if slope_mps3 < 0 else min(grown, top_mps2)

    return demand
