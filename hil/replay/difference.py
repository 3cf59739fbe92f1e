"""The first difference of a replay: which frame, which signals, and the ticks around it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import cantools
import numpy as np
from cantools.database.can import Message

from tianyuan.dbc.frame import EXTENDED, EXTENDED_MASK, TX
from tianyuan.dbc.read import read
from tianyuan.firmware.car_file import Car
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.hil.replay.stretch import Played
from tianyuan.rooms import room

COMPARED: Final = ("can_id", "length", "flags", "channel", "payload")
Pair = tuple[np.void | None, np.void | None]  # a frame as recorded and as replayed


class Moment(NamedTuple):
    """One tick: its number and time, the frames that came in, and those that went out and do."""

    tick: int
    t_ns: int
    came: np.ndarray
    recorded: np.ndarray
    replayed: np.ndarray

    def pairs(self) -> list[Pair]:
        """What went out then beside what does now."""
        count = max(self.recorded.size, self.replayed.size)
        return [(_at(self.recorded, i), _at(self.replayed, i)) for i in range(count)]

    def first_difference(self) -> Pair:
        """The first pair that is none."""
        return next(pair for pair in self.pairs() if differ(*pair))


class Mismatch(NamedTuple):
    """The first frame that came out otherwise: its tick, both as text, and all that is around."""

    tick: int
    recorded: str
    replayed: str
    t_ns: int
    around: tuple[Moment, ...]
    pair: Pair


def moments(each: Played, ticks: int, first: int, last: int) -> list[Moment]:
    """The ticks ``first`` up to ``last`` of those played, of which the first is ``ticks``."""
    found = []
    for k in range(first, last):
        own = each.recorded.part(k, k + 1)
        begin, sent = int(each.ends[k - 1]) if k else 0, own.frames["reserved"] == TX
        made = each.made[begin : int(each.ends[k])]
        found.append(
            Moment(
                ticks + k, int(own.t_ns[0]), own.frames[~sent].copy(), own.frames[sent].copy(),
                made.copy(),
            )
        )  # fmt: skip
    return found


def differ(one: np.void | None, other: np.void | None) -> bool:
    """Whether two frames differ in what a bus carries of them."""
    if one is None or other is None:
        return one is not other
    return any(np.any(one[name] != other[name]) for name in COMPARED)


def text_of(frame: np.void | None) -> str:
    """A frame as candump writes it, and its channel."""
    if frame is None:
        return "no frame"
    data = frame["payload"][: int(frame["length"])].tobytes().hex()
    return f"{int(frame['can_id']) & EXTENDED_MASK:x}#{data} on {int(frame['channel'])}"


def _at(frames: np.ndarray, i: int) -> np.void | None:
    return frames[i] if i < frames.size else None


class Names:
    """The messages of a car and of its host by channel and identifier, to say frames by name."""

    def __init__(self, car: Car) -> None:
        found = messages_of(car)
        self._messages: dict[tuple[int, int], Message] = {
            (found.channels[name], _can_id(message)): message
            for name, message in found.named.items()
        }
        for message in read(room("dbc") / "host.dbc").messages:
            self._messages[HOST_CHANNEL, _can_id(message)] = message

    def message(self, frame: np.void) -> Message | None:
        """The frame's message, if it is one of theirs."""
        return self._messages.get((int(frame["channel"]), int(frame["can_id"])))

    def signals(self, frame: np.void | None) -> dict[str, Any]:
        """The frame's signals by name; none of a frame that is not theirs."""
        message = self.message(frame) if frame is not None else None
        if frame is None or message is None:
            return {}
        data = frame["payload"][: int(frame["length"])].tobytes()
        try:
            found = message.decode(data, allow_truncated=True)
        except (cantools.Error, ValueError):  # as of a multiplexer's value that there is not
            return {}
        return dict(found) if isinstance(found, dict) else {}

    def told(self, frame: np.void | None) -> str:
        """The frame in one line, by name where it has one."""
        if frame is None:
            return "no frame"
        message = self.message(frame)
        signals = ", ".join(f"{name} {short(v)}" for name, v in self.signals(frame).items())
        return f"{message.name} {signals or text_of(frame)}" if message else text_of(frame)


def _can_id(message: Message) -> int:
    return message.frame_id | (EXTENDED if message.is_extended_frame else 0)


def short(value: Any) -> str:
    """A value as people read it."""
    return f"{value:.6g}" if isinstance(value, float) else f"{value}"


def changed_signals(first: Mismatch, names: Names) -> list[dict[str, Any]]:
    """The signals of the first difference that are other now: name, recorded and replayed."""
    one, other = (names.signals(frame) for frame in first.pair)
    frame = first.pair[0] if first.pair[0] is not None else first.pair[1]
    message = names.message(frame) if frame is not None else None
    return [
        {
            "signal": f"{message.name if message else '?'}.{name}",
            "recorded": _plain(one.get(name)),
            "replayed": _plain(other.get(name)),
        }
        for name in dict.fromkeys((*one, *other))
        if one.get(name) != other.get(name)
    ]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else f"{value}"


def around(first: Mismatch, names: Names) -> list[str]:
    """The ticks around the first difference, a frame a line."""
    return [line for moment in first.around for line in _lines(moment, names, first.tick)]


def _lines(moment: Moment, names: Names, tick: int) -> Iterable[str]:
    yield f"{'>' if moment.tick == tick else ' '} tick {moment.tick}, {moment.t_ns} ns"
    for frame in moment.came:
        yield f"    in   {names.told(frame)}"
    for one, other in moment.pairs():
        if not differ(one, other):
            yield f"    out  {names.told(one)}"
            continue
        yield f"    then {names.told(one)}"
        yield f"    now  {names.told(other)}"
