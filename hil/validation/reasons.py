"""Why the peer's models and ours differ, each reason as what takes it out of the one or the other.

A reason was found by looking at traces and equations, and is held to what it claims: with its
changes made, the difference that it is given for has to go (``expectations.py`` says how far).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

NOTHING: Final[Mapping[str, float]] = MappingProxyType({})
STIFFER: Final = 30.0


class Reason(NamedTuple):
    """A sentence, and the changes that take what it says out: to the peer, to ours.

    ``peer(p)`` are other values of the peer's parameters ``p``, ``ours(p)`` of our vehicle's
    dotted keys.
    """

    sentence: str
    peer: Callable[[Any], Mapping[str, float]] = lambda _: NOTHING
    ours: Callable[[Any], Mapping[str, float]] = lambda _: NOTHING


def _without_camber(_: Any) -> dict[str, float]:
    terms = ("p_hy1", "p_hy3", "p_vy1", "p_vy3", "p_dy3", "r_vy3")
    return {f"tire_{term}": 0.0 for term in terms}


def _without_shifts(_: Any) -> dict[str, float]:
    terms = ("p_hx1", "p_vx1", "r_hx1", "r_hy1", "r_by3", "r_vy1")
    return {f"tire_{term}": 0.0 for term in terms}


def _axles_by_load(p: Any) -> dict[str, float]:
    both_kg, wheelbase_m = p.m_uf + p.m_ur, p.a + p.b
    return {"m_uf": both_kg * p.b / wheelbase_m, "m_ur": both_kg * p.a / wheelbase_m}


def _rigid(p: Any) -> dict[str, float]:
    """Our body held upright by springs and dampers many times as stiff."""
    springs = {
        "suspension.front_roll_nm_per_rad": p.K_sf * p.T_f**2 / 2,
        "suspension.rear_roll_nm_per_rad": p.K_sr * p.T_r**2 / 2,
        "suspension.front_roll_damping_nms": p.K_sdf * p.T_f**2 / 2,
        "suspension.rear_roll_damping_nms": p.K_sdr * p.T_r**2 / 2,
    }
    return {key: STIFFER * value for key, value in springs.items()}


def _sunk_m(p: Any) -> float:
    """How far the standing car's tyres give way, at its centre of gravity."""
    return 0.25 * p.m * 9.81 / p.K_zt


REASONS: Final[Mapping[str, Reason]] = MappingProxyType(
    {
        "camber": Reason(
            "MB's wheels camber as the body rolls, and its tyres answer to camber; ours stay "
            "upright.",
            peer=_without_camber,
        ),
        "axle mass": Reason(
            "MB hangs equal masses on both axles but measures a and b from the sprung mass, so "
            "its centre of gravity is 15 mm further back than they say.",
            peer=_axles_by_load,
        ),
        "shifts": Reason(
            "The peer's tyres have shifts: rolling straight and free they are off zero slip, "
            "and the vertical one, which stands inside the sine there, takes 3 to 7 % off the "
            "force of a locked wheel. Ours are odd functions of slip.",
            peer=_without_shifts,
        ),
        "sway": Reason(
            "While the body leans out, our contact patches move against its centre of gravity, "
            "so the force of a sudden turn comes later and swings over. MB takes its slip "
            "angles from the sprung mass's velocity, and STD does not roll.",
            ours=_rigid,
        ),
        "hung out": Reason(
            "Our body's centre hangs out of the bend as it rolls, which gives braking and drive an "
            "arm to turn the car by; MB and STD keep theirs in the middle.",
            ours=_rigid,
        ),
        "wheel inertia": Reason(
            "STD has one wheel's inertia per axle, MB and ours two.",
            peer=lambda p: {"I_y_w": 2.0 * p.I_y_w},
        ),
        "demand": Reason(
            "STD moves load by the acceleration asked for, ours by the tyres' real force: the "
            "wheels' own spin takes 5 % of what is asked.",
            peer=lambda p: {"h_s": p.h_s / (1.0 + 4.0 * p.I_y_w / (p.m * p.R_w**2))},
        ),
        "demand locked": Reason(
            "STD moves load by the acceleration asked for: with the wheels locked that is "
            "twice what there is.",
            peer=lambda p: {"h_s": 0.5 * p.h_s},
        ),
        "height": Reason(
            "MB stands on its tyres' springs, which give way, so that its forces have an arm "
            "17 mm shorter.",
            ours=lambda p: {"chassis.cg_height_m": p.h_s - _sunk_m(p)},
        ),
        "body height": Reason(
            "We take one height for the whole car's centre of gravity, the peer's for the "
            "sprung mass, so our body's own is 36 mm higher, and MB's 17 mm lower as its tyres "
            "give way.",
            ours=lambda p: {
                "chassis.cg_height_m": (p.m_s * (p.h_s - _sunk_m(p)) + (p.m_uf + p.m_ur) * p.R_w)
                / p.m
            },
        ),
        "pitch": Reason(
            "MB's body pitches on its springs: load arrives late and then swings past, which "
            "lifts a peak that is passed quickly; ours follows at once here.",
        ),
        "combined slip": Reason(
            "Under both slips the peer weakens each force by a cosine of its own, ours walks "
            "an ellipse on one curve: a little braking costs ours more side force, and the "
            "difference grows as the rear axle nears its limit.",
        ),
        "track": Reason(
            "STD has no track: no wheel is unloaded, and the outer front wheel's larger force "
            "does not turn the car back.",
        ),
        "limit": Reason(
            "MB's run ends where its first wheel should lift: its tyres can pull on the road.",
        ),
    }
)
