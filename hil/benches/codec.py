"""The codec against what cantools does: in C that it generates, and by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final, NamedTuple

import numpy as np
from cantools.database.can import Message

from tianyuan.dbc.codec import RECEIVED, SENT, records
from tianyuan.dbc.header import can_id
from tianyuan.hil.benches.in_c import NoCompilerError, Peer, peers
from tianyuan.hil.benches.ours import decode_all, encode_all
from tianyuan.hil.benches.traffic import Traffic
from tianyuan.hil.benches.turns import Contestant, nanoseconds

FRAMES: Final = 60_000  # a turn, enough to lose the call from Python in it
CANTOOLS_FRAMES: Final = 600  # it takes some hundred times as long


class Figures(NamedTuple):
    """Nanoseconds a frame by contestant: ours, c, c_inlined, cantools."""

    traffic: str
    decode_ns: dict[str, float]
    encode_ns: dict[str, float]
    note: str  # why a contestant is missing


def compare(
    traffic: Traffic, turns: int, progress: Callable[[float], None] = lambda done: None
) -> Figures:
    """Measure all contestants; ``progress`` is told rounds done, of 2 * ``turns``.

    Protected traffic has no peer but ourselves, since cantools protects nothing. Without a
    working gcc there is none in C, and ``note`` says why.
    """
    built: Mapping[str, Peer] = {}
    note = ""
    with ExitStack() as stack:
        if not traffic.guarded:
            try:
                built = stack.enter_context(peers(traffic))
            except NoCompilerError as error:
                note = str(error)
        return Figures(
            traffic.name,
            nanoseconds(_decoders(traffic, built), turns, progress),
            nanoseconds(_encoders(traffic, built), turns, lambda done: progress(turns + done)),
            note,
        )


def _decoders(traffic: Traffic, built: Mapping[str, Peer]) -> dict[str, Contestant]:
    side = traffic.decoded
    size = side.order.size
    received, values = records(side.codec, RECEIVED), np.zeros_like(side.values)

    def ours(passes: int) -> int:
        return int(decode_all(side.codec, side.frames, passes, received, values))

    loops = {"ours": ours} | {name: peer.decode for name, peer in built.items()}
    contestants = {name: _looped(loop, size) for name, loop in loops.items()}
    if not traffic.guarded:
        contestants["cantools"] = _cantools_decoder(side.messages, side.frames)
    return contestants


def _encoders(traffic: Traffic, built: Mapping[str, Peer]) -> dict[str, Contestant]:
    side = traffic.encoded
    size = side.order.size
    sent, made = records(side.codec, SENT), np.zeros_like(side.frames)

    def ours(passes: int) -> int:
        return int(encode_all(side.codec, side.order, passes, sent, side.values, made))

    loops = {"ours": ours} | {name: peer.encode for name, peer in built.items()}
    contestants = {name: _looped(loop, size) for name, loop in loops.items()}
    if not traffic.guarded:
        contestants["cantools"] = _cantools_encoder(side.messages, side.order, side.values)
    return contestants


def _looped(loop: Callable[[int], int], size: int) -> Contestant:
    """A compiled loop over ``size`` frames; a frame refused voids the comparison."""
    passes = -(-FRAMES // size)

    def run() -> None:
        refused = loop(passes)
        if refused:
            raise RuntimeError(f"{refused} of {passes * size} frames refused")

    return Contestant(run, passes * size)


def _cantools_decoder(messages: tuple[Message, ...], frames: np.recarray) -> Contestant:
    named = {can_id(message): message for message in messages}
    taken = [
        (int(frame["can_id"]), frame["payload"][: frame["length"]].tobytes())
        for frame in frames[:CANTOOLS_FRAMES].view(np.ndarray)
    ]

    def run() -> None:
        for identifier, payload in taken:
            named[identifier].decode(payload, decode_choices=False)

    return Contestant(run, len(taken))


def _cantools_encoder(
    messages: tuple[Message, ...], order: np.ndarray, values: np.ndarray
) -> Contestant:
    slots = iter(values.tolist())
    wanted = [{signal.name: next(slots) for signal in message.signals} for message in messages]
    taken = [(messages[m], wanted[m]) for m in order[:CANTOOLS_FRAMES].tolist()]

    def run() -> None:
        for message, signals in taken:
            message.encode(signals)

    return Contestant(run, len(taken))
