"""How far our plant may be from the peer's models, figure by figure, and for which reasons.

``within`` bounds the difference as published. ``left`` bounds what is left of it once the
cited reasons are taken out (``reasons.py``). Both are relative to the peer's value, or in the
figure's unit where ``absolute`` is set: of figures near zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from tianyuan.hil.validation.commonroad import DRIFT, MULTI_BODY


class Expectation(NamedTuple):
    """One peer's bound on one figure."""

    peer: str
    within: float
    reasons: tuple[str, ...] = ()
    left: float = 0.0
    absolute: bool = False


def mb(within: float, *reasons: str, left: float = 0.0, absolute: bool = False) -> Expectation:
    """Of the multi-body model."""
    return Expectation(MULTI_BODY, within, reasons, left or within, absolute)


def std(within: float, *reasons: str, left: float = 0.0, absolute: bool = False) -> Expectation:
    """Of the single-track drift model."""
    return Expectation(DRIFT, within, reasons, left or within, absolute)


TURN: Final = ("camber", "axle mass")
STEP: Final = (*TURN, "sway")

EXPECTATIONS: Final[Mapping[str, tuple[tuple[Expectation, ...], ...]]] = MappingProxyType(
    {
        "acceleration": (
            (mb(0.002), std(0.04, "wheel inertia", left=0.002)),
            (mb(0.04, "height", left=0.015), std(0.07, "demand", left=0.015)),
        ),
        "traction": (
            (
                mb(0.02, "height", "pitch", left=0.03),
                std(0.05, "wheel inertia", "demand", left=0.02),
            ),
        ),
        "braking": (
            (mb(0.002), std(0.04, "wheel inertia", left=0.002)),
            (mb(0.04, "height", left=0.01), std(0.07, "demand", left=0.01)),
        ),
        "threshold": (
            (
                mb(0.02, "shifts", "height", left=0.005),
                std(0.04, "wheel inertia", "demand", left=0.01),
            ),
        ),
        "lock": (
            (
                mb(0.07, *TURN, "shifts", left=0.01),
                std(0.15, "demand locked", "shifts", "wheel inertia", left=0.01),
            ),
            (
                mb(0.1, *TURN, "shifts", "pitch", left=0.05),
                std(0.15, "demand locked", "shifts", "wheel inertia", left=0.06),
            ),
        ),
        "coasting": ((mb(1e-4), std(1e-4)),),
        "skid_pad": (
            (mb(0.03, *TURN, left=0.005), std(0.01)),
            (mb(0.03, *TURN, left=0.005), std(0.01)),
            (mb(3.0, *TURN, left=0.1, absolute=True), std(0.2, absolute=True)),
            (mb(0.06, *TURN, "body height", left=0.06),),
            (mb(0.06, *TURN, "body height", left=0.06),),
            (mb(0.06, *TURN, "body height", left=0.06),),
        ),
        "ramp": (
            (mb(0.2, *TURN, left=0.02, absolute=True), std(0.02, absolute=True)),
            (
                mb(0.5, *TURN, "hung out", left=0.06, absolute=True),
                std(0.2, "demand", "track", absolute=True),
            ),
            (mb(0.2, "limit"), std(0.05, "track")),
        ),
        "step_15": (
            (mb(0.02, *TURN, left=0.002), std(0.01)),
            (mb(0.12, *STEP, left=0.04), std(0.04, "sway", left=0.01)),
            (mb(1.0, absolute=True), std(1.0, absolute=True)),
            (mb(0.08, *STEP, left=0.005), std(0.1, "sway", left=0.01)),
        ),
        "step_25": (
            (mb(0.04, *TURN, left=0.002), std(0.01)),
            (mb(0.14, *STEP, left=0.03), std(0.02, "sway", left=0.01)),
            (mb(1.0, absolute=True), std(1.0, absolute=True)),
            (mb(0.02, *STEP, left=0.005), std(0.04, "sway", left=0.01)),
        ),
        "step_35": (
            (mb(0.07, *TURN, "hung out", left=0.002), std(0.01)),
            (mb(0.2, *STEP, left=0.03), std(0.02, "sway", left=0.01)),
            (mb(1.0, absolute=True), std(1.0, absolute=True)),
            (mb(0.07, *STEP, left=0.005), std(0.01)),
        ),
        "dwell": (
            (mb(0.02, *STEP, left=0.01), std(0.02, "sway", left=0.01)),
            (mb(0.04, *STEP, left=0.01), std(0.02, "sway", left=0.01)),
            (mb(0.002, absolute=True), std(0.002, absolute=True)),
            (mb(0.06, *STEP, left=0.015), std(0.02, "sway", left=0.01)),
        ),
        "turn_braking": (
            (mb(0.04, *TURN, left=0.002), std(0.01)),
            (
                mb(0.08, *TURN, "shifts", "hung out", "combined slip", left=0.04),
                std(0.1, "shifts", "demand", "hung out", "combined slip", left=0.04),
            ),
            (
                mb(0.08, *TURN, "shifts", "hung out", "combined slip", left=0.03),
                std(0.1, "shifts", "demand", "hung out", "combined slip", left=0.04),
            ),
        ),
        "lift_off": (
            (mb(0.04, *TURN, left=0.01), std(0.02)),
            (mb(0.04, *STEP, left=0.015), std(0.04, "sway", "demand", left=0.01)),
            (mb(0.01), std(0.01)),
        ),
    }
)
