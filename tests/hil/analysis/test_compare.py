"""Two laps by distance: nothing where they are the same, and the difference where it arises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import can
import cantools
import numpy as np
import pymap3d
import pytest

from tianyuan.control.errors import InputError
from tianyuan.drivers.local_frame import LocalFrame
from tianyuan.hil.analysis.choose import Drive, chosen
from tianyuan.hil.analysis.compare import compare
from tianyuan.hil.analysis.line import Line
from tianyuan.hil.analysis.loops import Span, laps_on, line_of
from tianyuan.hil.analysis.trace import Trace, Wanted, read_foreign
from tianyuan.hil.decoding.databases import database

ORIGIN = LocalFrame(27.7385, 113.0312)
SIGNALS = ("gnss_pos.Latitude", "gnss_pos.Longitude")


def drive(workshop, speed_of, laps=2.5, rate_hz=20.0, offset_m=0.0, name="drive") -> Trace:
    """Laps of the stadium with ``speed_of(station_m)``, begun 60 m before the line."""
    fine_m = np.arange(-60.0, laps * workshop.length_m, 0.25)
    took_s = np.cumsum(0.25 / speed_of(fine_m % workshop.length_m))
    t_s = np.arange(0.0, took_s[-1], 1.0 / rate_hz)
    at_m = np.interp(t_s, took_s, fine_m)
    x_m, y_m, _ = workshop.beside(workshop.stadium(), at_m, offset_m)
    unknown = np.full(len(t_s), np.nan)
    return Trace(name, t_s, x_m, y_m, speed_of(at_m % workshop.length_m), *[unknown] * 3)


def even(_):
    return np.full(np.shape(_), 25.0)


def slow_in_second(station_m):
    """Half as fast over 40 m of the second corner."""
    return np.where((station_m > 500.0) & (station_m < 540.0), 12.5, 25.0)


@pytest.fixture
def line(workshop):
    return Line(workshop.stadium(), True)


def test_laps_are_found_where_the_line_begins(workshop, line):
    spans = laps_on(line, drive(workshop, even))
    assert [span.number for span in spans] == [1, 2]
    for span in spans:
        assert span.end_s - span.begin_s == pytest.approx(workshop.length_m / 25.0, abs=5e-3)
    assert spans[0].begin_s == pytest.approx(60.0 / 25.0, abs=0.02)


def test_a_lap_beside_itself_differs_nowhere(workshop, line):
    trace = drive(workshop, slow_in_second)
    lap = laps_on(line, trace)[0]
    found = compare(line, (trace, lap), (trace, lap))
    assert np.abs(found.delta_s).max() == 0.0
    assert [each.delta_s for each in found.through] == [0.0, 0.0]


def test_what_is_lost_is_told_where_it_is_lost(workshop, line):
    one, other = drive(workshop, even), drive(workshop, slow_in_second)
    found = compare(line, (one, laps_on(line, one)[0]), (other, laps_on(line, other)[0]))
    lost_s = 40.0 / 12.5 - 40.0 / 25.0
    assert found.total_s == pytest.approx(lost_s, abs=0.02)
    assert [each.delta_s for each in found.through] == pytest.approx([0.0, lost_s], abs=0.02)
    before, after = found.station_m < 495.0, found.station_m > 545.0
    assert np.abs(found.delta_s[before]).max() < 0.02
    assert found.delta_s[after] == pytest.approx(lost_s, abs=0.02)
    second = found.through[1]
    assert (second.a.min_mps, second.b.min_mps) == pytest.approx((25.0, 12.5))


def test_the_other_way_round_is_the_other_sign(workshop, line):
    one, other = drive(workshop, even, rate_hz=7.0), drive(workshop, slow_in_second)
    laps = [(trace, laps_on(line, trace)[0]) for trace in (one, other)]
    there, back = compare(line, *laps), compare(line, *laps[::-1])
    assert there.delta_s == pytest.approx(-back.delta_s, nan_ok=True)


@pytest.mark.parametrize("offset_m", [-2.0, 2.0])
def test_a_lap_beside_the_line_is_as_far_along_as_one_on_it(workshop, line, offset_m):
    on, off = drive(workshop, even), drive(workshop, even, offset_m=offset_m)
    found = compare(line, (on, laps_on(line, on)[0]), (off, laps_on(line, off)[0]))
    assert np.abs(found.delta_s).max() < 0.03
    assert np.median(found.b.offset_m) == pytest.approx(offset_m, abs=0.05)


def test_without_a_line_the_drive_is_its_own(workshop):
    trace = drive(workshop, even)
    own = line_of(trace)
    assert own.closed
    assert own.length_m == pytest.approx(workshop.length_m, abs=6.0)
    found = laps_on(own, trace)
    assert len(found) >= 2
    assert found[0].end_s - found[0].begin_s == pytest.approx(workshop.length_m / 25.0, abs=0.05)


def test_waiting_on_the_line_is_no_part_of_the_lap(workshop, line):
    """Ten seconds on the grid, a metre beyond the line, with a receiver's noise."""
    trace = drive(workshop, even)
    first = int(np.flatnonzero(trace.x_m > 1.0)[0])
    rng = np.random.default_rng(5)
    stood = {
        name: getattr(trace, name)[first] + rng.normal(0.0, 0.2, 200) for name in ("x_m", "y_m")
    }
    stood |= {"speed_mps": np.zeros(200), "t_s": trace.t_s[first] + np.arange(200) * 0.05}
    waited = Trace("waited", *(
        np.concatenate([
            getattr(trace, name)[:first], stood[name],
            getattr(trace, name)[first:] + (10.0 if name == "t_s" else 0.0),
        ])
        for name in ("t_s", "x_m", "y_m", "speed_mps")
    ), *[np.full(len(trace.t_s) + 200, np.nan)] * 3)  # fmt: skip
    (lap, *_), (other, *_) = laps_on(line, waited), laps_on(line, trace)
    assert lap.end_s - lap.begin_s == pytest.approx(workshop.length_m / 25.0, abs=0.1)
    found = compare(line, (trace, other), (waited, lap))
    assert np.nanmax(np.abs(found.delta_s)) < 0.1


def test_a_drive_that_never_comes_back_is_one_open_lap(workshop):
    trace = drive(workshop, even, laps=0.7)
    own = line_of(trace)
    assert not own.closed
    (lap,) = laps_on(own, trace)
    assert lap.end_s - lap.begin_s == pytest.approx(trace.t_s[-1], abs=0.2)
    found = compare(own, (trace, lap), (trace, lap))
    assert found.total_s == 0.0


def test_laps_that_share_nothing_are_one_line(workshop, line):
    here = drive(workshop, even)
    there = Trace("far", here.t_s, here.x_m + 5000.0, here.y_m, *[here.speed_mps] * 4)
    with pytest.raises(InputError, match="no whole lap of this line in it"):
        chosen(Drive(there), line, None, "--lap-b")
    lap = laps_on(line, here)[0]
    with pytest.raises(InputError, match="no stretch in common"):
        compare(line, (here, lap), (there, Span(1, 0.0, 20.0)))


def test_a_lap_that_is_not_there_is_one_line_and_the_fastest_is_chosen(workshop, line):
    trace = drive(workshop, even)
    with pytest.raises(InputError, match=r"--lap-a 9: .* choose of 1, 2"):
        chosen(Drive(trace), line, 9, "--lap-a")
    own = Drive(trace, line, [Span(1, 0.0, 10.0), Span(2, 10.0, 40.0), Span(3, 40.0, 68.0)])
    assert chosen(own, line, None, "--lap-a").number == 3  # the first is from standstill


@pytest.fixture
def gnss(shared_data) -> Path:
    return shared_data / "dbc" / "css" / "canmod-gps.dbc"


def human(workshop, gnss: Path, log: Path, valid_from: int = 0) -> Trace:
    """A CAN log of somebody's receiver at 5 Hz, each fix sent twice; returns the drive."""
    trace = drive(workshop, slow_in_second, rate_hz=5.0)
    latitude, longitude, _ = pymap3d.enu2geodetic(trace.x_m, trace.y_m, 0.0, *ORIGIN, 0.0)
    spec = cantools.database.load_file(str(gnss))
    with can.Logger(str(log)) as writer:
        for k, t_s in enumerate(trace.t_s):
            place = {"PositionAccuracy": 1, "PositionValid": int(k >= valid_from)}
            # As receivers do before they know: they say some place or other.
            place |= {"Latitude": float(latitude[k]) - 0.02 * (k < valid_from),
                      "Longitude": float(longitude[k])}  # fmt: skip
            speed = {"Speed": float(trace.speed_mps[k]), "SpeedAccuracy": 0.1, "SpeedValid": 1}
            for again_s in (0.0, 0.1):
                for name, values in (("gnss_pos", place), ("gnss_speed", speed)):
                    message = spec.get_message_by_name(name)
                    writer.on_message_received(
                        can.Message(
                            timestamp=1.6e9 + t_s + again_s, arbitration_id=message.frame_id,
                            is_extended_id=False, data=message.encode(values), channel=0,
                        )
                    )  # fmt: skip
    return trace


def test_a_humans_lap_comes_from_any_log_with_a_position(workshop, gnss, line, tmp_path):
    driven = human(workshop, gnss, tmp_path / "human.blf", valid_from=7)
    wanted = Wanted(
        [database(gnss)], SIGNALS, speed="gnss_speed.Speed", valid="gnss_pos.PositionValid"
    )
    trace, _ = read_foreign(tmp_path / "human.blf", wanted, ORIGIN)
    at = np.interp(trace.t_s + driven.t_s[7], driven.t_s, driven.x_m)
    assert trace.x_m == pytest.approx(at, abs=0.5)  # 0.11 m on the wire, chords of 5 m
    spans = laps_on(line, trace)
    assert len(spans) == 2
    for span, own in zip(spans, laps_on(line, driven), strict=True):
        assert span.end_s - span.begin_s == pytest.approx(own.end_s - own.begin_s, abs=0.02)
    machine = drive(workshop, even)
    found = compare(line, (machine, laps_on(line, machine)[0]), (trace, spans[0]))
    assert found.through[1].delta_s == pytest.approx(1.6, abs=0.05)
    assert found.through[1].b.min_mps == pytest.approx(12.5, abs=0.3)


def test_a_speed_that_nobody_sends_is_made_of_places(workshop, gnss, tmp_path):
    human(workshop, gnss, tmp_path / "human.blf")
    trace, _ = read_foreign(tmp_path / "human.blf", Wanted([database(gnss)], SIGNALS), ORIGIN)
    assert np.nanmedian(trace.speed_mps) == pytest.approx(25.0, abs=0.3)


def test_a_signal_that_is_not_there_is_one_line(workshop, gnss, tmp_path):
    human(workshop, gnss, tmp_path / "human.blf")
    named = Wanted([database(gnss)], ("gnss_pos.Lattitude", "gnss_pos.Longitude"))
    with pytest.raises(InputError, match=r"gnss_pos.Lattitude: not in .*did you mean gnss_pos.Lat"):
        read_foreign(tmp_path / "human.blf", named, None)
    unsent = Wanted([database(gnss)], SIGNALS, steer="gnss_attitude.Roll")
    with pytest.raises(InputError, match=r"no frame of gnss_attitude.Roll in it"):
        read_foreign(tmp_path / "human.blf", unsent, None)
    wrong = Wanted([database(gnss)], ("gnss_speed.Speed", "gnss_speed.SpeedAccuracy"))
    with pytest.raises(InputError, match="unit 'm/s' does not convert to m"):
        read_foreign(tmp_path / "human.blf", wrong, None)


def test_a_published_drive_is_read_as_it_was_driven(shared_data, gnss):
    """5 km of road in Aarhus at one fix a second, without a place for its first minutes."""
    log = shared_data / "logs" / "css" / "00000164_00000001-60FE3F04.MF4"
    wanted = Wanted(
        [database(gnss)], SIGNALS, speed="gnss_speed.Speed", valid="gnss_pos.PositionValid"
    )
    trace, origin = read_foreign(log, wanted, None)
    assert origin.latitude_deg == pytest.approx(56.10, abs=0.02)
    known = np.isfinite(trace.x_m) & np.isfinite(trace.speed_mps)
    steps_m = np.hypot(np.diff(trace.x_m[known]), np.diff(trace.y_m[known]))
    # The receiver's own speed, integrated, is the way between its places.
    assert steps_m.sum() == pytest.approx(np.trapezoid(trace.speed_mps[known], trace.t_s[known]),
                                          rel=0.03)  # fmt: skip
    own = line_of(trace)
    assert not own.closed
    assert own.length_m == pytest.approx(5030.0, abs=60.0)


def test_of_one_log_two_laps_are_chosen(workshop, line):
    there = Drive(drive(workshop, slow_in_second, laps=3.5))

    first = chosen(there, line, None, "--lap-a")
    second = chosen(there, line, None, "--lap-b", first.number)

    assert {first.number, second.number} < {1, 2, 3}
    assert first.number != second.number
    assert chosen(there, line, first.number, "--lap-b", first.number) == first


def test_a_car_that_stood_is_no_drive(workshop):
    trace = drive(workshop, even)
    stood = replace(trace, **{name: np.full(len(trace.t_s), 3.0) for name in ("x_m", "y_m")})

    with pytest.raises(InputError, match="drive: the car hardly moved"):
        line_of(stood)


def test_who_goes_the_other_way_round_is_told_so(workshop, line):
    trace = drive(workshop, even)
    back = replace(trace, x_m=trace.x_m[::-1], y_m=trace.y_m[::-1])

    with pytest.raises(InputError, match="goes the other way round"):
        chosen(Drive(back), line, None, "--lap-b")


def test_laps_along_an_open_line_are_parted(workshop):
    """A part of a lap beside a drive of several: the car passes along there each time.

        begin           end
    ------|--------------|---------------> again and again
    """
    whole = drive(workshop, even, laps=3.5, name="whole")
    part = whole.between(20.0, 30.0)
    line = line_of(part)
    assert not line.closed

    spans = laps_on(line, whole)
    found = compare(line, (part, laps_on(line, part)[0]), (whole, spans[1]))

    assert len(spans) == 3
    for span in spans:
        assert span.end_s - span.begin_s == pytest.approx(10.0, abs=0.3)
    assert np.nanmax(np.abs(found.delta_s)) < 0.05
