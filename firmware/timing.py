"""How often a car's messages come and go, and for how long they may be silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from cantools.database.can import Message

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNELS
from tianyuan.firmware.car_shape import Car

NS_PER_MS: Final = 1_000_000
MOST_FEEDS: Final = 8  # messages that together feed one group of channels
UNSAID_MS: Final = 10  # the rig's cycle of a message that has none
# The parameter that holds for a group whose messages have no timeout of their own.
_RULES: Final = {"race": "race_stale_s", "estop": "race_stale_s", "permit": "permit_stale_s"}


def cycle_ms(car: Car, message: Message) -> int:
    """A message's cycle, by the car file or else the DBC file; 0 for none."""
    times = car.messages.get(message.name)
    return (times.cycle_ms if times else None) or message.cycle_time or 0


def cycles_ns(messages: Sequence[Message], car: Car) -> np.ndarray:
    """The cycle of each message the car is sent; raises InputError for one that has none."""
    for message in messages:
        if not cycle_ms(car, message):
            raise InputError(no_cycle(car, message.name))
    return np.array([cycle_ms(car, message) * NS_PER_MS for message in messages], np.int64)


def no_cycle(car: Car, name: str) -> str:
    """What is wrong with a message that is to be sent without a cycle."""
    return (
        f"{car.file}: messages.{name}: {name} has no cycle time; say {{ cycle_ms = … }} there, or "
        'give its DBC file the attribute "GenMsgCycleTime"'
    )


def rig_cycles_ns(messages: Sequence[Message], car: Car) -> np.ndarray:
    """The cycle of each message that the rig sends, which must be sent somehow."""
    cycles = [cycle_ms(car, message) or UNSAID_MS for message in messages]
    return np.array(cycles, np.int64) * NS_PER_MS


def sources(car: Car, group: str) -> dict[str, None]:
    """The messages that a group of channels needs: its signals' and those of their validity."""
    wired = [car.sensors[channel] for channel in CHANNELS[group] if channel in car.sensors]
    named = [each.message for each in wired]
    named += [each.signal.partition(".")[0] for signal in wired for each in signal.valid]
    return dict.fromkeys(named)


def timeout_s(car: Car, group: str, message: str, own_s: float | None = None) -> float:
    """A message unheard for this long is lost to the group; ``own_s`` where none is said."""
    times = car.messages.get(message)
    if times is not None and times.timeout_ms is not None:
        return times.timeout_ms * 1e-3
    if own_s is not None:
        return own_s
    return float(car.parameters["supervisor"][_RULES.get(group, "stale_s")])


def limit_s(car: Car, group: str) -> float:
    """A group whose stamp is older than this is lost: the shortest timeout of its messages."""
    own = float(car.parameters["supervisor"][_RULES.get(group, "stale_s")])
    return min((timeout_s(car, group, name) for name in sources(car, group)), default=own)


def feeds(car: Car, messages: Sequence[Message]) -> tuple[np.ndarray, np.ndarray]:
    """The messages of each group, -1 where there are no more, and what each may be later, in ns.

    A group is as old as the oldest of its messages; one that may be silent for longer than the
    shortest counts as younger by the difference.
    """
    order = {message.name: index for index, message in enumerate(messages)}
    table = np.full((len(CHANNELS), MOST_FEEDS), -1, np.int64)
    slack_ns = np.zeros(table.shape, np.int64)
    for row, slack, (group, channels) in zip(table, slack_ns, CHANNELS.items(), strict=True):
        named = sorted(sources(car, group), key=order.__getitem__)
        if len(named) > MOST_FEEDS:
            raise InputError(
                f"{car.file}: sensors: channels {', '.join(channels)}: fed by {len(named)} "
                f"messages; {MOST_FEEDS} is the most"
            )
        for k, name in enumerate(named):
            row[k] = order[name]
            slack[k] = round((timeout_s(car, group, name) - limit_s(car, group)) * 1e9)
    return table, slack_ns
