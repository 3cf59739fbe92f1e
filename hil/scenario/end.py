"""When a scenario's run is over."""

from __future__ import annotations

from typing import Final

from tianyuan.control.records import Mode
from tianyuan.hil.life import Life
from tianyuan.hil.scenario.judge import STANDSTILL_MPS
from tianyuan.hil.scenario.model import Scenario

STANDS_S: Final = 1.0  # a car that has stood for so long after its start drives no more
NS_PER_S: Final = 1e9


class End:
    """Race control's end, the scenario's seconds, or a car that has come to a stand."""

    def __init__(self, scenario: Scenario, last_ns: int) -> None:
        self.seconds = scenario.seconds
        self.last_ns = last_ns
        self.moved = False
        self.stood_ns = 0

    def reached(self, life: Life, t_ns: int) -> bool:
        """Whether it is over by the instant ``t_ns``; to be asked several times a second."""
        race = life.race[0]
        if race.finished or t_ns >= self.last_ns:
            return True
        ran_s = (t_ns - race.began_ns) / NS_PER_S if race.began_ns > 0 else 0.0
        if self.seconds is not None and ran_s >= self.seconds:
            return True
        return self._stands(life, t_ns)

    def _stands(self, life: Life, t_ns: int) -> bool:
        moves = abs(life.plant_state.vx_mps[0]) > STANDSTILL_MPS
        self.moved = self.moved or (moves and life.command.mode[0] == Mode.DRIVING)
        if moves or not self.moved:
            self.stood_ns = 0
            return False
        self.stood_ns = self.stood_ns or t_ns
        return t_ns - self.stood_ns >= STANDS_S * NS_PER_S
