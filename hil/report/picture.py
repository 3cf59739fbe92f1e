"""One lap as a small picture: SVG, written by hand because it is sixty lines of lines.

It brings its own dark card, so it looks the same on a light page and on a dark one; an
image cannot know which of the two it stands on.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.hil.laps import Lap, best_lap
from tianyuan.hil.report import geometry
from tianyuan.hil.report.columns import lap_values
from tianyuan.hil.report.palette import ON_DARK, speed_colours
from tianyuan.hil.report.run import Run
from tianyuan.hil.report.wording import DASH, lap_time, number
from tianyuan.hil.whole_file import write_whole

WIDTH: Final = 1200
SIDE: Final = 72  # free on either side of the plan, for labels
HEAD: Final = 128
FOOT: Final = 84
LEVELS: Final = 64
THIN: Final = 3  # every third point of the page's grid is plenty here
LABEL: Final = (46.0, 22.0)  # room that a speed's label takes
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def lap_picture(file: str | Path, run: Run, lap: int | None = None) -> None:
    """Write lap ``lap`` of ``run``, or else the best one, to ``file`` as SVG.

    Without a completed lap the picture shows the track alone. Errors: InputError when
    ``lap`` was not completed, OSError when the file cannot be written.
    """
    chosen = best_lap(list(run.laps)) if lap is None else _find(run, lap)
    plan = _Plan(run.path)
    body = [*_road(plan)]
    if chosen is not None:
        body += _driven(plan, lap_values(run.telemetry, run.path, chosen.number))
    text = _frame(plan.height, [*body, *_words(run, chosen, plan.height)], run.title)
    write_whole(Path(file), text)


class _Plan:
    """Metres on the ground to points of the picture, the track lying as flat as it can."""

    def __init__(self, path: np.ndarray) -> None:
        self._turn_rad = geometry.landscape_rad(path)
        self.edges = [edge[::THIN] for edge in geometry.edges(path)]
        along, across = np.concatenate(self.edges).T
        x, y = geometry.rotate(along, across, self._turn_rad)
        self._scale = (WIDTH - 2 * SIDE) / max(np.ptp(x), 1e-9)
        self._corner = (x.min(), y.max())
        self.height = round(HEAD + np.ptp(y) * self._scale + FOOT)

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        u, v = geometry.rotate(x, y, self._turn_rad)
        across = SIDE + (u - self._corner[0]) * self._scale
        return np.column_stack([across, HEAD + (self._corner[1] - v) * self._scale])


def _find(run: Run, number_: int) -> Lap:
    for lap in run.laps:
        if lap.number == number_:
            return lap
    known = ", ".join(str(lap.number) for lap in run.laps) or "none"
    raise InputError(f"lap {number_}: not completed; choose one of the completed laps: {known}")


def _road(plan: _Plan) -> list[str]:
    left, right = (plan(*edge.T) for edge in plan.edges)
    shapes = [
        f'<path d="{_line(left)}Z{_line(right)}Z" fill="#2b303b" fill-rule="evenodd" '
        'stroke="#596173" stroke-width="1.2" stroke-linejoin="round"/>'
    ]
    start = np.array([left[0], right[0]])
    middle, half = start.mean(0), (start[0] - start[1]) * 0.9
    ends = np.array([middle - half, middle + half])
    return [*shapes, f'<path d="{_line(ends)}" stroke="#f4f5f7" stroke-width="3.5"/>']


def _driven(plan: _Plan, values: dict[str, np.ndarray]) -> list[str]:
    known = np.isfinite(values["x"])
    speed_kmh = values["speed"][known]
    points = plan(values["x"][known], values["y"][known])
    low, high = float(speed_kmh.min()), float(speed_kmh.max())
    colours = speed_colours(LEVELS, ON_DARK)
    level = np.clip((speed_kmh - low) / max(high - low, 1e-9) * LEVELS, 0, LEVELS - 1).astype(int)
    level = level[::THIN]
    thin = points[::THIN]
    cuts = [0, *(np.flatnonzero(np.diff(level)) + 1).tolist(), len(thin) - 1]
    lines = [
        f'<path d="{_line(thin[a : b + 1])}" stroke="{colours[level[a]]}"/>'
        for a, b in pairwise(cuts)
        if b > a
    ]
    stroke = '<g fill="none" stroke-width="4.5" stroke-linejoin="round">'
    # The whole lap below in a middle tone, or the road would glint between two colours.
    below = f'<path d="{_line(thin)}" stroke="{colours[LEVELS // 2]}"/>'
    return [
        stroke,
        below,
        *lines,
        "</g>",
        *_speeds(plan, points, speed_kmh),
        *_legend(plan, low, high),
    ]


def _speeds(plan: _Plan, points: np.ndarray, speed_kmh: np.ndarray) -> list[str]:
    """Write the speed at each apex beside the track, wherever there is most room."""
    walls = np.concatenate([plan(*edge.T) for edge in plan.edges])
    taken = [walls]
    text = []
    for i in geometry.apexes(speed_kmh / 3.6):
        spots = points[i] + _ring(30.0)
        inside = (spots[:, 1] > HEAD - 26) & (spots[:, 1] < plan.height - FOOT + 26)
        room = np.where(inside, [_room(spot, taken) for spot in spots], -1.0)
        best = spots[int(np.argmax(room))]
        if room.max() <= 0.0:
            continue
        taken.append(best + np.array(LABEL) * [[-0.5, 0], [0, 0], [0.5, 0], [0, 0.5], [0, -0.5]])
        text.append(
            f'<text x="{best[0]:.0f}" y="{best[1] + 6:.0f}" text-anchor="middle" '
            f'font-size="17" font-weight="600" fill="#e8eaef">{speed_kmh[i]:.0f}</text>'
        )
    return text


def _ring(radius: float) -> np.ndarray:
    angles = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    return radius * np.column_stack([1.25 * np.cos(angles), np.sin(angles)])


def _room(spot: np.ndarray, taken: list[np.ndarray]) -> float:
    """Return the free space about a label: not above zero where something would touch it."""
    gaps = [np.max(np.abs(points - spot) / np.array(LABEL) * 2.0, axis=1).min() for points in taken]
    return float(min(gaps)) - 1.0


def _legend(plan: _Plan, low: float, high: float) -> list[str]:
    colours = speed_colours(9, ON_DARK)
    stops = "".join(f'<stop offset="{k / 8:.3f}" stop-color="{c}"/>' for k, c in enumerate(colours))
    y = plan.height - 36
    right = WIDTH - SIDE
    return [
        f'<defs><linearGradient id="speed">{stops}</linearGradient></defs>',
        f'<rect x="{right - 290}" y="{y}" width="200" height="8" rx="4" fill="url(#speed)"/>',
        _text(right - 300, y + 9, f"{low:.0f}", 15, "#9aa3b2", anchor="end"),
        _text(right, y + 9, f"{high:.0f} km/h", 15, "#9aa3b2", anchor="end"),
    ]


def _words(run: Run, lap: Lap | None, height: int) -> Iterable[str]:
    yield _text(SIDE, 66, run.track, 30, "#f4f5f7", weight=650)
    yield _text(SIDE, 96, f"{run.car}, {run.controller}", 17, "#9aa3b2")
    right = WIDTH - SIDE
    yield _text(right, 70, lap_time(lap.time_s) if lap else DASH, 44, "#f4f5f7", "end", 680)
    kind = "from standstill" if lap and lap.number == 1 else "flying"
    yield _text(
        right, 96, f"lap {lap.number}, {kind}" if lap else "no lap completed", 17, "#9aa3b2", "end"
    )
    if lap:
        figures = f"cross-track error: RMS {number(lap.rms_cross_track_m, 2, 'm')}, largest "
        figures += f"{number(lap.max_cross_track_m, 2, 'm')}. In the bends: lowest speed, km/h"
        yield _text(SIDE, height - 27, figures, 15, "#9aa3b2")


def _text(
    x: float, y: float, words: str, size: int, fill: str, anchor: str = "start", weight: int = 400
) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def _line(points: np.ndarray) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _frame(height: int, body: list[str], title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" font-family="{escape(FONT)}">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{WIDTH}" height="{height}" rx="18" fill="#14171d"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )
