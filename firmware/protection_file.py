"""The car file's [protection] table: one entry a message, its keys those of its profile."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from tianyuan.dbc.codec import Protection, Window
from tianyuan.dbc.protection_records import MOST_WINDOW
from tianyuan.firmware.strict import Strict

NEVER_EMPTY: Final = -1
_Count = Annotated[int, Field(ge=0, le=MOST_WINDOW)]
_DataId = Annotated[int, Field(ge=0, le=0xFFFF)]
_Octet = Annotated[int, Field(ge=0, le=0xFF)]
_FEW = Window()


class WindowKeys(Strict):
    """The window's size in frames, and what of them each state asks for."""

    size: Annotated[int, Field(ge=1, le=MOST_WINDOW)] = _FEW.size
    min_ok_init: _Count = _FEW.min_ok_init
    max_error_init: _Count = _FEW.max_error_init
    min_ok_valid: _Count = _FEW.min_ok_valid
    max_error_valid: _Count = _FEW.max_error_valid
    min_ok_invalid: _Count = _FEW.min_ok_invalid
    max_error_invalid: _Count = _FEW.max_error_invalid


class Guarded(Strict):
    """End-to-end protection of one message: the keys that every profile has."""

    profile: str
    crc: str = "CRC"  # signal
    counter: str = "Counter"  # signal
    max_delta: Annotated[int, Field(ge=1)] = 2
    read_ms: Annotated[int, Field(ge=0)] | None = None  # else the message's cycle; 0 a tick
    window: WindowKeys = WindowKeys()

    def protection(self, cycle_ms: int | None, windowed: bool = True) -> Protection:
        """What the codec is built with; ``windowed`` False leaves the window out."""
        own = self.model_dump(exclude={"window", "read_ms", "data_ids"})
        read_ms = cycle_ms if self.read_ms is None else self.read_ms
        return Protection(
            **own,
            data_ids=tuple(getattr(self, "data_ids", ())),
            read_ns=NEVER_EMPTY if read_ms is None else read_ms * 1_000_000,
            window=Window(**self.window.model_dump()) if windowed else None,
        )


class _Synchronised(Guarded):
    sync: Annotated[int, Field(ge=0, le=14)] = 1
    max_no_new: Annotated[int, Field(ge=0, le=14)] | None = None


class Profile1(_Synchronised):
    """AUTOSAR profile 1."""

    profile: Literal["P1"]
    data_id: _DataId
    mode: Literal["BOTH", "ALT", "LOW", "NIBBLE"] = "BOTH"
    nibble: str = "DataIDNibble"  # signal, of mode NIBBLE


class Profile2(_Synchronised):
    """AUTOSAR profile 2: an id for each of the 16 counters."""

    profile: Literal["P2"]
    data_ids: Annotated[list[_Octet], Field(min_length=16, max_length=16)]


class Profile5(Guarded):
    """AUTOSAR profile 5."""

    profile: Literal["P5"]
    data_id: _DataId


class Profile11(Guarded):
    """AUTOSAR profile 11."""

    profile: Literal["P11"]
    data_id: _DataId
    mode: Literal["BOTH", "NIBBLE"] = "BOTH"
    nibble: str = "DataIDNibble"


class PlainCounter(Guarded):
    """A counter without a CRC, or with a plain checksum (``dbc/checksums.py``)."""

    profile: Literal["counter"]
    crc: str = ""  # signal of the checksum
    checksum: str = ""
    counter_first: Annotated[int, Field(ge=0)] = 0
    counter_last: Annotated[int, Field(ge=1)] | None = None  # else what its range allows


PROFILES: Final[dict[str, type[Guarded]]] = {
    "P1": Profile1,
    "P2": Profile2,
    "P5": Profile5,
    "P11": Profile11,
    "counter": PlainCounter,
}
