"""A line planned once is kept, for exactly what it was planned from."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.planning import plan as planning
from tianyuan.firmware import racing_line
from tianyuan.firmware.line_file import write_line
from tianyuan.firmware.racing_line import line_for

pytestmark = pytest.mark.compiled


@pytest.fixture
def planned(monkeypatch, tmp_path):
    """Counts the plans made, in an empty cache."""
    made, really = [], planning.plan

    def plan(track, *arguments):
        made.append(track.name)
        return really(track, *arguments)

    monkeypatch.setattr(planning, "plan", plan)
    monkeypatch.setattr(racing_line, "cache_directory", lambda: tmp_path)
    return made


def circle(file, radius_m: float):
    angles = np.linspace(0.0, 2.0 * np.pi, 80, endpoint=False)
    rows = [f"{radius_m * np.cos(a)},{radius_m * np.sin(a)},5,5" for a in angles]
    file.write_text("\n".join(rows) + "\n")
    return file


def test_a_line_is_planned_once_and_comes_back_to_the_bit(car, planned, tmp_path):
    track = circle(tmp_path / "ring.csv", 100.0)
    first, second = line_for(car, track), line_for(car, track)
    assert planned == ["ring.csv"]
    assert first.tobytes() == second.tobytes()
    assert second.speed_mps[0] == first.speed_mps[0]


def test_another_car_and_another_track_have_lines_of_their_own(car, planned, tmp_path):
    track = circle(tmp_path / "ring.csv", 100.0)
    line_for(car, track)
    vehicle = car.parameters["vehicle"] | {"friction": 0.8}
    slippery = car.model_copy(update={"parameters": car.parameters | {"vehicle": vehicle}})
    slower = line_for(slippery, track)
    assert len(planned) == 2
    assert slower.speed_mps.max() < line_for(car, track).speed_mps.max()
    circle(track, 120.0)  # edited under the same name
    line_for(car, track)
    assert len(planned) == 3


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[:8], lambda b: b[:-9] + bytes(9)])
def test_a_kept_line_that_is_not_whole_is_planned_again(car, planned, tmp_path, spoil):
    track = circle(tmp_path / "ring.csv", 100.0)
    line_for(car, track)
    (kept,) = (tmp_path / "lines").iterdir()
    kept.write_bytes(spoil(kept.read_bytes()))
    assert np.isfinite(line_for(car, track).x_m).all()
    assert len(planned) == 2


def test_a_line_from_a_file_is_checked_and_nothing_is_planned(car, planned, tmp_path):
    track = circle(tmp_path / "ring.csv", 100.0)
    path = line_for(car, track)
    write_line(path, tmp_path / "line.csv")
    assert line_for(car, track, tmp_path / "line.csv").tobytes() == path.tobytes()
    path.x_m[3] = np.nan
    write_line(path, tmp_path / "line.csv")
    with pytest.raises(InputError, match="line 5"):
        line_for(car, track, tmp_path / "line.csv")
    assert len(planned) == 1


def test_a_track_that_cannot_be_read_is_refused(car, planned, tmp_path):
    with pytest.raises(InputError, match="none"):
        line_for(car, names.track_file("oval").with_name("none.csv"))
