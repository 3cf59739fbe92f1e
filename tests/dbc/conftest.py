"""A codec with one frame, and messages made without a DBC file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from cantools.database.can import Message, Signal
from cantools.database.conversion import BaseConversion

from tianyuan.dbc import codec as dbc
from tianyuan.dbc.frame import frames
from tianyuan.dbc.header import can_id


@dataclass
class Wire:
    """The codec of some messages, and one frame to try it on."""

    messages: Sequence[Message]
    bindings: Sequence[dbc.Binding] | None = None
    protections: Mapping[str, dbc.Protection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.codec = dbc.build(self.messages, self.bindings, self.protections)
        bound = dbc.every_signal(self.messages) if self.bindings is None else self.bindings
        self.slot = {(each.message, each.signal): each.slot for each in bound}
        self.size = dbc.slots(self.codec)
        self.received = dbc.records(self.codec, dbc.RECEIVED)
        self.sent = dbc.records(self.codec, dbc.SENT)
        self.frame = frames(1)

    def put(self, m: int, payload: bytes, *, flags: int = 0, t_ns: int = 7) -> None:
        """Lay a payload into the frame, under the identifier of message ``m``."""
        self.frame["can_id"] = can_id(self.messages[m])
        self.frame["length"] = len(payload)
        self.frame["flags"] = flags
        self.frame["t_ns"] = t_ns
        self.frame["payload"] = 0xA5  # what lies behind the payload must not matter
        self.frame["payload"][0, : len(payload)] = np.frombuffer(payload, np.uint8)

    def take(self, values: np.ndarray | None = None) -> tuple[int, np.ndarray]:
        """Decode the frame: the result and the values, NaN where none was written."""
        values = np.full(self.size, np.nan) if values is None else values
        result = dbc.decode(self.codec, self.frame, 0, self.received, values)
        return result, values

    def take_raw(self) -> tuple[int, np.ndarray, np.ndarray]:
        """Read the frame's raw values: the result, the raws and which are present."""
        raws, present = np.zeros(self.size, np.int64), np.full(self.size, 255, np.uint8)
        return dbc.decode_raw(self.codec, self.frame, 0, raws, present), raws, present

    def make(self, m: int, values: Sequence[float] | np.ndarray) -> tuple[int, bytes]:
        """Encode message ``m``: the result and the payload."""
        array = np.array(values, np.float64)
        result = dbc.encode(self.codec, m, self.sent, array, self.frame, 0)
        return result, bytes(self.frame["payload"][0, : self.frame["length"][0]])


def make_signal(name: str, start: int, length: int, **options: object) -> Signal:
    """A cantools signal; ``scale``, ``offset`` and ``is_float`` beside its own options."""
    scaling = {each: options.pop(each) for each in ("scale", "offset") if each in options}
    conversion = BaseConversion.factory(**scaling, is_float=bool(options.pop("is_float", False)))
    return Signal(name, start, length, conversion=conversion, **options)


def make_message(signals: Sequence[Signal], **options: object) -> Message:
    """A cantools message, checked strictly."""
    settings: dict = {"frame_id": 0x123, "name": "M", "length": 8} | options
    return Message(signals=list(signals), strict=True, **settings)


@pytest.fixture(scope="session")
def wire() -> type[Wire]:
    return Wire


@pytest.fixture(scope="session")
def signal():
    return make_signal


@pytest.fixture(scope="session")
def message():
    return make_message
