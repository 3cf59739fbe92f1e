"""What a run is held against: what the file says, and the faults' catalogue where it does not."""

from __future__ import annotations

from typing import Final

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNELS, GROUPS
from tianyuan.firmware.car_file import Car
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.timing import NS_PER_MS, cycle_ms, sources
from tianyuan.hil.faults import fault as catalogue
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.scenario.model import Expect, Reaction, Scenario, causes_of
from tianyuan.hil.scenario.verdict import Bound

NAMES: Final[dict[catalogue.Reaction, Reaction]] = {
    catalogue.Reaction.IGN: "ignored",
    catalogue.Reaction.DEG: "degraded",
    catalogue.Reaction.CS: "controlled_stop",
    catalogue.Reaction.ES: "emergency_stop",
    catalogue.Reaction.REF: "refused",
    catalogue.Reaction.NONE: "ignored",
}
HEARTBEAT: Final = "the heartbeat"  # that its bound is of, and not the stop
# Whose period P is, where the fault has no parameter that says it.
GROUP_OF: Final = {"position": "position", "heading": "velocity", "imu": "imu", "yaw": "imu"}


def bound_of(scenario: Scenario, car: Car, period_ns: int, where: str) -> Bound:
    """What the scenario is held against; raises InputError where the catalogue leaves a choice."""
    expect = scenario.expect
    if not scenario.faults:
        within_ns = _within_ns(expect, car, period_ns, None)
        return Bound(expect.reaction or "none", within_ns, causes_of(expect.cause))
    entry = scenario.faults[0]
    final, first = _expected(expect, entry, where)
    reaction = expect.reaction or NAMES[final.reaction]
    within_ns = _within_ns(expect, car, period_ns, entry)
    if within_ns is None and expect.within is None and NAMES[final.reaction] == reaction:
        within_ns = _bound_ns(final, car, period_ns, entry)
    degraded_ns = None
    if first is not None and expect.reaction in (None, reaction):
        degraded_ns = _bound_ns(first, car, period_ns, entry)
    causes = causes_of(expect.cause)
    if not causes and reaction not in ("ignored", "none"):
        causes = [cause.name for cause in entry.row.causes]
    if final.when.startswith(HEARTBEAT):
        return Bound(reaction, None, causes, None, within_ns)
    return Bound(reaction, within_ns, causes, degraded_ns)


def _expected(
    expect: Expect, entry: FaultEntry, where: str
) -> tuple[catalogue.Expected, catalogue.Expected | None]:
    """The reaction that a fault ends in, and the one before it where it comes in two steps."""
    rows = entry.row.expected
    if expect.reaction is not None:
        for row in rows:
            if NAMES[row.reaction] == expect.reaction:
                return row, None
        return rows[-1], None
    if len(rows) > 1 and any(row.when for row in rows):
        choices = " or ".join(f"{NAMES[row.reaction]} ({row.when})" for row in rows)
        raise InputError(
            f"{where}: expect.reaction: missing; for {entry.fault} it is {choices}: say which"
        )
    return rows[-1], rows[0] if len(rows) > 1 else None


def _bound_ns(row: catalogue.Expected, car: Car, period_ns: int, entry: FaultEntry) -> int | None:
    if row.bound is None or row.unit is None:
        return None
    return _ns(row.bound, row.unit, car, period_ns, entry)


def _within_ns(expect: Expect, car: Car, period_ns: int, entry: FaultEntry | None) -> int | None:
    if expect.within is None:
        return None
    unit = next(unit for unit in ("ms", "s", "P", "T") if expect.within.endswith(unit))
    return _ns(float(expect.within.removesuffix(unit)), unit, car, period_ns, entry)


def _ns(amount: float, unit: str, car: Car, period_ns: int, entry: FaultEntry | None) -> int:
    if unit == "P":
        named = messages_named(car, entry) if entry is not None else []
        cycles = [cycle_ms(car, message) for message in messages_of(car).of(named)]
        return round(amount * max(cycles, default=0) * NS_PER_MS)
    per_unit = {"T": period_ns, "ms": NS_PER_MS, "s": 1000 * NS_PER_MS}[unit]
    return round(amount * per_unit)


def messages_named(car: Car, entry: FaultEntry) -> list[str]:
    """The messages that a fault is of, by its parameter, its channel or its name."""
    said = str(entry.parameters.get("message", ""))
    channel = entry.parameters.get("channel")
    if channel is not None:
        said = next(group for group in GROUPS if channel in CHANNELS[group])
    if not said:
        said = next((GROUP_OF[word] for word in GROUP_OF if entry.fault.startswith(word)), "")
    said = {"emergency_stop": "estop", "late_emergency_stop": "estop"}.get(entry.fault, said)
    if entry.row.group == "race control" and not said:
        said = "race"
    if said == "all":
        return [name for group in GROUPS for name in sources(car, group)]
    if said in GROUPS:
        return list(sources(car, said))
    return [said] if said else []
