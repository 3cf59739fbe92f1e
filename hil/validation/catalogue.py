"""The manoeuvres that are compared with the peer's models, and the figures read off each.

ISO 4138 (steady circular driving), 7401 (step steer), 7975 (braking in a turn), 9816
(power-off in a turn) and 19365 (sine with dwell), at speeds where the peer's BMW 320i stays
on its wheels; the straight ones are plain physics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from tianyuan.hil.validation import measures as m
from tianyuan.hil.validation.manoeuvre import (
    STEER_RATE_RADPS,
    Manoeuvre,
    Profile,
    after,
    hold,
    ramp,
    rising,
    sampled,
    steady,
    straight,
)
from tianyuan.hil.validation.trace import Trace

WHEELBASE_M: Final = 2.5789128  # of the peer's car, for its understeer gradient
BEGIN_S: Final = 1.0
# The published split locks the rear axle first, on which any car spins.
FRONT_FIRST: Final = MappingProxyType({"T_sb": 0.85})
FRONT_ONLY: Final = MappingProxyType({"T_sb": 1.0})


class Figure(NamedTuple):
    """One number of a run."""

    name: str
    unit: str
    of: Callable[[Trace], float]


class Case(NamedTuple):
    """A manoeuvre with what is read off it; ``changed`` are the peer's parameters, and ours."""

    key: str
    title: str
    manoeuvre: Manoeuvre
    figures: tuple[Figure, ...]
    changed: Mapping[str, float] = MappingProxyType({})


def cases() -> tuple[Case, ...]:
    """All that are compared."""
    return (*_straight(), *_steady_turns(), *_steps(), *_transients())


def _straight() -> tuple[Case, ...]:
    accelerate = Manoeuvre(5.0, 8.0, straight(), rising(0.3, 60.0, 3.0))
    traction = Manoeuvre(1.5, 2.5, straight(), rising(0.3, 4.0, 11.5))
    brake = Manoeuvre(30.0, 8.0, straight(), rising(0.3, -60.0, -6.0), until_mps=1.0)
    threshold = Manoeuvre(30.0, 3.0, straight(), rising(0.2, -4.0, -11.5), until_mps=1.0)
    lock = Manoeuvre(25.0, 6.0, straight(), rising(0.2, -60.0, -11.5), until_mps=1.0)
    coast = Manoeuvre(20.0, 10.0, straight(), steady(0.0))
    return (
        Case(
            "acceleration",
            "Acceleration, 3 m/s² asked for",
            accelerate,
            (
                Figure("time 10 to 25 m/s", "s", lambda t: m.time_between_s(t, 10.0, 25.0)),
                Figure("rear axle's gain of load", "N", m.axle_transfer_n),
            ),
        ),
        Case(
            "traction",
            "Traction limit, drive torque ramped up",
            traction,
            (Figure("peak acceleration", "m/s²", lambda t: float(t.ax_mps2.max())),),
        ),
        Case(
            "braking",
            "Braking, 6 m/s² asked for",
            brake,
            (
                Figure("distance 28 to 2 m/s", "m", lambda t: m.distance_between_m(t, 28.0, 2.0)),
                Figure("rear axle's loss of load", "N", lambda t: -m.axle_transfer_n(t)),
            ),
        ),
        Case(
            "threshold",
            "Braking limit, pressure ramped up, 85 % in front",
            threshold,
            (Figure("peak deceleration", "m/s²", lambda t: -float(t.ax_mps2.min())),),
            FRONT_FIRST,
        ),
        Case(
            "lock",
            "Front wheels locked, rear ones free",
            lock,
            (
                Figure("distance 24 to 2 m/s", "m", lambda t: m.distance_between_m(t, 24.0, 2.0)),
                Figure("front wheels locked after", "s", _locked_after_s),
            ),
            FRONT_ONLY,
        ),
        Case(
            "coasting",
            "Coasting from 20 m/s for 10 s",
            coast,
            (Figure("speed at the end", "m/s", lambda t: float(t.vx_mps[-1])),),
        ),
    )


def _locked_after_s(trace: Trace) -> float:
    return m.crossing(trace.t_s, -trace.wheel_radps[:, 0], -0.1)


def _steady_turns() -> tuple[Case, ...]:
    pad = Manoeuvre(20.0, 6.0, ramp(0.03, BEGIN_S, 0.05), hold(20.0))
    slow = Manoeuvre(20.0, 17.0, ramp(0.16, BEGIN_S, 0.01), hold(20.0))
    return (
        Case(
            "skid_pad",
            "Skid pad, 20 m/s, 30 mrad",
            pad,
            (
                Figure("yaw rate", "rad/s", lambda t: m.last_mean(t.yaw_rate_radps)),
                Figure("lateral acceleration", "m/s²", lambda t: m.last_mean(t.ay_mps2)),
                Figure("sideslip angle", "mrad", lambda t: 1e3 * m.last_mean(t.sideslip_rad())),
                Figure("roll angle", "mrad", lambda t: 1e3 * m.last_mean(t.roll_rad)),
                Figure("front load moved across", "N", lambda t: m.side_transfer_n(t, 0)),
                Figure("rear load moved across", "N", lambda t: m.side_transfer_n(t, 1)),
            ),
        ),
        Case(
            "ramp",
            "Slow ramp steer, 20 m/s, 10 mrad/s",
            slow,
            (
                Figure("understeer gradient, 1 to 4 m/s²", "mrad/(m/s²)", _gradient(1.0, 4.0)),
                Figure("understeer gradient, 5 to 8 m/s²", "mrad/(m/s²)", _gradient(5.0, 8.0)),
                Figure("most lateral acceleration", "m/s²", lambda t: m.peak(t.ay_mps2)),
            ),
        ),
    )


def _gradient(low: float, high: float) -> Callable[[Trace], float]:
    return lambda trace: 1e3 * m.understeer_gradient(trace, WHEELBASE_M, low, high)


def _steps() -> tuple[Case, ...]:
    """About 4 m/s^2 at each speed, as ISO 7401 asks for."""
    return tuple(
        Case(
            f"step_{speed:.0f}",
            f"Step steer, {speed:.0f} m/s, {1e3 * steer:.0f} mrad",
            Manoeuvre(speed, 4.0, ramp(steer, BEGIN_S, STEER_RATE_RADPS), hold(speed)),
            (
                Figure("yaw rate gain", "1/s", m.yaw_gain_1ps),
                Figure("rise time of the yaw rate", "s", lambda t: m.rise_time_s(t, BEGIN_S)),
                Figure("overshoot of the yaw rate", "%", lambda t: 100.0 * m.overshoot(t)),
                Figure("peak lateral acceleration", "m/s²", lambda t: m.peak(t.ay_mps2)),
            ),
        )
        for speed, steer in ((15.0, 0.045), (25.0, 0.016), (35.0, 0.008))
    )


def dwell(amplitude_rad: float, begin_s: float) -> Profile:
    """ISO 19365: a sine of 0.7 Hz that pauses for 0.5 s at its second peak."""
    frequency_hz, pause_s = 0.7, 0.5
    peak_s = 0.75 / frequency_hz
    whole_s = 1.0 / frequency_hz + pause_s

    def steer(t_s: np.ndarray) -> np.ndarray:
        within = t_s - begin_s
        phase = np.where(
            within < peak_s, within, np.clip(within - pause_s, peak_s, 1.0 / frequency_hz)
        )
        angle = amplitude_rad * np.sin(2.0 * np.pi * frequency_hz * phase)
        return np.where((within < 0.0) | (within > whole_s), 0.0, angle)

    return sampled(steer, begin_s + whole_s)


def _transients() -> tuple[Case, ...]:
    sine = Manoeuvre(22.2, 6.0, dwell(0.04, BEGIN_S), hold(22.2))
    end_s = BEGIN_S + 1.0 / 0.7 + 0.5
    turn_s = 4.0
    braked = Manoeuvre(
        25.0, turn_s + 2.0, ramp(0.016, BEGIN_S, 0.1), after(turn_s, hold(25.0), steady(-2.0))
    )
    lifted = Manoeuvre(
        20.0, turn_s + 2.0, ramp(0.055, BEGIN_S, 0.1), after(turn_s, hold(20.0), steady(-0.5))
    )
    return (
        Case(
            "dwell",
            "Sine with dwell, 22.2 m/s, 40 mrad",
            sine,
            (
                Figure("first peak of the yaw rate", "rad/s", lambda t: t.yaw_rate_radps.max()),
                Figure("second peak of the yaw rate", "rad/s", lambda t: -t.yaw_rate_radps.min()),
                Figure(
                    "yaw rate 1 s after", "rad/s", lambda t: m.at(t, t.yaw_rate_radps, end_s + 1.0)
                ),
                Figure("way to the side at 1.07 s", "m", lambda t: m.at(t, t.y_m, BEGIN_S + 1.07)),
            ),
        ),
        Case(
            "turn_braking",
            "Braking in a turn, 25 m/s, 16 mrad, 2 m/s²",
            braked,
            (
                Figure("yaw rate before", "rad/s", lambda t: m.at(t, t.yaw_rate_radps, turn_s)),
                Figure(
                    "yaw rate 1 s after", "rad/s", lambda t: m.at(t, t.yaw_rate_radps, turn_s + 1.0)
                ),
                Figure(
                    "heading gained in 2 s",
                    "rad",
                    lambda t: t.heading_rad[-1] - m.at(t, t.heading_rad, turn_s),
                ),
            ),
            FRONT_FIRST,
        ),
        Case(
            "lift_off",
            "Lift-off in a turn, 20 m/s, 55 mrad, 0.5 m/s²",
            lifted,
            (
                Figure("lateral acceleration before", "m/s²", lambda t: m.at(t, t.ay_mps2, turn_s)),
                Figure(
                    "yaw rate 1 s after", "rad/s", lambda t: m.at(t, t.yaw_rate_radps, turn_s + 1.0)
                ),
                Figure("speed 2 s after", "m/s", lambda t: float(t.vx_mps[-1])),
            ),
        ),
    )
