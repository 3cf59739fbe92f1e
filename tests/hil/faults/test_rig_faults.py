"""Faults that the rig itself injects: each changes what it says from its instant on, and no sooner.

The first tests hold for all of them; the others look at what each one does.
"""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import EXTENDED, FDF
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.hil.faults.catalogue import FAULTS
from tianyuan.hil.faults.fault import Layer

POSITION, VELOCITY, IMU, WHEELS, STEERING = 0x100, 0x101, 0x110, 0x120, 0x200
RACE_ESTOP, RACE_CONTROL, STEERING_COMMAND = 0x010, 0x020, 0x080
AT_MS, FOR_MS, END_MS = 30, 25, 110

BY_THE_RIG = [
    fault for fault in FAULTS
    if fault.virtual in (Layer.CHANNEL, Layer.FRAME) and fault.name != "telemetry_intrusion"
]  # fmt: skip
SELDOM = ("early_go", "unknown_flag", "flag_flicker", "race_control_lost")  # every 50 ms
SLACK_MS = {"frames_delayed": 50, "frames_disordered": 50}  # until what was kept back has come


def document(name: str, **more: object) -> dict:
    return {"fault": name, "at": {"time_s": AT_MS / 1000}, **more}


@pytest.fixture(scope="module")
def healthy(mouth):
    return mouth().run(END_MS)


@pytest.fixture
def wrong(mouth):
    """A rig with one fault, from AT_MS on."""

    def begin(name: str, ms: int = END_MS, seed: int = 1, **more: object):
        return mouth(document(name, **more), seed=seed).run(ms)

    return begin


def by_ms(frames, first: int, end: int):
    return [frame for frame in frames if first <= frame.at_ms < end]


def without_counters(frames):
    """Frames less CRC and counter, the lower half of the second byte."""
    return [
        (f.at_ms, f.can_id, f.length, f.flags, f.payload[1] >> 4, f.payload[2:]) for f in frames
    ]


@pytest.mark.parametrize("fault", BY_THE_RIG, ids=lambda fault: fault.name)
def test_what_the_rig_says_changes_at_the_instant_and_no_sooner_and_is_right_again_after(
    fault, healthy, wrong
):
    first_end = AT_MS + (50 if fault.name in SELDOM else FOR_MS)
    rig = wrong(fault.name, for_s=(first_end - AT_MS) / 1000)
    assert by_ms(rig.frames, 0, AT_MS) == by_ms(healthy.frames, 0, AT_MS)
    assert by_ms(rig.frames, AT_MS, first_end) != by_ms(healthy.frames, AT_MS, first_end)
    assert (rig.state.active == 0).all()
    assert {(s.began_ns - 10**9) // 10**6 for s in rig.state} == {AT_MS}
    ended_ms = max((int(s.ended_ns) - 10**9) // 10**6 for s in rig.state)
    assert AT_MS <= ended_ms <= first_end
    rest_ms = ended_ms + 1 + SLACK_MS.get(fault.name, 0)
    assert rest_ms < END_MS
    if fault.name != "command_forged":  # after which the car is elsewhere
        rest = without_counters(by_ms(healthy.frames, rest_ms, END_MS))
        assert without_counters(by_ms(rig.frames, rest_ms, END_MS)) == rest


def test_the_same_seed_says_the_same_bytes_whatever_goes_wrong(mouth):
    documents = [document(fault.name) for fault in BY_THE_RIG]
    first, again = (mouth(*documents).run(55) for _ in range(2))
    assert first.frames == again.frames
    assert first.state.tobytes() == again.state.tobytes()


@pytest.mark.parametrize(
    "name", ["position_jump", "covariance_growth", "sensors_random", "wrong_crc", "undeclared_id"]
)
def test_another_seed_draws_otherwise(name, mouth):
    own = [mouth(document(name, seed=seed)).run(45).frames for seed in (5, 6, 5)]
    assert own[0] == own[2] != own[1]


def test_time_station_and_speed_begin_a_fault_at_their_instant(mouth):
    # At 20 m/s a step is 20 mm long.
    rig = mouth(
        {"fault": "position_lost", "at": {"time_s": 0.05}},
        {"fault": "position_lost", "at": {"station_m": 0.705, "lap": 1}},
        {"fault": "position_lost", "at": {"station_m": 0.5, "lap": 2}},
        {"fault": "position_lost", "at": {"speed_mps": 20.0}},
        {"fault": "position_lost", "at": {"speed_mps": 40.0}},
        {"fault": "position_lost"},
    ).run(20)
    stations = []
    while rig.now_ms < 55:
        stations.append(float(rig.life.race.station_m[0]))
        rig.run(1)
    # A step looks at the station of the step before.
    passed = 20 + next(k for k, station in enumerate(stations) if station >= 0.705)
    began = [int(s.began_ns) for s in rig.state]
    assert began[:2] == [10**9 + 50 * 10**6, 10**9 + passed * 10**6]
    assert began[2:] == [0, 10**9, 0, 10**9]


def test_a_lap_that_was_passed_without_the_station_begins_it_too(mouth):
    rig = mouth({"fault": "position_lost", "at": {"station_m": 900.0, "lap": 1}})
    rig.life.race.lap[0] = 2
    assert rig.run(2).state.began_ns[0] > 0


def test_a_fault_comes_once(wrong):
    rig = wrong("position_lost", for_s=0.02)
    silent = {frame.at_ms for frame in rig.of(POSITION)}
    assert set(range(0, END_MS, 10)) - silent == {30, 40}


def test_faults_join(mouth, healthy):
    rig = mouth(document("position_lost"), document("heading_flip")).run(END_MS)
    assert not by_ms(rig.of(POSITION), AT_MS, END_MS)
    assert by_ms(rig.of(VELOCITY), AT_MS, END_MS) != by_ms(healthy.of(VELOCITY), AT_MS, END_MS)


@pytest.fixture(scope="module")
def with_floats(shipped, tmp_path_factory) -> Car:
    """Our own car, whose receiver says the speed as a float of four bytes."""
    folder = tmp_path_factory.mktemp("floats")
    text = shipped.dbc_files()[0].read_text()
    for old, new in (
        ("BO_ 257 GNSS_VELOCITY: 7", "BO_ 257 GNSS_VELOCITY: 8"),
        ("SG_ Speed : 16|16@1+ (0.005,0) [0|120]", "SG_ Speed : 16|32@1- (1,0) [0|0]"),
        ("SG_ Heading : 32|16@1+", "SG_ Heading : 48|16@1+"),
        (' SG_ Satellites : 48|8@1+ (1,0) [0|255] "" Host\n', ""),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "tianyuan.dbc").write_text(text + "SIG_VALTYPE_ 257 Speed : 1;\n")
    (folder / "car.toml").write_text(shipped.file.read_text())
    return load_car(folder / "car.toml")


class TestChannels:
    def channel(self, rig, can_id: int, name: str) -> np.ndarray:
        return np.array([rig.value(frame)[name] for frame in by_ms(rig.of(can_id), AT_MS, END_MS)])

    def test_a_frozen_position_stays_where_it_was_while_its_counter_runs(self, wrong):
        rig = wrong("position_frozen")
        last = rig.value(by_ms(rig.of(POSITION), 0, AT_MS)[-1])
        assert set(self.channel(rig, POSITION, "gnss_x_m")) == {last["gnss_x_m"]}
        counters = [frame.payload[1] & 15 for frame in rig.of(POSITION)]
        assert counters == [k % 15 for k in range(len(counters))]

    def test_a_jump_is_as_far_as_it_was_asked_for_and_so_many_frames_long(self, wrong, healthy):
        rig = wrong("position_jump", offset_m=30.0, frames=3)
        x, y = (self.channel(rig, POSITION, name) for name in ("gnss_x_m", "gnss_y_m"))
        x0, y0 = (self.channel(healthy, POSITION, name) for name in ("gnss_x_m", "gnss_y_m"))
        off = np.hypot(x - x0, y - y0)
        assert off[:3] == pytest.approx(30.0, abs=0.002)
        assert (off[3:] == 0.0).all()

    def test_a_heading_flips_by_half_a_turn_within_the_circle(self, wrong, healthy):
        flipped = self.channel(wrong("heading_flip"), VELOCITY, "gnss_heading_rad")
        straight = self.channel(healthy, VELOCITY, "gnss_heading_rad")
        assert np.cos(flipped - straight) == pytest.approx(-1.0)
        assert ((flipped >= 0) & (flipped < 2 * math.pi)).all()

    def test_one_wheel_sticks_and_the_others_do_not(self, wrong, healthy):
        rig = wrong("wheel_speed_stuck", wheel="rl", how="zero")
        assert (self.channel(rig, WHEELS, "wheel_rl_mps") == 0.0).all()
        for name in ("wheel_fl_mps", "wheel_fr_mps", "wheel_rr_mps"):
            assert (self.channel(rig, WHEELS, name) == self.channel(healthy, WHEELS, name)).all()

    def test_a_saturated_imu_says_no_more_than_its_limit(self, wrong, healthy):
        rig = wrong("imu_saturated", limit_mps2=0.01, limit_radps=0.001)
        assert np.abs(self.channel(healthy, IMU, "imu_ax_mps2")).max() > 0.02
        for name in ("imu_ax_mps2", "imu_ay_mps2"):
            assert np.abs(self.channel(rig, IMU, name)).max() <= 0.0101
        assert np.abs(self.channel(rig, IMU, "imu_yaw_rate_radps")).max() <= 0.0011

    def test_a_yaw_rate_drifts_at_its_rate(self, wrong, healthy):
        rig = wrong("yaw_rate_drift", rate_radps2=2.0)
        times_s = [(frame.at_ms - AT_MS) / 1000 for frame in by_ms(rig.of(IMU), AT_MS, END_MS)]
        name = "imu_yaw_rate_radps"
        off = self.channel(rig, IMU, name) - self.channel(healthy, IMU, name)
        assert off == pytest.approx(2.0 * np.array(times_s), abs=2e-4)

    def test_a_solution_grows_poor_in_quality_and_noise(self, wrong):
        rig = wrong("covariance_growth", quality=1, noise_m=3.0)
        assert (self.channel(rig, POSITION, "gnss_quality") == 1.0).all()
        assert 0.5 < np.diff(self.channel(rig, POSITION, "gnss_y_m")).std() < 15.0

    def test_an_implausible_value_is_off_and_its_frame_is_right(self, wrong, healthy):
        name = "gnss_speed_mps"
        off = self.channel(wrong("implausible_value", offset=8.0), VELOCITY, name)
        assert off - self.channel(healthy, VELOCITY, name) == pytest.approx(8.0, abs=0.006)

    def test_random_sensors_say_anything_but_leave_race_control_alone(self, wrong, healthy):
        rig = wrong("sensors_random")
        assert np.ptp(self.channel(rig, POSITION, "gnss_x_m")) > 3000.0
        assert np.ptp(self.channel(rig, STEERING, "steer_rad")) > 0.5
        assert rig.of(RACE_CONTROL) == healthy.of(RACE_CONTROL)
        assert rig.of(RACE_ESTOP) == healthy.of(RACE_ESTOP)

    def test_what_is_not_available_is_said_with_the_right_crc(self, wrong, healthy):
        rig = wrong("signal_invalid", channel="gnss_x_m", for_s=1.0)
        assert (self.channel(rig, POSITION, "gnss_x_m") == -8388.608).all()  # the lowest of 24 bits
        y = self.channel(rig, POSITION, "gnss_y_m")
        assert (y == self.channel(healthy, POSITION, "gnss_y_m")).all()
        unsigned = wrong("signal_invalid", channel="gnss_speed_mps", for_s=1.0)
        raws = [frame.payload[2:4] for frame in by_ms(unsigned.of(VELOCITY), AT_MS, END_MS)]
        assert set(raws) == {b"\xff\xff"}

    @pytest.mark.parametrize("how", ["nan", "inf"])
    def test_a_float_says_nan_or_infinity_with_the_right_crc(self, how, with_floats, mouth):
        entry = document("signal_invalid", channel="gnss_speed_mps", how=how, for_s=1.0)
        rig = mouth(entry, car=with_floats).run(END_MS)
        said = [f.payload[2:6] for f in by_ms(rig.of(VELOCITY), AT_MS, END_MS)]
        (raw,) = set(said)
        (value,) = struct.unpack("<f", raw)
        assert math.isnan(value) if how == "nan" else value == math.inf
        counters = [frame.payload[1] & 15 for frame in rig.of(VELOCITY)]
        assert counters == [k % 15 for k in range(len(counters))]

    def test_a_whole_number_cannot_be_nan(self, wrong):
        with pytest.raises(InputError, match="whole number in GNSS_POSITION"):
            wrong("signal_invalid", how="nan")


class TestRaceControl:
    def said(self, rig, can_id: int, first_ms: int = AT_MS):
        return [rig.value(frame) for frame in by_ms(rig.of(can_id), first_ms, END_MS)]

    def test_an_emergency_stop_is_said_in_every_frame(self, wrong, healthy):
        assert {each["estop"] for each in self.said(wrong("emergency_stop"), RACE_ESTOP)} == {1.0}
        assert {each["estop"] for each in self.said(healthy, RACE_ESTOP)} == {0.0}

    def test_a_race_control_may_fall_silent_or_lose_its_mind(self, wrong):
        assert self.said(wrong("race_control_lost"), RACE_CONTROL) == []
        mindless = self.said(wrong("race_control_lost", how="heartbeat_frozen"), RACE_CONTROL)
        assert len({each["race_heartbeat"] for each in mindless}) == 1 < len(mindless)

    def test_a_flag_flickers_and_an_unknown_one_is_shown(self, wrong):
        shown = self.said(wrong("flag_flicker"), RACE_CONTROL)
        assert {each["race_flag"] for each in shown} == {0.0, 3.0}
        assert {each["race_flag"] for each in self.said(wrong("unknown_flag"), RACE_CONTROL)} == {9}

    def test_go_comes_early(self, wrong):
        assert {each["race_go"] for each in self.said(wrong("early_go"), RACE_CONTROL)} == {1.0}

    def test_a_late_emergency_stop_is_one_frame_with_a_counter_of_the_past(self, wrong, healthy):
        extra = [f for f in wrong("late_emergency_stop").of(RACE_ESTOP) if f not in healthy.frames]
        assert len(extra) == 1
        last = [f for f in healthy.of(RACE_ESTOP) if f.at_ms <= AT_MS][-1]
        assert ((last.payload[1] & 15) - (extra[0].payload[1] & 15)) % 15 == 3
        assert extra[0].payload[1] >> 4 == 1


class TestFrames:
    def during(self, rig, can_id: int = POSITION):
        return by_ms(rig.of(can_id), AT_MS, END_MS)

    def test_a_group_that_is_lost_is_silent_and_the_others_are_not(self, wrong, healthy):
        for name, can_id in (
            ("position_lost", POSITION), ("wheel_speeds_lost", WHEELS),
            ("actuator_silent", STEERING),
        ):  # fmt: skip
            rig = wrong(name)
            assert self.during(rig, can_id) == []
            others = [frame for frame in healthy.frames if frame.can_id != can_id]
            assert [frame for frame in rig.frames if frame.can_id != can_id] == others

    def test_the_form_of_a_frame_is_wrong(self, wrong):
        assert {
            frame.length for frame in self.during(wrong("wrong_length", length=5, for_s=1.0))
        } == {5}
        assert {frame.flags for frame in self.during(wrong("fd_frame"))} == {FDF}

    def test_a_crc_is_wrong_in_every_frame_and_the_rest_is_right(self, wrong, healthy):
        for frame, right in zip(self.during(wrong("wrong_crc")), self.during(healthy), strict=True):
            assert frame.payload[0] != right.payload[0]
            assert frame.payload[1:] == right.payload[1:]

    def test_a_frozen_counter_has_the_right_crc(self, wrong):
        rig = wrong("counter_frozen")
        last = by_ms(rig.of(POSITION), 0, AT_MS)[-1]
        assert {frame.payload[1] & 15 for frame in self.during(rig)} == {last.payload[1] & 15}
        assert all(rig.value(frame) for frame in self.during(rig))

    def test_delayed_frames_come_whole_and_in_order_as_much_later(self, wrong, healthy):
        rig = wrong("frames_delayed", delay_ms=20.0)
        for can_id in (POSITION, IMU, RACE_ESTOP):
            late = [frame.payload for frame in self.during(rig, can_id)]
            asked = [f.payload for f in by_ms(healthy.of(can_id), AT_MS, END_MS - 20)]
            assert late == asked
            assert self.during(rig, can_id)[0].at_ms >= AT_MS + 20

    def test_frames_come_twice_or_in_pairs_the_wrong_way_round(self, wrong, healthy):
        right = [frame.payload for frame in self.during(healthy)]
        twice = [frame.payload for frame in self.during(wrong("frames_disordered", how="doubled"))]
        assert twice == [payload for payload in right for _ in range(2)]
        swapped = [frame.payload for frame in self.during(wrong("frames_disordered"))]
        assert swapped == [right[k ^ 1] for k in range(len(right))]

    @pytest.mark.parametrize("how", ["beside", "instead"])
    def test_recorded_frames_are_played_back(self, how, wrong, healthy):
        rig = wrong("frames_replayed", how=how, for_s=1.0)
        before = [frame.payload for frame in by_ms(healthy.of(POSITION), 0, AT_MS)]
        played = [frame.payload for frame in self.during(rig)]
        old = played[1::2] if how == "beside" else played
        assert old == [before[k % len(before)] for k in range(8)]

    def test_an_extended_frame_has_the_low_bits_and_what_would_be_taken_next(self, wrong, healthy):
        rig = wrong("extended_id")
        strange = [frame for frame in rig.frames if frame.can_id & EXTENDED]
        assert {frame.can_id & 0x7FF for frame in strange} == {POSITION}
        counters = [frame.payload[1] & 15 for frame in self.during(rig)]
        assert [frame.payload[1] & 15 for frame in strange] == [(k + 1) % 15 for k in counters]
        assert rig.of(POSITION) == healthy.of(POSITION)

    def test_strange_frames_come_as_often_as_they_were_asked_to(self, wrong, healthy):
        ids = {frame.can_id for frame in healthy.frames}
        rig = wrong("undeclared_id", every_ms=5)
        assert [f.at_ms for f in rig.frames if f.can_id not in ids] == list(range(AT_MS, END_MS, 5))
        flood = wrong("id_zero_flood", 36, frames_per_ms=7).of(0)
        assert [frame.at_ms for frame in flood] == [ms for ms in range(AT_MS, 36) for _ in range(7)]
        burst = wrong("receive_queue_overflow", 40, frames=90, every_ms=8)
        assert [(f.at_ms, f.length) for f in burst.frames if f.length == 0] == (
            [(30, 0)] * 90 + [(38, 0)] * 90
        )

    def test_a_forged_command_moves_the_car_and_a_silent_host_does_not_notice(self, wrong):
        rig = wrong("command_forged", value=0.25, every_ms=2)
        assert [frame.at_ms for frame in self.during(rig, STEERING_COMMAND)] == list(
            range(AT_MS + 1, END_MS, 2)
        )
        counters = [frame.payload[1] & 15 for frame in self.during(rig, STEERING_COMMAND)]
        assert np.diff(counters).tolist() == [1 if k < 14 else -14 for k in counters[:-1]]
        assert rig.life.command.steer_rad[0] == pytest.approx(0.25, abs=1e-4)
        assert rig.life.plant_state.yaw_rate_radps[0] > 0.01

    def test_an_intruder_on_the_hosts_bus_is_on_no_other(self, wrong, healthy):
        rig = wrong("telemetry_intrusion", every_ms=20)
        extra = [frame for frame in rig.frames if frame.channel == HOST_CHANNEL]
        assert [frame.at_ms for frame in extra] == list(range(AT_MS, END_MS, 20))
        assert [f for f in rig.frames if f.channel != HOST_CHANNEL] == healthy.frames
        assert rig.life.command.steer_rad[0] == 0.0


class TestTargets:
    @pytest.mark.parametrize("name", ["GNSS_POSITION", "position"])
    def test_a_message_is_named_by_itself_or_by_its_group(self, name, wrong, healthy):
        assert not by_ms(wrong("position_lost", message=name).of(POSITION), AT_MS, END_MS)

    @pytest.mark.parametrize(
        ("name", "more", "said"),
        [
            ("position_lost", {"message": "GNSS_POSITON"}, "did you mean GNSS_POSITION"),
            ("position_lost", {"message": "x"}, "one of RACE_ESTOP"),
            ("position_lost", {"message": "permit"}, "no message of it"),
            ("implausible_value", {"channel": "permit"}, "no signal for permit"),
        ],
    )
    def test_what_a_car_does_not_have_is_refused(self, name, more, said, wrong):
        with pytest.raises(InputError, match=said):
            wrong(name, **more)
