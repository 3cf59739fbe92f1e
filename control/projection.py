"""Where a point stands relative to the line.

The foot of the perpendicular is sought from the last one, downhill on the distance and
never farther than a window, so that a neighbouring straight, however near, is never taken
for the line: it lies beyond points that are farther off.

            o  point, left of the line: cross-track > 0
            |
    --x-----f------x-----x--->  line, points at equal spacing
      i           i+1
"""

from __future__ import annotations

import math

from tianyuan.control.geometry import clamp, wrap
from tianyuan.control.kernels import kernel

WINDOW_M = 15.0
BLOCK = 64  # points that one step of ``scan`` looks at
MOST_STEPS = 2.0**52  # beyond, and for NaN, a number of steps has no whole part


@kernel
def _squared_distance(path, i, x_m, y_m):
    dx = x_m - path[i].x_m
    dy = y_m - path[i].y_m
    return dx * dx + dy * dy


@kernel
def nearest_point(path, x_m, y_m, start, points):
    """Index of the nearest path point, descending from ``start`` by at most ``points`` steps."""
    n = path.size
    index = start % n
    best = _squared_distance(path, index, x_m, y_m)
    for direction in (1, -1):
        for _ in range(points):
            following = (index + direction) % n
            distance = _squared_distance(path, following, x_m, y_m)
            if distance >= best:
                break
            index, best = following, distance
    return index


@kernel
def search(path, x_m, y_m, heading_rad):
    """Index of the nearest point of the whole line that runs the car's way, or -1."""
    found = -1
    best = math.inf
    for i in range(path.size):
        distance = _squared_distance(path, i, x_m, y_m)
        if distance < best and _same_way(path, i, heading_rad):
            found, best = i, distance
    return found


@kernel
def scan(path, state):
    """Look for the line afresh, a block of points a step: for a car that does not drive.

    The index moves to a point that is nearer than the present one and runs the car's way;
    after ``path.size / BLOCK`` steps every point has been looked at.
    """
    s, n = state[0], path.size
    index = max(s.index, 0)
    best = _squared_distance(path, index, s.x_m, s.y_m)
    if not _same_way(path, index, s.heading_rad):
        best = math.inf
    for k in range(min(BLOCK, n)):
        i = (s.scanned + k) % n
        distance = _squared_distance(path, i, s.x_m, s.y_m)
        if distance < best and _same_way(path, i, s.heading_rad):
            index, best = i, distance
    s.scanned = (s.scanned + BLOCK) % n
    s.index = index


@kernel
def _same_way(path, i, heading_rad):
    return abs(wrap(heading_rad - path[i].heading_rad)) < 0.5 * math.pi


@kernel
def foot(path, spacing_m, x_m, y_m, start):
    """Foot of the perpendicular from a point onto the line.

    Returns ``(index, share, cross_track_m)``: the foot lies ``share`` (0 to 1) of the way
    from point ``index`` to the next. Uses the tangents at both ends, so that cross-track
    error and heading change smoothly from segment to segment.
    """
    n = path.size
    near = nearest_point(path, x_m, y_m, start, int(WINDOW_M / spacing_m) + 1)
    ahead = _along(path, near, x_m, y_m)
    index = near if ahead >= 0.0 else (near - 1) % n
    following = (index + 1) % n
    before = _along(path, index, x_m, y_m)
    beyond = -_along(path, following, x_m, y_m)
    span = before + beyond
    share = clamp(before / span, 0.0, 1.0) if span > 1e-9 else 0.0
    left = _left_of(path, index, x_m, y_m)
    right = _left_of(path, following, x_m, y_m)
    return index, share, left + share * (right - left)


@kernel
def _along(path, i, x_m, y_m):
    heading = path[i].heading_rad
    return (x_m - path[i].x_m) * math.cos(heading) + (y_m - path[i].y_m) * math.sin(heading)


@kernel
def _left_of(path, i, x_m, y_m):
    heading = path[i].heading_rad
    return (y_m - path[i].y_m) * math.cos(heading) - (x_m - path[i].x_m) * math.sin(heading)


@kernel
def heading_at(path, index, share):
    """Tangent's direction between two points, the short way round."""
    heading = path[index].heading_rad
    following = path[(index + 1) % path.size].heading_rad
    return heading + share * wrap(following - heading)


@kernel
def curvature_at(path, index, share):
    """Curvature between two points."""
    following = path[(index + 1) % path.size].curvature_1pm
    return path[index].curvature_1pm + share * (following - path[index].curvature_1pm)


@kernel
def position_at(path, index, share):
    """Point ``(x_m, y_m)`` between two points."""
    following = path[(index + 1) % path.size]
    x_m = path[index].x_m + share * (following.x_m - path[index].x_m)
    y_m = path[index].y_m + share * (following.y_m - path[index].y_m)
    return x_m, y_m


@kernel
def speed_at(path, index, share):
    """Profile ``(speed_mps, accel_mps2, slope_rad)`` between two points."""
    here, following = path[index], path[(index + 1) % path.size]
    speed = here.speed_mps + share * (following.speed_mps - here.speed_mps)
    accel = here.accel_mps2 + share * (following.accel_mps2 - here.accel_mps2)
    slope = here.slope_rad + share * (following.slope_rad - here.slope_rad)
    return speed, accel, slope


@kernel
def locate(path, spacing_m, station_m):
    """``(index, share)`` of a station, which may lie beyond either end of the lap.

    What is no station is taken as the line's first point.
    """
    steps = station_m / spacing_m
    if not abs(steps) < MOST_STEPS:
        return 0, 0.0
    whole = math.floor(steps)
    return int(whole) % path.size, steps - whole


@kernel
def update(params, path, state):
    """Project the estimated pose and count laps; STATE's projection fields are written."""
    s, spacing_m = state[0], params[0].path_spacing_m
    index, share, cross_track = foot(path, spacing_m, s.x_m, s.y_m, s.index)
    station = (index + share) * spacing_m
    length = params[0].path_length_m
    if s.station_m > 0.75 * length and station < 0.25 * length:
        s.laps += 1
    elif s.station_m < 0.25 * length and station > 0.75 * length:
        s.laps -= 1
    s.index = index
    s.station_m = station
    s.cross_track_m = cross_track
    s.heading_error_rad = wrap(s.heading_rad - heading_at(path, index, share))
    s.curvature_1pm = curvature_at(path, index, share)
