"""What the page carries: the key figures as plain JSON, the telemetry packed for its charts."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from tianyuan.hil.laps import best_lap
from tianyuan.hil.report import geometry
from tianyuan.hil.report.columns import DIGITS as COLUMN_DIGITS
from tianyuan.hil.report.columns import POINTS, lap_values, packed, whole
from tianyuan.hil.report.palette import ON_LIGHT, speed_colours
from tianyuan.hil.report.run import Run, Stage
from tianyuan.hil.report.wording import KMH_PER_MPS

LEVELS = 36  # of speed, as colours
SHORTEST = 0.02  # a lap not completed is shown from this share of the track on


def finite(value: float | None) -> float | None:
    """Return ``value``, or None where JSON has no word for it."""
    return value if value is not None and math.isfinite(value) else None


def key_figures(run: Run) -> dict[str, Any]:
    """Return what the page's head shows, for machines: SI units, None where unknown."""
    best = best_lap(list(run.laps))
    driven = run.telemetry[run.telemetry["lap"] >= 1]
    return {
        "title": run.title,
        "track": run.track,
        "car": run.car,
        "controller": run.controller,
        "date": run.date,
        "machine": run.machine,
        "stop_cause": run.stop_cause,
        "laps_completed": len(run.laps),
        "best_lap": best.number if best else None,
        "best_lap_s": finite(best.time_s) if best else None,
        "max_cross_track_m": _extreme(np.abs(driven["cross_track_m"]), np.max),
        "min_edge_margin_m": _extreme(driven["edge_margin_m"], np.min),
        "top_speed_mps": _extreme(driven["speed_mps"], np.max),
        "real_time_factor": finite(run.real_time_factor),
        "laps": [json.loads(lap.model_dump_json()) for lap in run.laps],
        "timing": _timing_figures(run),
        "figures": {k: v if isinstance(v, str) else finite(v) for k, v in run.figures.items()},
    }


def payload(run: Run) -> dict[str, Any]:
    """Return what the charts draw: plan, laps by distance, histograms of the timing."""
    turn_rad = geometry.landscape_rad(run.path)
    completed = {lap.number: lap for lap in run.laps}
    best = best_lap(list(run.laps))
    values = {n: lap_values(run.telemetry, run.path, n) for n in _shown(run)}
    laps = [
        {
            "number": number,
            "completed": number in completed,
            "time_s": finite(completed[number].time_s) if number in completed else None,
            "best": best is not None and number == best.number,
            "columns": packed(columns, turn_rad),
        }
        for number, columns in values.items()
    ]
    return {
        "length_m": geometry.length_m(run.path),
        "points": POINTS,
        "digits": COLUMN_DIGITS,
        "colours": speed_colours(LEVELS, ON_LIGHT),
        "speed_range": _speed_range(run, values),
        "bends": geometry.bends_m(run.path),
        "apexes": _apexes(run.path, turn_rad),
        "plan": _plan(run.path, turn_rad),
        "laps": laps,
        "stages": {
            name: _stage(s) for name, s in (run.timing.stages if run.timing else {}).items()
        },
    }


def spells(telemetry: np.ndarray) -> list[tuple[float, float, int, int]]:
    """Return the time line: begin and end in seconds, mode and cause, of each spell."""
    if not len(telemetry):
        return []
    pair = telemetry["mode"] * 1000 + telemetry["cause"]
    begins = np.flatnonzero(np.diff(pair, prepend=pair[0] - 1))
    t_s = telemetry["t_s"]
    ends = np.append(t_s[begins[1:]], t_s[-1])
    return [
        (float(t_s[i]), float(end), int(telemetry["mode"][i]), int(telemetry["cause"][i]))
        for i, end in zip(begins, ends, strict=True)
    ]


def _shown(run: Run) -> list[int]:
    """Return the laps with something to see: completed, or long enough to be looked into."""
    completed = {lap.number for lap in run.laps}
    length = geometry.length_m(run.path)
    known = run.telemetry[np.isfinite(run.telemetry["station_m"])]
    numbers = np.unique(known["lap"])
    return [
        int(n)
        for n in numbers[numbers >= 1]
        if int(n) in completed or np.ptp(known["station_m"][known["lap"] == n]) > SHORTEST * length
    ]


def _speed_range(run: Run, values: dict[int, dict[str, np.ndarray]]) -> tuple[float, float]:
    """Return the colours' ends in km/h: of the flying laps, for a standing start has zero."""
    flying = [v["speed"] for n, v in values.items() if n > 1] or [
        v["speed"] for v in values.values()
    ]
    speeds = np.concatenate(flying or [run.path["speed_mps"] * KMH_PER_MPS])
    speeds = speeds[np.isfinite(speeds)]
    low, high = (speeds.min(), speeds.max()) if len(speeds) else (0.0, 0.0)
    return float(np.floor(low / 10.0) * 10.0), float(np.ceil(high / 10.0 + 1e-9) * 10.0)


def _plan(path: np.ndarray, turn_rad: float) -> dict[str, Any]:
    sides = [geometry.rotate(edge[:, 0], edge[:, 1], turn_rad) for edge in geometry.edges(path)]
    left, right = ([whole(axis, 2) for axis in side] for side in sides)
    return {"left": left, "right": right, "north": [-math.sin(turn_rad), math.cos(turn_rad)]}


def _apexes(path: np.ndarray, turn_rad: float) -> list[dict[str, float]]:
    """Return the station, the outer edge and the direction outward, for the bend's number."""
    found = path[geometry.apexes(path["speed_mps"])]
    left = found["curvature_1pm"] < 0.0
    outward = np.where(left, 1.0, -1.0)
    across_x, across_y = (
        -np.sin(found["heading_rad"]) * outward,
        np.cos(found["heading_rad"]) * outward,
    )
    width_m = np.where(left, found["left_m"], found["right_m"])
    edge = found["x_m"] + width_m * across_x, found["y_m"] + width_m * across_y
    x, y = geometry.rotate(*edge, turn_rad)
    u, v = geometry.rotate(across_x, across_y, turn_rad)
    rows = np.round(np.column_stack([found["s_m"], x, y, u, v]), 3)
    return [dict(zip(("station", "x", "y", "u", "v"), row, strict=True)) for row in rows.tolist()]


def _stage(stage: Stage) -> dict[str, Any]:
    percentiles = {"p50": stage.p50_us, "p99": stage.p99_us, "p99.9": stage.p999_us}
    return {
        "edges_us": [finite(float(v)) for v in stage.edges_us],
        "counts": [int(v) for v in stage.counts],
        "marks": {k: finite(float(v)) for k, v in (percentiles | {"max": stage.max_us}).items()},
    }


def _timing_figures(run: Run) -> dict[str, Any] | None:
    if run.timing is None:
        return None
    return {
        "stages_us": {name: _stage(s)["marks"] for name, s in run.timing.stages.items()},
        "overruns": dict(run.timing.overruns),
        "privileges": dict(run.timing.privileges),
    }


def _extreme(values: np.ndarray, which: Any) -> float | None:
    values = values[np.isfinite(values)]
    return float(which(values)) if len(values) else None
