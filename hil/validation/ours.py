"""Our plant as a model that drives manoeuvres: a demand becomes throttle or brake pressure."""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.hil.plant.controls import CONTROLS
from tianyuan.hil.plant.parameters import Vehicle
from tianyuan.hil.plant.road import flat
from tianyuan.hil.plant.state import PLANT_STATE, rolling
from tianyuan.hil.plant.vehicle import advance
from tianyuan.hil.validation.manoeuvre import SAMPLE_S, Manoeuvre
from tianyuan.hil.validation.trace import Trace

STEP_S: Final = 0.001
REV_ROOM: Final = 1.25  # the gear of a run leaves so much room below the limiter at its start


class Ours:
    """The plant of a vehicle's file, driven."""

    def __init__(self, vehicle: Vehicle, friction: float = 1.0) -> None:
        self.name = "TianYuan"
        self.vehicle = vehicle
        self.plant = vehicle.plant()
        self._road = flat(friction)
        self._overall = self.plant["gearbox_overall"][0].tolist()
        self._full_nm, self._drag_nm = (
            self.plant["engine_torque_nm"][0],
            self.plant["engine_drag_nm"][0],
        )
        self._map_radps = np.arange(len(self._full_nm)) * self.plant["engine_step_radps"][0]

    def drive(self, manoeuvre: Manoeuvre) -> Trace:
        """A whole run; see ``trace.Model``."""
        states, controls = self.history(manoeuvre)
        every = round(SAMPLE_S / STEP_S)
        return trace_of(states[::every], controls["steer_rad"][::every], SAMPLE_S)

    def history(self, manoeuvre: Manoeuvre) -> tuple[np.ndarray, np.ndarray]:
        """PLANT_STATE after each millisecond, and the CONTROLS that led there; the start first."""
        gear = 0 if manoeuvre.neutral else self.gear_for(manoeuvre.start_mps)
        state = rolling(self.plant, manoeuvre.start_mps, gear)
        steps = round(manoeuvre.seconds / STEP_S)
        states = np.zeros(steps + 1, PLANT_STATE)
        given = self._steering(manoeuvre, steps, gear)
        controls = np.zeros(1, CONTROLS).view(np.recarray)
        speed = state["vx_mps"]
        states[0] = state[0]
        for k in range(1, steps + 1):
            demand = manoeuvre.demand((k - 1) * STEP_S, float(speed[0]))
            self._pedals(given, k, demand, state)
            controls[0] = given[k]
            advance(self.plant, state, controls, self._road, STEP_S, 1)
            states[k] = state[0]
            if speed[0] < manoeuvre.until_mps:
                states, given = states[: k + 1], given[: k + 1]
                break
        states["wheel_load_n"][0] = states["wheel_load_n"][1]  # a state has none until it moves
        return states, given

    def gear_for(self, speed_mps: float) -> int:
        """The lowest gear whose engine has room at a speed."""
        spin = REV_ROOM * speed_mps / self.vehicle.tyre.radius_m
        ratios = [ratio * self.vehicle.gearbox.final_drive for ratio in self.vehicle.gearbox.ratio]
        limit = float(self.plant.engine_limit_radps[0])
        fitting = [k for k, ratio in enumerate(ratios, 1) if spin * ratio <= limit]
        return fitting[0] if fitting else len(ratios)

    def top_mps(self) -> float:
        """What the engine's limiter allows in the highest gear."""
        box = self.vehicle.gearbox
        return float(
            self.plant.engine_limit_radps[0] * self.vehicle.tyre.radius_m
            / (min(box.ratio) * box.final_drive)
        )  # fmt: skip

    def _steering(self, manoeuvre: Manoeuvre, steps: int, gear: int) -> np.ndarray:
        """CONTROLS of a whole run, pedals still free."""
        given = np.zeros(steps + 1, CONTROLS)
        at_s = np.arange(steps + 1) * STEP_S
        given["steer_rad"] = np.interp(at_s, *manoeuvre.steer)
        given["steer_rate_radps"] = np.gradient(given["steer_rad"], STEP_S)
        given["gear"] = gear
        return given

    def _pedals(self, given: np.ndarray, k: int, demand: float, state: np.recarray) -> None:
        """Throttle and pressures of step ``k``."""
        wanted_nm = self.vehicle.chassis.mass_kg * self.vehicle.tyre.radius_m * demand
        left_nm = min(0.0, wanted_nm)
        if given["gear"][k] > 0:
            given["throttle"][k], left_nm = self._throttle(wanted_nm, state)
        if left_nm < 0.0:
            given["brake_front_bar"][k], given["brake_rear_bar"][k] = self._brakes(left_nm)

    def _throttle(self, wanted_nm: float, state: np.recarray) -> tuple[float, float]:
        """The throttle for a torque at the wheels, and what torque the brakes have to add."""
        box = self.vehicle.gearbox
        overall = self._overall[int(state["gear"][0])]
        engine = float(state["engine_radps"][0])
        full_nm = float(np.interp(engine, self._map_radps, self._full_nm))
        drag_nm = float(np.interp(engine, self._map_radps, self._drag_nm))
        asked_nm = max(full_nm, self.vehicle.engine.request_nm) + drag_nm
        loss = box.efficiency if wanted_nm > 0.0 else 1.0 / box.efficiency
        engine_nm = wanted_nm / (overall * loss)
        share = min(1.0, max(0.0, (engine_nm + drag_nm) / asked_nm))
        return share, min(0.0, wanted_nm + drag_nm * overall * loss)

    def _brakes(self, wanted_nm: float) -> tuple[float, float]:
        """Pressures in bar, front and rear, for a torque at the wheels below zero."""
        brakes = self.vehicle.brakes
        share = brakes.rear_pressure_share
        front_bar = -wanted_nm / (brakes.front_nm_per_bar + share * brakes.rear_nm_per_bar)
        front_bar = min(front_bar, brakes.max_bar)
        return front_bar, share * front_bar


def trace_of(states: np.ndarray, steer_rad: np.ndarray, sample_s: float) -> Trace:
    """PLANT_STATE over time as a Trace."""
    names = set(Trace._fields) & set(states.dtype.names or ())
    columns = {name: np.array(states[name]) for name in names}
    t_s = np.arange(len(states)) * sample_s
    return Trace(t_s=t_s, steer_rad=steer_rad, **columns)
