"""What a bridge adds to a frame's way, on python-can's virtual interface and a bus of our own."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from typing import Final

import can

from tianyuan.drivers.bridge import Bridge, percentiles_us
from tianyuan.drivers.local_can import LocalBus

FRAMES: Final = 2000
PAUSE_S: Final = 0.002
_LOST_S: Final = 1.0
_SETTLE: Final = 100  # first frames, that fill caches


def _times_ns(mouth: can.BusABC, ear: can.BusABC, count: int) -> list[int]:
    """From the call that sends a frame to having received it, frame by frame."""
    times = []
    for k in range(count + _SETTLE):
        message = can.Message(arbitration_id=k & 0x7FF, is_extended_id=False, data=bytes(8))
        began_ns = time.monotonic_ns()
        mouth.send(message)
        if ear.recv(_LOST_S) is not None and k >= _SETTLE:
            times.append(time.monotonic_ns() - began_ns)
        time.sleep(PAUSE_S)
    return times


def measure(count: int = FRAMES) -> dict[str, dict[str, float]]:
    """p50_us, p99_us and max_us of ``count`` frames inward, outward and without a bridge.

    ``alone`` are the two buses by themselves, one after the other: what a bridge adds is the
    difference. Frames that are lost are missing from ``frames``.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bus-"))
        channel = f"measure {folder}"
        near, node, other = (stack.enter_context(LocalBus(folder)) for _ in range(3))
        outside, beside = (
            stack.enter_context(can.Bus(interface="virtual", channel=channel)) for _ in range(2)
        )
        alone = [
            a + b
            for a, b in zip(
                _times_ns(outside, beside, count // 2),
                _times_ns(node, other, count // 2),
                strict=False,
            )
        ]
        other.shutdown()
        beside.shutdown()
        while near.recv(0) is not None:
            pass
        bridge = Bridge(near, lambda: can.Bus(interface="virtual", channel=channel))
        bridge.start()
        stack.callback(bridge.stop)
        inward = _times_ns(outside, node, count)
        outward = _times_ns(node, outside, count)
    ways = {"alone": alone, "inward": inward, "outward": outward}
    return {way: {"frames": len(times), **percentiles_us(times)} for way, times in ways.items()}
