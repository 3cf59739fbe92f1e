"""Findings against expectations: every difference is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.records import Cause
from tianyuan.hil.laps import Lap
from tianyuan.hil.scenario.judge import STANDSTILL_MPS, Findings
from tianyuan.hil.scenario.model import Expect, Reaction
from tianyuan.hil.scenario.trace import LIMITS_BY_NUMBER, Rows

GRAVITY_MPS2: Final = 9.80665
# A car whose circuit brakes by itself, steered, presses two thirds of what locks its wheels.
FULL_BRAKE: Final = 0.5  # of the road's grip, at least, in the middle of an emergency stop
PRESSED_NS: Final = 400_000_000  # by then the brake is on
SLOW_MPS: Final = 3.0  # below, a stop is over
STEERED_NS: Final = 50_000_000  # a heartbeat so much newer than the steering steers no more
STOPS: Final = ("controlled_stop", "emergency_stop")


class Drive(NamedTuple):
    """One run as it was recorded."""

    trace: Rows  # TRACE
    kept: np.void  # KEPT
    laps: list[Lap]
    laps_wanted: int | None
    guarded: bool
    begun_ns: int | None  # when the fault began; None for a run without, or before it


class Bound(NamedTuple):
    """What the run is held against."""

    reaction: Reaction
    within_ns: int | None
    causes: list[str]
    degraded_ns: int | None = None  # within what a sign of being degraded comes first
    silent_ns: int | None = None  # within what a host that dies has sent its last frame


def failures(drive: Drive, found: Findings, bound: Bound, expect: Expect) -> list[str]:
    """Every expectation that was not met, a sentence each."""
    return [
        *_reaction(drive, found, bound),
        *_bound(drive, found, bound),
        *_degraded_first(drive, found, bound),
        *_silent(drive, found, bound),
        *_cause(found, bound),
        *_stop(drive, found, expect),
        *_way(drive, expect),
        *_laps(drive, found, expect),
        *_limits(drive, expect),
    ]


def driven(trace: Rows) -> Rows:
    """The rows since the car began to drive."""
    return trace[trace.lap > 0]


def stop_distance_m(trace: Rows, found: Findings) -> float | None:
    """From the beginning of what counts to the stand, along the way; None where there is none."""
    if found.stand is None:
        return None
    way = trace[found.begin : found.stand + 1]
    return float(np.hypot(np.diff(way.x_m), np.diff(way.y_m)).sum())


def words(reaction: str) -> str:
    """A reaction as people read it."""
    return {"none": "no reaction", "ignored": "driving on"}.get(
        reaction, reaction.replace("_", " ")
    )


def _reaction(drive: Drive, found: Findings, bound: Bound) -> Iterator[str]:
    wanted, got = bound.reaction, found.reaction
    calm = ("none", "ignored")
    if wanted == got or (wanted in calm and got in calm and found.detected_ns is None):
        return
    speed_mps = float(abs(drive.trace.speed_mps[-1]))
    if got == "none" and found.detected_ns is not None:
        yield (
            f"the host says that it stops, and at the end the car still does {speed_mps:.1f} m/s"
        )
    else:
        named = f" for {found.cause}" if found.cause != "NONE" else ""
        yield f"expected {words(wanted)}, and it was {words(got)}{named}"


def _bound(drive: Drive, found: Findings, bound: Bound) -> Iterator[str]:
    if bound.within_ns is None or drive.begun_ns is None or found.detected_ns is None:
        return
    took_ns = found.detected_ns - drive.begun_ns
    if found.reaction == bound.reaction and took_ns > bound.within_ns:
        yield (
            f"the first frame that shows it came {took_ns / 1e6:.1f} ms after the fault began; "
            f"{bound.within_ns / 1e6:.0f} ms is the bound"
        )


def _silent(drive: Drive, found: Findings, bound: Bound) -> Iterator[str]:
    """The frames of a host that dies end with it."""
    if bound.silent_ns is None or drive.begun_ns is None:
        return
    if found.gone_ns is None:
        yield "the host went on to send"
    elif found.gone_ns - drive.begun_ns > bound.silent_ns:
        yield (
            f"the host sent for {(found.gone_ns - drive.begun_ns) / 1e6:.1f} ms more; "
            f"{bound.silent_ns / 1e6:.0f} ms is the bound"
        )


def _degraded_first(drive: Drive, found: Findings, bound: Bound) -> Iterator[str]:
    """A stop that is to be announced by driving on degraded, unless it comes as soon itself."""
    if bound.degraded_ns is None or drive.begun_ns is None:
        return
    rows = drive.trace[found.begin : found.end]
    signs = np.flatnonzero(rows.cause != Cause.NONE)
    if len(signs) and rows.beat_ns[signs[0]] - drive.begun_ns <= bound.degraded_ns:
        return
    yield f"nothing showed within {bound.degraded_ns / 1e6:.0f} ms that it drove on degraded"


def _cause(found: Findings, bound: Bound) -> Iterator[str]:
    if bound.causes and found.cause not in bound.causes:
        yield f"the cause is {found.cause}, not {' or '.join(bound.causes)}"


def _stop(drive: Drive, found: Findings, expect: Expect) -> Iterator[str]:
    if found.reaction not in STOPS or found.stand is None or found.detected_ns is None:
        return
    way = drive.trace[found.begin : found.stand + 1]
    way = way[way.t_ns >= found.detected_ns]
    distance_m = stop_distance_m(drive.trace, found)
    if expect.stop_distance_m is not None and (distance_m or 0.0) > expect.stop_distance_m:
        yield f"it took {distance_m:.1f} m to stop; {expect.stop_distance_m} m is the most"
    if found.reaction == "emergency_stop":
        yield from _full_brake(way)
    yield from _steered(way)


def _full_brake(way: Rows) -> Iterator[str]:
    braking = way[(way.t_ns >= way.t_ns[0] + PRESSED_NS) & (way.speed_mps > SLOW_MPS)]
    if not len(braking):
        return  # too slow to tell
    used = np.hypot(braking.ax_mps2, braking.ay_mps2) / (braking.friction * GRAVITY_MPS2)
    share = float(np.median(used))
    if share < FULL_BRAKE:
        yield f"the emergency stop used {share:.0%} of the road's grip; {FULL_BRAKE:.0%} is full"


def _steered(way: Rows) -> Iterator[str]:
    """Steering is alive in every stop, where there is still a host to steer."""
    moving = way[np.abs(way.speed_mps) > STANDSTILL_MPS]
    if not len(moving):
        return
    unsteered = moving.beat_ns - moving.steer_ns > STEERED_NS
    if (unsteered | (moving.steer_enable == 0)).any():
        yield "the host stopped steering before the car stood"


def _way(drive: Drive, expect: Expect) -> Iterator[str]:
    rows = driven(drive.trace)
    if not len(rows):
        return
    worst = int(rows.edge_margin_m.argmin())
    if expect.on_track and rows.edge_margin_m[worst] < 0.0:
        yield (
            f"a wheel left the track by {-rows.edge_margin_m[worst]:.2f} m "
            f"at station {rows.station_m[worst]:.0f} m"
        )
    off_m = float(np.abs(rows.cross_track_m).max())
    if expect.max_cross_track_m is not None and off_m > expect.max_cross_track_m:
        yield f"it was {off_m:.2f} m off its line; {expect.max_cross_track_m} m is the most"


def _laps(drive: Drive, found: Findings, expect: Expect) -> Iterator[str]:
    drives_on = found.reaction in ("none", "ignored", "degraded")
    if drive.laps_wanted is not None and drives_on and len(drive.laps) < drive.laps_wanted:
        yield f"it completed {len(drive.laps)} of {drive.laps_wanted} laps"
    if expect.lap_time_s is None:
        return
    low, high = expect.lap_time_s
    timed = [lap for lap in drive.laps if lap.number > 1] or drive.laps
    if not timed:
        yield "it completed no lap to be timed"
    for lap in timed:
        if not low <= lap.time_s <= high:
            yield f"lap {lap.number} took {lap.time_s:.3f} s; {low} to {high} s is expected"


def _limits(drive: Drive, expect: Expect) -> Iterator[str]:
    if expect.limits_kept and drive.kept["broken_ns"]:
        yield (
            f"a command frame broke its {LIMITS_BY_NUMBER[int(drive.kept['broken'])]}: "
            f"{float(drive.kept['value']):.3f}"
        )
