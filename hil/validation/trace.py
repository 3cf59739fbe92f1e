"""What a run leaves behind, of whatever model: columns over time, in the car's axes."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from tianyuan.hil.validation.manoeuvre import Manoeuvre


class Trace(NamedTuple):
    """One value a sample; ``wheel_…`` are (samples, 4) in the order FL FR RL RR.

    Axes and signs as in ``control/records.py``; ``ax_mps2`` and ``ay_mps2`` are the specific
    force at the centre of gravity. ``wheel_slip`` is positive when driving.
    """

    t_s: np.ndarray
    x_m: np.ndarray
    y_m: np.ndarray
    heading_rad: np.ndarray
    vx_mps: np.ndarray
    vy_mps: np.ndarray
    yaw_rate_radps: np.ndarray
    ax_mps2: np.ndarray
    ay_mps2: np.ndarray
    steer_rad: np.ndarray
    roll_rad: np.ndarray
    wheel_radps: np.ndarray
    wheel_load_n: np.ndarray

    def from_time(self, begin_s: float, end_s: float = np.inf) -> Trace:
        """The samples from ``begin_s`` to ``end_s``."""
        kept = (self.t_s >= begin_s - 1e-9) & (self.t_s <= end_s + 1e-9)
        return Trace(*(column[kept] for column in self))

    def speed_mps(self) -> np.ndarray:
        """The speed of the centre of gravity over ground."""
        return np.hypot(self.vx_mps, self.vy_mps)

    def sideslip_rad(self) -> np.ndarray:
        """The angle from the car's axis to its velocity, positive to the left."""
        return np.arctan2(self.vy_mps, self.vx_mps)


class Model(Protocol):
    """Anything that can drive a manoeuvre."""

    @property
    def name(self) -> str:
        """As tables and legends print it."""

    def drive(self, manoeuvre: Manoeuvre) -> Trace:
        """A whole run, sampled every ``SAMPLE_S``."""
