"""The codec of any DBC file: built once, then one compiled decode and one encode.

``frames`` is an array of FRAME, or the same memory as 64-bit words. ``values`` is f8,
indexed by the slots of the bindings; ``received`` and ``sent`` are the record arrays that
``records`` makes, one record a message. The kernels allocate nothing and raise nothing.
"""

from __future__ import annotations

from tianyuan.dbc.decoding import decode, decode_raw
from tianyuan.dbc.encoding import encode
from tianyuan.dbc.names import every_signal
from tianyuan.dbc.records import (
    RECEIVED,
    SENT,
    Binding,
    Codec,
    Condition,
    Protection,
    Status,
    records,
    slots,
)
from tianyuan.dbc.tables import build

__all__ = [
    "RECEIVED",
    "SENT",
    "Binding",
    "Codec",
    "Condition",
    "Protection",
    "Status",
    "build",
    "decode",
    "decode_raw",
    "encode",
    "every_signal",
    "records",
    "slots",
]
