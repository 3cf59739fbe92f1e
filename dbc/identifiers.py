"""Which frames a codec knows, for those who know frames and not messages."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tianyuan.dbc.frame import FDF, WORDS
from tianyuan.dbc.records import Codec

_CHANNEL_SHIFT, _FLAGS_SHIFT = 32, 40


def identifiers(codecs: Iterable[Codec], channel: int) -> frozenset[int]:
    """The can_ids, with the bit of an extended one, of the codecs' messages on a channel."""
    found: set[int] = set()
    for codec in codecs:
        keys = codec.lookup.key[codec.lookup.key >= 0]
        found.update((keys[keys >> _CHANNEL_SHIFT == channel] & 0xFFFF_FFFF).tolist())
    return frozenset(found)


def has_fd(codecs: Iterable[Codec], channel: int) -> bool:
    """Whether any message of the codecs on a channel is a CAN FD frame."""
    for codec in codecs:
        headers = np.asarray(codec.initial)[::WORDS]
        own = (headers >> (_CHANNEL_SHIFT + 16)) & 0xFF == channel
        if np.any((headers[own] >> _FLAGS_SHIFT) & FDF):
            return True
    return False
