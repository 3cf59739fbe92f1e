"""The loops that time our codec: nothing but the codec in them."""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.dbc.codec import decode, encode


@kernel
def decode_all(codec, frames, passes, received, values):
    """Decode all frames ``passes`` times over; return how many were refused."""
    refused = 0
    for _ in range(passes):
        for i in range(frames.size):
            refused += decode(codec, frames, i, received, values) < 0
    return refused


@kernel
def encode_all(codec, order, passes, sent, values, frames):
    """Encode the messages of ``order`` ``passes`` times; return how many were not made."""
    refused = 0
    for _ in range(passes):
        for i in range(order.size):
            refused += encode(codec, order[i], sent, values, frames, i) < 0
    return refused
