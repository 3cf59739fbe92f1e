"""A receiver's sentences to frames of the car's DBC: what leaves, when, and what does not."""

from __future__ import annotations

import json
import math
import tempfile
import time
from contextlib import nullcontext
from functools import reduce
from threading import Event

import cantools
import numpy as np
import pymap3d
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES
from tianyuan.dbc.codec import RECEIVED, decode, records
from tianyuan.drivers.local_frame import LocalFrame
from tianyuan.drivers.sentences import Sentences
from tianyuan.drivers.serial_line import Line, LineCounts
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.gnss import process
from tianyuan.firmware.gnss.age import DAY_S, ReceiverClock, SystemClock
from tianyuan.firmware.gnss.carriers import carriers
from tianyuan.firmware.gnss.receiver import Receiver
from tianyuan.firmware.tables import shipped_cars, wire
from tianyuan.rooms import room

ORIGIN = LocalFrame(27.7385, 113.0312)
DBC = cantools.database.load_file(room("dbc") / "tianyuan.dbc")
NS = 1_000_000_000
NOON_S = 43_200.0
MIDNIGHT_NS = 1_700_006_400 * NS  # 2023-11-15 00:00 UTC, as an instant of the monotonic clock


def hms(utc_s: float) -> str:
    ms = round(utc_s % DAY_S * 1000)
    return f"{ms // 3_600_000:02}{ms // 60_000 % 60:02}{ms // 1000 % 60:02}.{ms % 1000:03}"


def sealed(content: str) -> bytes:
    return f"${content}*{reduce(lambda a, b: a ^ b, content.encode(), 0):02X}".encode()


def angle(degrees: float, width: int) -> str:
    whole = int(abs(degrees))
    return f"{whole:0{width}}{(abs(degrees) - whole) * 60:011.8f}"


def gga(utc_s: float, east: float, north: float, quality: int = 4) -> bytes:
    lat, lon, height = pymap3d.enu2geodetic(east, north, 60.0, *ORIGIN, 0.0)
    return sealed(
        f"GNGGA,{hms(utc_s)},{angle(lat, 2)},N,{angle(lon, 3)},E,{quality},23,0.7,"
        f"{height + 20.0:.4f},M,-20.0,M,,"
    )


def rmc(utc_s: float, speed_mps: float, course_deg: float = 90.0) -> bytes:
    return sealed(
        f"GNRMC,{hms(utc_s)},A,2744.31,N,11301.87,E,{speed_mps * 3600 / 1852:.6f},"
        f"{course_deg:.3f},151123,,,R"
    )


def vtg(speed_mps: float) -> bytes:
    return sealed(f"GNVTG,90.0,T,,M,{speed_mps * 3600 / 1852:.6f},N,,K,D")


def hdt(degrees: float) -> bytes:
    return sealed(f"GNHDT,{degrees:.4f},T")


class Bench:
    """A receiver under test: hears lines at instants, keeps the frames that leave."""

    def __init__(self, car, offset_deg: float = 0.0, clock=None) -> None:
        self.receiver = Receiver(
            car, ORIGIN, clock or SystemClock(lambda: 0), math.radians(offset_deg)
        )
        self.sentences = Sentences()
        self.codec = wire(car).sensors
        self.received = records(self.codec, RECEIVED)
        self.values = np.zeros(len(CHANNEL_NAMES))
        self.left: list[tuple[int, bytes]] = []

    def hear(self, line: bytes, utc_s: float) -> int:
        """Hear a line at a second of the day; what leaves is decoded as the host does."""
        fix = self.sentences.take(line)
        assert fix is not None, line
        count = self.receiver.take(fix, MIDNIGHT_NS + round(utc_s * NS))
        for i in range(count):
            frame = self.receiver.frames[i]
            self.left.append((int(frame["can_id"]), frame["payload"][: frame["length"]].tobytes()))
            assert decode(self.codec, self.receiver.frames, i, self.received, self.values) >= 0
        return count

    def names(self) -> list[str]:
        return [DBC.get_message_by_frame_id(can_id).name for can_id, _ in self.left]

    def channel(self, name: str) -> float:
        return float(self.values[CHANNEL_NAMES.index(name)])


@pytest.fixture
def bench(car) -> Bench:
    return Bench(car)


def test_a_position_leaves_with_its_own_sentence_and_the_velocity_with_its_last(bench):
    assert bench.hear(gga(NOON_S, 120.0, -45.5), NOON_S + 0.02) == 1
    assert bench.hear(hdt(90.0), NOON_S + 0.021) == 0
    assert bench.hear(rmc(NOON_S, 31.0), NOON_S + 0.022) == 1
    assert bench.names() == ["GNSS_POSITION", "GNSS_VELOCITY"]


def test_cantools_reads_the_same_place_speed_and_heading(bench):
    bench.hear(gga(NOON_S, 1234.567, -876.543, 5), NOON_S + 0.02)
    bench.hear(rmc(NOON_S, 61.5), NOON_S + 0.02)
    bench.hear(hdt(200.0), NOON_S + 0.02)
    position = DBC.decode_message("GNSS_POSITION", bench.left[0][1])
    assert (position["X"], position["Y"]) == pytest.approx((1234.567, -876.543), abs=0.0015)
    assert str(position["Quality"]) == "RtkFloat"
    velocity = DBC.decode_message("GNSS_VELOCITY", bench.left[-1][1])
    assert velocity["Speed"] == pytest.approx(61.5, abs=0.003)
    # 200 degrees clockwise from north is 250 anticlockwise from east; north leans by 0.006 there.
    assert velocity["Heading"] == pytest.approx(250.0, abs=0.012)
    assert str(velocity["HeadingQuality"]) == "Single"


@settings(max_examples=25)
@given(st.floats(-8000, 8000), st.floats(-8000, 8000), st.floats(0, 100), st.floats(0, 359.99))
def test_the_host_gets_what_the_receiver_meant(car, east, north, speed, degrees):
    bench = Bench(car)
    bench.hear(gga(NOON_S, east, north), NOON_S)
    bench.hear(hdt(degrees), NOON_S)
    bench.hear(rmc(NOON_S, speed), NOON_S)
    assert bench.channel("gnss_x_m") == pytest.approx(east, abs=0.002)
    assert bench.channel("gnss_y_m") == pytest.approx(north, abs=0.002)
    assert bench.channel("gnss_speed_mps") == pytest.approx(speed, abs=0.003)
    off = bench.channel("gnss_heading_rad") - (math.pi / 2 - math.radians(degrees))
    assert math.remainder(off, 2 * math.pi) == pytest.approx(0.0, abs=1.2e-3)  # north's lean


@pytest.mark.parametrize(
    ("offset_deg", "told_deg", "heading_deg"),
    [
        (90.0, 90.0, 90.0),
        (90.0, 0.0, 180.0),
        (-90.0, 0.0, 0.0),
        (2.5, 2.5, 90.0),
        (180.0, 0.0, 270.0),
    ],
)
def test_the_mounting_is_taken_off_clockwise(car, offset_deg, told_deg, heading_deg):
    # A second antenna on the right tells east while the car looks north.
    bench = Bench(car, offset_deg)
    bench.hear(gga(NOON_S, 0.0, 0.0), NOON_S)
    bench.hear(hdt(told_deg), NOON_S)
    bench.hear(rmc(NOON_S, 10.0), NOON_S)
    off = math.degrees(bench.channel("gnss_heading_rad")) - heading_deg
    assert math.remainder(off, 360.0) == pytest.approx(0.0, abs=0.006)


def test_the_course_over_ground_is_never_the_heading(bench):
    sent = []
    for k in range(3):
        t = NOON_S + 0.05 * k
        bench.hear(gga(t, 0.0, 0.0), t)
        sent.append(bench.hear(rmc(t, 10.0, 45.0), t))
    assert sent == [0, 1, 1]  # a first epoch may still tell a heading
    assert bench.channel("gnss_heading_quality") == 0
    assert (bench.receiver.counts.disowned, bench.receiver.counts.incomplete) == (2, 0)


def test_no_velocity_leaves_without_the_heading_of_its_instant(bench):
    for k in range(3):
        t = NOON_S + 0.05 * k
        bench.hear(gga(t, 0.0, 0.0), t)
        bench.hear(rmc(t, 10.0 + k), t)
        if k != 1:
            bench.hear(hdt(90.0), t)
    assert bench.names().count("GNSS_POSITION") == 3
    assert bench.names().count("GNSS_VELOCITY") == 2
    assert bench.receiver.counts.incomplete == 1
    assert bench.channel("gnss_speed_mps") == pytest.approx(12.0, abs=0.01)


def test_a_lost_solution_leaves_at_once_with_quality_none_and_the_last_place(bench):
    bench.hear(gga(NOON_S, 100.0, 50.0), NOON_S)
    t = NOON_S + 0.05
    assert bench.hear(sealed(f"GNGGA,{hms(t)},,,,,0,00,99.9,,,,,,"), t) == 1
    assert bench.channel("gnss_quality") == 0
    assert bench.channel("gnss_x_m") == pytest.approx(100.0, abs=0.002)
    bench.hear(rmc(t, 10.0), t)
    bench.hear(sealed("GNTHS,,V"), t)
    assert bench.channel("gnss_heading_quality") == 0
    assert bench.receiver.counts.disowned >= 2


@pytest.mark.parametrize("first", ["before", "after"])
def test_sentences_without_a_time_belong_to_their_burst(bench, first):
    for k in range(10):
        t = NOON_S + 0.05 * k
        timed = [gga(t, float(k), 0.0)]
        untimed = [vtg(10.0 + k), hdt(10.0 * k)]
        for j, line in enumerate(untimed + timed if first == "before" else timed + untimed):
            bench.hear(line, t + 0.01 + 0.002 * j)
            if bench.names()[-1:] == ["GNSS_VELOCITY"] and k > 2:
                speed = bench.channel("gnss_speed_mps")
                heading = math.degrees(bench.channel("gnss_heading_rad"))
                told = round(speed) - 10
                assert math.remainder(heading - (90 - 10 * told), 360) == pytest.approx(0, abs=0.01)
        if k > 2:
            assert bench.channel("gnss_speed_mps") == pytest.approx(10.0 + k, abs=0.01)
    # Valid for their own epoch, not for the one before it.
    assert max(list(bench.receiver.ages_s)[6:]) < 0.02
    assert bench.receiver.counts.late <= 1


def test_a_heading_that_comes_after_the_next_position_is_not_paired_with_its_speed(bench):
    def hpr(utc_s: float, degrees: float) -> bytes:
        return sealed(f"PSAT,HPR,{hms(utc_s)},{degrees},0.0,0.0,N")

    later = NOON_S + 0.05
    bench.hear(gga(NOON_S, 0.0, 0.0), NOON_S)
    bench.hear(rmc(NOON_S, 10.0), NOON_S)
    bench.hear(gga(later, 0.0, 0.0), later)
    bench.hear(hpr(NOON_S, 90.0), later)
    assert bench.hear(hpr(later, 80.0), later) == 0
    assert bench.hear(rmc(later, 20.0), later) == 1
    assert bench.receiver.counts.sent == 3
    assert math.degrees(bench.channel("gnss_heading_rad")) == pytest.approx(10.0, abs=0.006)


def test_a_message_leaves_once_an_epoch(bench):
    bench.hear(gga(NOON_S, 1.0, 0.0), NOON_S)
    assert bench.hear(gga(NOON_S, 2.0, 0.0), NOON_S) == 0
    bench.hear(hdt(0.0), NOON_S)
    bench.hear(rmc(NOON_S, 10.0), NOON_S)
    assert bench.hear(vtg(10.0), NOON_S) == 0
    assert bench.names() == ["GNSS_POSITION", "GNSS_VELOCITY"]


def test_fixes_are_counted_late_and_refused_by_their_age(bench):
    ages = {0.0: (1, 0, 0, 0), 0.039: (1, 0, 0, 0), 0.06: (1, 1, 0, 0), 0.11: (0, 0, 1, 0)}
    ages |= {-0.03: (1, 0, 0, 0), -0.07: (0, 0, 0, 1), 3600.0: (0, 0, 1, 0)}
    for k, (age_s, expected) in enumerate(ages.items()):
        before = bench.receiver.counts.figures()
        t = NOON_S + 0.1 * k
        bench.hear(gga(t, 0.0, 0.0), t + age_s)
        after = bench.receiver.counts.figures()
        gained = tuple(after[name] - before[name] for name in ("sent", "late", "old", "ahead"))
        assert gained == expected, age_s


def test_midnight_makes_no_fix_old(bench):
    assert bench.hear(gga(DAY_S - 0.01, 0.0, 0.0), DAY_S + 0.01) == 1
    assert bench.hear(gga(DAY_S + 0.04, 0.0, 0.0), DAY_S + 0.06) == 1
    assert bench.receiver.epochs.period_s == pytest.approx(0.05)
    assert list(bench.receiver.ages_s) == pytest.approx([0.02, 0.02], abs=1e-6)


def test_a_place_beyond_the_wire_is_not_sent_as_the_nearest(bench):
    assert bench.hear(gga(NOON_S, 8300.0, 0.0), NOON_S) == 1
    assert bench.hear(gga(NOON_S + 0.05, 8500.0, 0.0), NOON_S + 0.05) == 0
    assert bench.hear(gga(NOON_S + 0.1, 0.0, -8500.0), NOON_S + 0.1) == 0
    assert bench.receiver.counts.out_of_range == 2


def test_after_an_interruption_nothing_of_before_is_used(bench):
    bench.hear(gga(NOON_S, 0.0, 0.0), NOON_S)
    bench.hear(rmc(NOON_S, 10.0), NOON_S)
    bench.receiver.forget()
    assert bench.hear(hdt(90.0), NOON_S + 1.0) == 0
    assert bench.receiver.counts.incomplete == 0


def test_the_counters_of_protection_go_on_from_frame_to_frame(bench):
    for k in range(40):  # decode refuses a wrong sequence, which hear asserts
        t = NOON_S + 0.05 * k
        assert bench.hear(gga(t, float(k), 0.0), t) == 1
    assert bench.receiver.counts.sent == 40


def test_a_receivers_own_clock_serves_a_machine_whose_clock_is_not_set(car):
    bench = Bench(car, clock=ReceiverClock(0.02))
    behind = 7000.0  # this machine is two hours off
    for k in range(2000):
        t = NOON_S + 0.05 * k
        extra = 0.06 if k == 1000 else 0.001 * (k % 3)
        drift = 50e-6 * 0.05 * k
        bench.hear(gga(t, 0.0, 0.0), t - behind + extra + drift)
    counts = bench.receiver.counts
    assert (counts.sent, counts.late, counts.old) == (2000, 1, 0)
    assert max(bench.receiver.ages_s) == pytest.approx(0.08, abs=0.005)
    assert min(bench.receiver.ages_s) >= 0.02 - 1e-6


def test_a_car_that_counts_headings_from_minus_180_gets_them_so(car_with, tmp_path):
    text = (room("dbc") / "tianyuan.dbc").read_text()
    old = 'SG_ Heading : 32|16@1+ (0.01,0) [0|360] "deg" Host'
    assert old in text
    signed = text.replace(old, 'SG_ Heading : 32|16@1- (0.01,0) [-180|180] "deg" Host')
    (tmp_path / "tianyuan.dbc").write_text(signed)
    bench = Bench(load_car(car_with(lambda document: None)))
    for k, (told, heading) in enumerate(((0.0, 90.0), (200.0, -110.0), (271.0, 179.0))):
        t = NOON_S + 0.05 * k
        bench.hear(gga(t, 0.0, 0.0), t)
        bench.hear(hdt(told), t)
        bench.hear(rmc(t, 10.0), t)
        assert math.degrees(bench.channel("gnss_heading_rad")) == pytest.approx(heading, abs=0.02)


def test_a_message_that_two_nodes_would_fill_is_refused_by_name(car_with):
    car = load_car(car_with(lambda d: d["sensors"].update(brake_fault="GNSS_VELOCITY.Satellites")))
    with pytest.raises(InputError, match=r"sensors\.brake_fault.*GNSS_VELOCITY"):
        Receiver(car, ORIGIN, SystemClock())


def test_an_offset_that_is_no_number_is_refused(car):
    with pytest.raises(InputError, match="heading offset"):
        Receiver(car, ORIGIN, SystemClock(), math.nan)


class Script:
    """Lines of a port that come one a call, as fast as they are read."""

    def __init__(self, texts: list[bytes]) -> None:
        self.counts, self._texts = LineCounts(), texts

    def discard(self) -> None:
        self.counts.lost += 1  # as after an interruption

    def read(self, _wait_s: float) -> list[Line]:
        return [Line(time.monotonic_ns(), self._texts.pop(0))] if self._texts else []


@pytest.mark.parametrize(("hz", "slow"), [(20, False), (10, True)])
def test_a_receiver_too_slow_for_the_car_is_told_of_once(car, monkeypatch, hz, slow):
    monkeypatch.setattr(process, "real_time", lambda *_: nullcontext([]))
    told: list[str] = []
    texts = [gga(NOON_S + k / hz, 0.0, 0.0) for k in range(10)]
    receiver = Receiver(car, ORIGIN, ReceiverClock(0.0))
    with tempfile.TemporaryDirectory(prefix="bus-") as bus:
        done = process.publish(receiver, Script(texts), bus, Event(), 0.3, told=told.append)
    assert (len(told), "supervisor.stale_s" in "".join(told)) == (int(slow), slow)
    assert done.sentences["used"] == 10
    assert done.period_s == pytest.approx(1 / hz)
    assert json.dumps(done.figures())


@pytest.mark.parametrize("name", shipped_cars())
def test_every_shipped_car_has_a_bus_for_the_receiver(name):
    car = load_car(shipped_cars()[name])
    found, channel = carriers(car, wire(car))
    assert [each.name for each in found] == ["GNSS_POSITION", "GNSS_VELOCITY"]
    assert list(car.buses)[channel] == ("car" if name == "tianyuan" else "onboard")
