"""Every way in which a line can be wrong is found, with the place and in one line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.planning.check import check_path
from tianyuan.control.planning.curve import closed_curve
from tianyuan.control.planning.track import Track
from tianyuan.control.records import PATH
from tianyuan.control.records import path as new_path


def line(x: np.ndarray, y: np.ndarray) -> np.recarray:
    curve = closed_curve(x, y, 1.0)
    made = new_path(len(curve.s_m))
    for field in ("s_m", "x_m", "y_m", "heading_rad", "curvature_1pm"):
        made[field] = getattr(curve, field)
    made.speed_mps, made.left_m, made.right_m = 20.0, 5.0, 5.0
    return made


def round_line(radius: float = 50.0, way: int = 1) -> np.recarray:
    angle = way * np.arange(300) * 2 * np.pi / 300
    return line(radius * np.cos(angle), radius * np.sin(angle))


def test_a_good_line_passes_either_way_round(
    ring: Callable[..., Track], new_car: Callable[..., np.recarray]
) -> None:
    check_path(round_line(), new_car(), ring(50.0, 10.0))
    check_path(round_line(way=-1), new_car())


@pytest.mark.parametrize("field", PATH.names or ())
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_named_by_point_and_field(field: str, value: float) -> None:
    path = round_line()
    path[field][17] = value
    with pytest.raises(InputError, match=f"oval.csv: line 19: {field} = {value}: not a finite"):
        check_path(path, name="oval.csv", label=lambda i: f"line {i + 2}")


@pytest.mark.parametrize("field", ["speed_mps", "left_m", "right_m"])
def test_negative_values_are_named(field: str) -> None:
    path = round_line()
    path[field][3] = -0.5
    with pytest.raises(InputError, match=rf"point 3: {field} = -0\.5: below 0"):
        check_path(path)


def dented(change: Callable[[np.recarray], object]) -> np.recarray:
    path = round_line()
    change(path)
    return path


def test_geometry_that_is_wrong_is_refused_with_its_place() -> None:
    def same_point(path: np.recarray) -> None:
        path.x_m[8], path.y_m[8] = path.x_m[7], path.y_m[7]

    def aside(path: np.recarray) -> None:
        path.x_m[20] += 0.4

    def skewed(path: np.recarray) -> None:
        path.heading_rad[30] += 0.2

    def wrapped(path: np.recarray) -> None:
        path.heading_rad[:] = np.angle(np.exp(1j * path.heading_rad))

    def stations(path: np.recarray) -> None:
        path.s_m *= 1.2

    cases = {
        "point 7 and point 8 are the same point; delete": dented(same_point),
        "uneven spacing": dented(aside),
        "point 30: heading_rad = .* is beside the points' direction": dented(skewed),
        "heading_rad = .* jumps": dented(wrapped),
        "uneven spacing: .* usually 1.0": dented(stations),
        r"open: \d+\.\d+ m from point 199 back to point 0": round_line()[:200],
        "5 points: fewer than 8": round_line()[:5],
    }
    for message, path in cases.items():
        with pytest.raises(InputError, match=message) as caught:
            check_path(path)
        assert "\n" not in str(caught.value)


def test_a_line_that_crosses_itself_is_refused() -> None:
    angle = np.arange(0.05, 2 * np.pi, 0.05)
    with pytest.raises(InputError, match="crosses itself: the step after point"):
        check_path(line(100 * np.sin(angle), 50 * np.sin(2 * angle)))


def test_a_bend_beyond_the_steering_is_refused(new_car: Callable[..., np.recarray]) -> None:
    car = new_car()
    reach = np.tan(0.5) / 2.579
    check_path(round_line(1.02 / reach), car)
    with pytest.raises(InputError, match=r"beyond 0\.2118, the reach of limits\.steer_rad = 0\.5"):
        check_path(round_line(0.98 / reach), car)


def test_the_wrong_way_round_and_the_wrong_track_are_refused(
    ring: Callable[..., Track], new_car: Callable[..., np.recarray]
) -> None:
    with pytest.raises(InputError, match="driven the wrong way round ring; reverse"):
        check_path(round_line(way=-1), new_car(), ring(50.0, 10.0))
    with pytest.raises(InputError, match="from the centre line of ring"):
        check_path(round_line(), new_car(), ring(80.0, 10.0))
