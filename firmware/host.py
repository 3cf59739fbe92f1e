"""A host made ready to tick: a car, a line, and all the memory that the loop works on."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.planning.slip_map import fill_slip_map
from tianyuan.control.records import Controller
from tianyuan.dbc.frame import frames
from tianyuan.firmware.car_file import Car, params_of
from tianyuan.firmware.tables import Memory, Tables, command, memory, sensors, tables
from tianyuan.firmware.tick import tick

FRAMES_IN: Final = 256
FRAMES_OUT: Final = 32


class Host(NamedTuple):
    """Arguments of ``tick``, in its order, less time and count of frames; and how many buses."""

    tables: Tables
    path: np.recarray
    frames_in: np.recarray
    sensors: np.recarray
    memory: Memory
    command: np.recarray
    frames_out: np.recarray
    buses: int  # of the car

    def tick(self, n_in: int, t_ns: int) -> int:
        """One tick on the first ``n_in`` of ``frames_in``; frames now in ``frames_out``."""
        return int(
            tick(
                self.tables,
                self.path,
                self.frames_in,
                n_in,
                t_ns,
                self.sensors,
                self.memory,
                self.command,
                self.frames_out,
            )
        )


def make_host(car: Car, path: np.recarray, controller: Controller, period_ns: int) -> Host:
    """A host that has seen nothing yet, for a checked line."""
    params = params_of(car, controller, period_ns * 1e-9)
    fill_slip_map(params)
    params.path_spacing_m[0] = path.s_m[1] - path.s_m[0]
    params.path_length_m[0] = params.path_spacing_m[0] * path.size
    plan_ = tables(car, params)
    return Host(
        plan_,
        path,
        frames(FRAMES_IN),
        sensors(),
        memory(plan_),
        command(),
        frames(FRAMES_OUT),
        len(car.buses),
    )
