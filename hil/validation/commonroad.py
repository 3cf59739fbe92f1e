"""The peer: CommonRoad's multi-body and single-track drift models, nobody's here.

Althoff and Würsching, CommonRoad: Vehicle Models (2020), as published in the package
commonroad-vehicle-models with the parameters of its vehicle 2, a BMW 320i. The models are the
package's right-hand sides, integrated by Runge and Kutta's
method: an implicit one never gets past a wheel that locks, whose rate they switch off.

The multi-body model's axes are SAE's, z down and y to the right, so its "left" wheels lie
where y is negative. A car is its own mirror image: so what it does to its right is read here
as done to the left, which swaps its wheels and turns its roll, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

import numpy as np
from scipy.integrate import solve_ivp
from vehiclemodels.init_mb import init_mb
from vehiclemodels.init_std import init_std
from vehiclemodels.parameters_vehicle2 import parameters_vehicle2
from vehiclemodels.vehicle_dynamics_mb import vehicle_dynamics_mb
from vehiclemodels.vehicle_dynamics_std import vehicle_dynamics_std

from tianyuan.hil.validation.manoeuvre import SAMPLE_S, Manoeuvre, hold, straight
from tianyuan.hil.validation.trace import Trace

GRAVITY_MPS2: Final = 9.81
# Runs end where the models do: below 0.1 and 0.2 m/s they turn kinematic, in a spin no wheel
# can turn backwards, and the multi-body model's tyres pull on the road where they should lift.
LOWEST_MPS: Final = 0.5
SPUN_RAD: Final = 0.5
MULTI_BODY: Final = "MB"
DRIFT: Final = "STD"
SETTLE_S: Final = 3.0  # of the multi-body model's springs: its published start is not their rest

MODELS: Final[dict[str, tuple[Callable, Callable]]] = {
    MULTI_BODY: (vehicle_dynamics_mb, init_mb),
    DRIFT: (vehicle_dynamics_std, init_std),
}


def parameters(**changed: float) -> Any:
    """The package's BMW 320i, with keys changed: ``tire_NAME`` are its tyres'."""
    made = deepcopy(parameters_vehicle2())
    for key, value in changed.items():
        owner, name = (made.tire, key[5:]) if key.startswith("tire_") else (made, key)
        if not hasattr(owner, name):
            raise KeyError(key)
        setattr(owner, name, value)
    return made


class Peer:
    """One of the two models, to be driven."""

    def __init__(self, kind: str, changed: dict[str, float] | None = None) -> None:
        self.name = f"CommonRoad {kind}"
        self.kind = kind
        self.p = parameters(**(changed or {}))
        self._rates, self._start = MODELS[kind]

    def drive(self, manoeuvre: Manoeuvre) -> Trace:
        """A whole run; see ``trace.Model``."""
        start = self._start([0.0, 0.0, 0.0, manoeuvre.start_mps, 0.0, 0.0, 0.0], self.p)
        if self.kind == MULTI_BODY:
            start = self._settled(start, manoeuvre.start_mps)
        t_s, states = self._integrated(manoeuvre, start)
        rates = np.array(
            [self._rate(t, x, manoeuvre) for t, x in zip(t_s, states.T, strict=True)]
        ).T
        traced = _trace_of_multi_body if self.kind == MULTI_BODY else _trace_of_drift
        demands = [manoeuvre.demand(t, x) for t, x in zip(t_s, states[3], strict=True)]
        states[2] = [manoeuvre.steer.angle(t) for t in t_s]
        return traced(self.p, t_s, states, rates, np.array(demands))

    def _rate(self, t_s: float, x: np.ndarray, manoeuvre: Manoeuvre) -> list[float]:
        forward_mps = float(x[3]) if self.kind == MULTI_BODY else float(x[3]) * math.cos(x[6])
        now = x.tolist()
        now[2] = manoeuvre.steer.angle(t_s)  # a state of theirs, but an input: no step misses it
        wanted = [manoeuvre.steer.rate(t_s), manoeuvre.demand(t_s, forward_mps)]
        return self._rates(now, wanted, self.p)

    def _settled(self, start: list[float], speed_mps: float) -> list[float]:
        """The start with its springs at rest, back at the origin."""
        wait = Manoeuvre(speed_mps, SETTLE_S, straight(), hold(speed_mps))
        _, states = self._integrated(wait, start)
        rest = states[:, -1].tolist()
        scale = speed_mps / rest[3]
        rest[0], rest[3] = 0.0, speed_mps
        rest[23:27] = [spin * scale for spin in rest[23:27]]
        return rest

    def _integrated(
        self, manoeuvre: Manoeuvre, start: list[float]
    ) -> tuple[np.ndarray, np.ndarray]:
        lowest_mps = max(LOWEST_MPS, manoeuvre.until_mps)

        def over(_: float, x: np.ndarray) -> float:
            """Below zero once the model has left what it is valid for: see ``LOWEST_MPS``."""
            if self.kind == MULTI_BODY:
                sideslip = abs(math.atan2(x[10], x[3]))
                lightest = float(_multi_body_loads_n(self.p, x).min())
            else:
                sideslip, lightest = abs(x[6]), 1.0
            return min(float(x[3]) - lowest_mps, SPUN_RAD - sideslip, lightest)

        over.terminal = True  # type: ignore[attr-defined]
        samples = round(manoeuvre.seconds / SAMPLE_S)
        solved = solve_ivp(
            lambda t, x: self._rate(t, x, manoeuvre),
            (0.0, manoeuvre.seconds),
            start,
            method="RK45",
            t_eval=np.linspace(0.0, manoeuvre.seconds, samples + 1),
            events=over,
            rtol=1e-6,
            atol=1e-8,
            max_step=0.02,  # no kink of steering or pedals is stepped over
        )
        if not solved.success:
            raise RuntimeError(f"{self.name}: {solved.message}")
        return solved.t, solved.y


def _multi_body_loads_n(p: Any, x: np.ndarray) -> np.ndarray:
    """The forces of its tyres' springs, by wheel, mirrored; a tyre can pull: it never lifts."""
    return np.array(
        [
            p.K_zt * (x[z] + p.R_w * (np.cos(x[roll]) - 1.0) + side * 0.5 * track * np.sin(x[roll]))
            for z, roll, track in ((16, 13, p.T_f), (21, 18, p.T_r))
            for side in (1.0, -1.0)
        ]
    )


def _trace_of_multi_body(
    p: Any, t_s: np.ndarray, x: np.ndarray, rates: np.ndarray, _: np.ndarray
) -> Trace:
    """States and rates (29, samples), mirrored; the loads are those of its tyres' springs."""
    return Trace(
        t_s=t_s,
        x_m=x[0],
        y_m=x[1],
        heading_rad=x[4],
        vx_mps=x[3],
        vy_mps=x[10],
        yaw_rate_radps=x[5],
        ax_mps2=rates[3] - x[5] * x[10],
        ay_mps2=(p.m_s * rates[10] + p.m_uf * rates[15] + p.m_ur * rates[20]) / p.m + x[5] * x[3],
        steer_rad=x[2],
        roll_rad=-x[6],
        wheel_radps=x[[24, 23, 26, 25]].T,
        wheel_load_n=_multi_body_loads_n(p, x).T,
    )


def _trace_of_drift(
    p: Any, t_s: np.ndarray, x: np.ndarray, rates: np.ndarray, demand_mps2: np.ndarray
) -> Trace:
    """States and rates (9, samples); an axle's speed and half its load go to both its wheels."""
    vx, vy = x[3] * np.cos(x[6]), x[3] * np.sin(x[6])
    vx_rate = rates[3] * np.cos(x[6]) - vy * rates[6]
    vy_rate = rates[3] * np.sin(x[6]) + vx * rates[6]
    wheelbase_m = p.a + p.b
    front_n = 0.5 * p.m * (GRAVITY_MPS2 * p.b - demand_mps2 * p.h_s) / wheelbase_m
    rear_n = 0.5 * p.m * (GRAVITY_MPS2 * p.a + demand_mps2 * p.h_s) / wheelbase_m
    return Trace(
        t_s=t_s,
        x_m=x[0],
        y_m=x[1],
        heading_rad=x[4],
        vx_mps=vx,
        vy_mps=vy,
        yaw_rate_radps=x[5],
        ax_mps2=vx_rate - x[5] * vy,
        ay_mps2=vy_rate + x[5] * vx,
        steer_rad=x[2],
        roll_rad=np.zeros_like(t_s),
        wheel_radps=np.array([x[7], x[7], x[8], x[8]]).T,
        wheel_load_n=np.array([front_n, front_n, rear_n, rear_n]).T,
    )
