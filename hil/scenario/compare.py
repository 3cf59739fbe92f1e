"""The same scenarios in virtual and in real time: where the two do not agree."""

from __future__ import annotations

from tianyuan.hil.scenario.result import Result

LAP_SHARE = 0.005  # by so much lap times may differ


def lap_share(virtual: Result, real: Result) -> float | None:
    """The largest difference of a lap's times, over the virtual one; None without a common lap."""
    pairs = zip(virtual.laps, real.laps, strict=False)
    return max((abs(r.time_s / v.time_s - 1.0) for v, r in pairs), default=None)


def differences(virtual: Result, real: Result) -> list[str]:
    """What differs, a sentence each: verdict, reaction, cause, laps and their times."""
    found = []
    for what in ("verdict", "reaction", "cause"):
        before, after = getattr(virtual, what), getattr(real, what)
        if before != after:
            found.append(f"the {what} is {before} in virtual and {after} in real time")
    if len(virtual.laps) != len(real.laps):
        found.append(f"{len(virtual.laps)} laps in virtual and {len(real.laps)} in real time")
    share = lap_share(virtual, real)
    if share is not None and share > LAP_SHARE:
        found.append(f"a lap time differs by {share:.2%}; {LAP_SHARE:.1%} is the most")
    return found
