"""What the page carries: the key figures as plain JSON, the telemetry packed for its charts."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np

from tianyuan.hil.analysis.corners import (
    Corner,
    Passage,
    bounds_m,
    find_corners,
    passage,
)
from tianyuan.hil.laps import best_lap
from tianyuan.hil.report import geometry
from tianyuan.hil.report.columns import DIGITS as COLUMN_DIGITS
from tianyuan.hil.report.columns import POINTS, grid_m, lap_values, packed, whole
from tianyuan.hil.report.palette import ON_LIGHT, speed_colours
from tianyuan.hil.report.run import Evidence, Run, Stage
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
        "corners": _corner_figures(run, best.number if best else None),
        **(_evidence(run.evidence) if run.evidence else {}),
        "figures": {k: v if isinstance(v, str) else finite(v) for k, v in run.figures.items()},
    }


def _corner_figures(run: Run, lap: int | None) -> list[dict[str, Any]]:
    """Return the corners of the line, and how the best lap went through them."""
    corners = find_corners(run.path)
    made = [corner._asdict() for corner in corners]
    if lap is not None:
        values = lap_values(run.telemetry, run.path, lap)
        speed_mps = values["speed"] / KMH_PER_MPS
        for figures, corner in zip(made, corners, strict=True):
            driven = passage(corner, grid_m(run.path), values["time"], speed_mps)
            figures |= {name: finite(value) for name, value in driven._asdict().items()}
    return made


def _evidence(found: Evidence) -> dict[str, Any]:
    return {
        "events": [event._asdict() for event in found.events],
        "gaps": list(found.gaps),
        "notes": list(found.notes),
        "messages": [asdict(each) for each in found.traffic],
    }


def payload(run: Run) -> dict[str, Any]:
    """Return what the charts draw: plan, laps by distance, corners, histograms of the timing."""
    turn_rad = geometry.landscape_rad(run.path)
    corners = find_corners(run.path)
    completed = {lap.number: lap for lap in run.laps}
    best = best_lap(list(run.laps))
    values = {n: lap_values(run.telemetry, run.path, n) for n in _shown(run)}
    laps = [
        {
            "number": number,
            "label": str(number),
            "name": f"lap {number}",
            "completed": number in completed,
            "time_s": finite(completed[number].time_s) if number in completed else None,
            "best": best is not None and number == best.number,
            "columns": packed(columns, turn_rad),
            **through(corners, grid_m(run.path), columns["time"], columns["speed"]),
        }
        for number, columns in values.items()
    ]
    return {
        "length_m": geometry.length_m(run.path),
        "points": POINTS,
        "digits": COLUMN_DIGITS,
        "colours": speed_colours(LEVELS, ON_LIGHT),
        "speed_range": _speed_range(run, values),
        **plan(run.path, corners, turn_rad),
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
    return geometry.tens(np.concatenate(flying or [run.path["speed_mps"] * KMH_PER_MPS]))


def through(
    corners: list[Corner],
    grid: np.ndarray,
    time_s: np.ndarray,
    speed_kmh: np.ndarray,
) -> dict[str, Any]:
    """Return how a lap went through the corners, in seconds and km/h."""
    passages = [passage(corner, grid, time_s, speed_kmh) for corner in corners]
    return {"passages": [_passed(each) for each in passages]}


def _passed(found: Passage) -> list[float | None]:
    return [_rounded(v, 4 if k == 0 else 1) for k, v in enumerate(found[:5])]


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def plan(
    path: np.ndarray, corners: list[Corner], turn_rad: float, closed: bool = True
) -> dict[str, Any]:
    """Return the edges, turned by ``turn_rad``, and where corners are on plan and charts."""
    sides = [
        geometry.rotate(edge[:, 0], edge[:, 1], turn_rad) for edge in geometry.edges(path, closed)
    ]
    left, right = ([whole(axis, 2) for axis in side] for side in sides)
    north = [-math.sin(turn_rad), math.cos(turn_rad)]
    return {
        "plan": {"left": left, "right": right, "north": north},
        "stretches": bounds_m(corners, geometry.length_m(path)).tolist(),
        "bends": geometry.bends_m(corners, geometry.length_m(path)),
        "corners": [_corner(path, each, turn_rad) for each in corners],
    }


def _corner(path: np.ndarray, corner: Corner, turn_rad: float) -> dict[str, Any]:
    """Return where and what a corner is, its outer edge and the direction outward."""
    found = path[round(corner.apex_m / (path["s_m"][1] - path["s_m"][0])) % len(path)]
    heading = np.array(found["heading_rad"])
    outward = 1.0 if corner.turn_rad < 0.0 else -1.0
    across_x = -np.sin(heading) * outward
    across_y = np.cos(heading) * outward
    width_m = found["left_m"] if outward > 0.0 else found["right_m"]
    edge = found["x_m"] + width_m * across_x, found["y_m"] + width_m * across_y
    x, y = geometry.rotate(*edge, turn_rad)
    u, v = geometry.rotate(across_x, across_y, turn_rad)
    places: dict[str, Any] = {
        "station": corner.apex_m,
        "begin": corner.begin_m,
        "end": corner.end_m,
        "turn": math.degrees(corner.turn_rad),
        "radius": corner.radius_m,
        "x": x,
        "y": y,
        "u": u,
        "v": v,
    }
    return {"number": corner.number} | {k: round(float(each), 3) for k, each in places.items()}


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
