"""The tick against cantools: values in, commands out, on time, and nothing else."""

from __future__ import annotations

import math
from itertools import pairwise

import cantools
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.records import CHANNEL_NAMES, CHANNELS
from tianyuan.dbc.codec import State, Status
from tianyuan.dbc.frame import FRAME, frames
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.host_record import HOST_CHANNEL, TICK_ID
from tianyuan.firmware.tick import _mark as mark
from tianyuan.firmware.tick import due
from tianyuan.rooms import room

SI = {"deg": math.pi / 180, "deg/s": math.pi / 180, "km/h": 1 / 3.6, "%": 0.01}
SI |= {"rpm": 2 * math.pi / 60}
T_NS = 7_000_000_000
HEARD = 10  # messages that feed the host
PERIOD_NS = 2_000_000


@pytest.fixture(scope="session")
def database():
    return cantools.database.load_file(room("dbc") / "tianyuan.dbc")


@pytest.fixture(scope="session")
def host_database():
    return cantools.database.load_file(room("dbc") / "host.dbc")


def crc(payload: bytes, data_id: int) -> int:
    """AUTOSAR profile 1, bit by bit: over the data id and all but the CRC byte itself."""
    register = 0
    for octet in (data_id & 0xFF, data_id >> 8, *payload[1:]):
        register ^= octet
        for _ in range(8):
            register = (register << 1) ^ (0x11D if register & 0x80 else 0)
    return register


def test_the_oracles_crc_is_the_published_one():
    assert crc(bytes(8), 0x123) == 0xCC


def lay(frame, message, values: dict, counter: int, t_ns: int) -> None:
    """Lay a message into a frame, encoded by cantools and protected by the oracle."""
    payload = bytearray(message.encode(values | {"CRC": 0, "Counter": counter}, strict=False))
    payload[0] = crc(payload, message.frame_id)
    frame.can_id, frame.length = message.frame_id, len(payload)
    frame.payload[: len(payload)] = np.frombuffer(bytes(payload), np.uint8)
    frame.t_ns = t_ns


def anything(message, rng) -> dict:
    """A physical value of each signal, one that its raw steps hold exactly."""
    values = {}
    for signal in message.signals:
        if signal.name in ("CRC", "Counter"):
            continue
        low = math.ceil((signal.minimum - signal.offset) / signal.scale)
        high = math.floor((signal.maximum - signal.offset) / signal.scale)
        fits = 2 ** (signal.length - signal.is_signed)
        low, high = max(low, -fits if signal.is_signed else 0), min(high, fits - 1)
        values[signal.name] = int(rng.integers(low, high + 1)) * signal.scale + signal.offset
    return values


def fill(host, car, database, rng, counter: int, t_ns: int) -> dict[str, float]:
    """One frame of every message the host hears; what each channel must then hold."""
    heard = {wired.signal.split(".")[0] for wired in car.sensors.values()}
    said = {name: anything(database.get_message_by_name(name), rng) for name in sorted(heard)}
    for frame, (name, values) in zip(host.frames_in, said.items(), strict=False):
        lay(frame, database.get_message_by_name(name), values, counter, t_ns)
    expected = {}
    for channel, wired in car.sensors.items():
        name, signal = wired.signal.split(".")
        unit = database.get_message_by_name(name).get_signal_by_name(signal).unit
        expected[channel] = said[name][signal] * SI.get(unit, 1.0) / wired.ratio
    return expected


def test_sensors_hold_what_cantools_encoded_in_si(host, car, database):
    rng = np.random.default_rng(8)  # race control's heartbeat moves every time
    for i in range(30):
        t_ns = T_NS + i * PERIOD_NS
        expected = fill(host, car, database, rng, i % 15, t_ns - 1000)
        host.tick(HEARD, t_ns)
        for channel in CHANNEL_NAMES:
            assert host.sensors[channel][0] == pytest.approx(
                expected[channel], rel=1e-12, abs=1e-12
            )
        for group in CHANNELS:  # the first frame of each has nothing to hold its counter against
            assert host.sensors[f"{group}_t_ns"][0] == (t_ns - 1000 if i else 0)
    assert host.memory.refused[0] == 0


def test_frames_out_are_the_commands_for_cantools(host, car, database):
    rng = np.random.default_rng(2)
    seen = set()
    for i in range(40):
        t_ns = T_NS + i * PERIOD_NS
        fill(host, car, database, rng, i % 15, t_ns)
        n_out = host.tick(HEARD, t_ns)
        for frame in host.frames_out[:n_out]:
            if frame.channel == HOST_CHANNEL:
                continue
            message = database.get_message_by_frame_id(int(frame.can_id))
            payload = frame.payload[: frame.length].tobytes()
            assert payload[0] == crc(payload, message.frame_id)
            told = message.decode(payload, decode_choices=False)
            for name, (wired,) in car.commands.items():
                of, signal = wired.signal.split(".")
                if of == message.name:
                    unit = message.get_signal_by_name(signal)
                    factor = SI.get(unit.unit, 1.0) / wired.ratio
                    step = 0.5001 * unit.scale * factor
                    assert told[signal] * factor == pytest.approx(host.command[name][0], abs=step)
                    seen.add(name)
    assert seen == set(car.commands)


def test_the_hosts_frames_are_its_state_for_cantools(host, car, database, host_database):
    fill(host, car, database, np.random.default_rng(3), 0, T_NS)
    n_out = host.tick(HEARD, T_NS)
    told = {}
    for frame in host.frames_out[:n_out]:
        if frame.channel == HOST_CHANNEL and frame.can_id != TICK_ID:
            payload = frame.payload[: frame.length].tobytes()
            told |= host_database.decode_message(int(frame.can_id), payload, decode_choices=False)
    s = host.memory.driver
    assert told["X"] == np.float32(s.x_m[0])
    assert told["Heading"] == np.float32(s.heading_rad[0])
    assert told["CrossTrack"] == np.float32(s.cross_track_m[0])
    assert (told["Mode"], told["Cause"]) == (s.mode[0], s.cause[0])


def sent_in(host, t_ns: int) -> list[int]:
    return host.frames_out.can_id[: host.tick(0, t_ns)].tolist()


@pytest.mark.compiled
def test_each_command_keeps_its_own_cycle_under_a_jittering_wake(host, database):
    rng = np.random.default_rng(4)
    times: dict[int, list[int]] = {}
    for i in range(10_000):
        late_ns = int(rng.exponential(60_000))
        for can_id in sent_in(host, T_NS + i * PERIOD_NS + min(late_ns, 350_000)):
            times.setdefault(can_id, []).append(i)
    commands = [message for message in database.messages if message.senders == ["Host"]]
    assert {message.frame_id for message in commands} <= set(times)
    for message in commands:
        every = message.cycle_time * 1_000_000 // PERIOD_NS
        assert {b - a for a, b in pairwise(times[message.frame_id])} == {every}


@given(
    cycle=st.integers(1, 50),
    gaps=st.lists(st.integers(1, 400), min_size=5, max_size=60),
)
def test_a_pause_of_any_length_causes_no_burst(cycle, gaps):
    cycle_ns, due_ns = np.array([cycle * 1_000_000]), np.zeros(1, np.int64)
    t_ns, sent = T_NS, []
    for gap in gaps:
        if due(due_ns, cycle_ns, 0, t_ns):
            sent.append(t_ns)
        t_ns += gap * 1_000_000
    phases = {t % cycle_ns[0] for t in sent if (t - T_NS) % cycle_ns[0] == 0}
    assert len(phases) <= 1
    # Never twice within a cycle's own slot: two sendings lie in two slots of the first's phase.
    slots = [(t - T_NS) // int(cycle_ns[0]) for t in sent]
    assert len(set(slots)) == len(slots)


def test_after_a_pause_every_command_leaves_once_then_keeps_its_cycle(host, database):
    for i in range(50):
        sent_in(host, T_NS + i * PERIOD_NS)
    later = T_NS + 10_000_000_000
    counts: dict[int, int] = {}
    for i in range(50):
        ids = sent_in(host, later + i * PERIOD_NS)
        assert len(set(ids)) == len(ids)
        for can_id in ids:
            counts[can_id] = counts.get(can_id, 0) + 1
    for message in database.messages:
        if message.senders == ["Host"]:
            assert abs(counts[message.frame_id] - 100 // message.cycle_time) <= 1


@given(st.integers(1, 2**62))
def test_the_marker_holds_the_tick_s_time_exactly(t_ns):
    out = frames(1)
    assert mark(out, 0, t_ns) == 1
    assert int.from_bytes(out[0].payload[:8].tobytes(), "little", signed=True) == t_ns
    assert (out[0].can_id, out[0].length, out[0].channel) == (TICK_ID, 8, HOST_CHANNEL)


def test_the_marker_ends_every_tick(host):
    for i in range(12):
        t_ns = T_NS + i * 1_999_993
        n_out = host.tick(0, t_ns)
        last = host.frames_out[n_out - 1]
        assert last.can_id == TICK_ID
        assert int.from_bytes(last.payload[:8].tobytes(), "little") == t_ns
        assert host.frames_out.can_id[:n_out].tolist().count(TICK_ID) == 1


@pytest.mark.parametrize("room_for", range(16))
def test_frames_out_never_overflows(host, room_for):
    canary = np.full(32 * FRAME.itemsize, 0xA5, np.uint8).view(FRAME).view(np.recarray)
    small = host._replace(frames_out=canary[:room_for])
    for i in range(3):
        assert small.tick(0, T_NS + i * PERIOD_NS) <= room_for
    assert (canary[room_for:].view(np.uint8) == 0xA5).all()


def test_a_group_is_as_old_as_the_oldest_message_that_feeds_it(car_with, host_of, database):
    def edit(document):
        document["sensors"]["gnss_quality"] = "GNSS_VELOCITY.HeadingQuality"

    host = host_of(load_car(car_with(edit)))
    rng = np.random.default_rng(5)
    stamps = {"GNSS_POSITION": 0, "GNSS_VELOCITY": 0}
    order = ("GNSS_POSITION", "GNSS_VELOCITY") * 3
    for i, name in enumerate(order):
        t_ns = T_NS + i * PERIOD_NS
        message = database.get_message_by_name(name)
        lay(host.frames_in[0], message, anything(message, rng), i // 2, t_ns)
        stamps[name] = t_ns if i >= 2 else 0  # the first of each is not yet relied on
        host.tick(1, t_ns)
        assert host.sensors.position_t_ns[0] == min(stamps.values())
        assert host.sensors.velocity_t_ns[0] == stamps["GNSS_VELOCITY"]
        assert host.sensors.imu_t_ns[0] == 0


def test_a_group_that_the_car_does_not_have_is_never_missed(car_with, host_of):
    def edit(document):
        for channel in CHANNELS["powertrain"]:
            del document["sensors"][channel]

    host = host_of(load_car(car_with(edit)))
    host.tick(0, T_NS)
    assert host.sensors.powertrain_t_ns[0] == T_NS


def spoil_id(frame):
    frame.can_id = 0x7F0


def spoil_length(frame):
    frame.length -= 1


def spoil_crc(frame):
    frame.payload[0] ^= 1


def spoil_value(frame):
    frame.payload[3] ^= 0x10


def spoil_nothing(frame):
    """A frame that comes again has a counter that stands still."""


@pytest.mark.parametrize("spoil", [spoil_id, spoil_length, spoil_crc, spoil_value, spoil_nothing])
def test_a_spoilt_frame_is_counted_and_changes_nothing(host, database, spoil):
    rng = np.random.default_rng(6)
    message = database.get_message_by_name("IMU")
    lay(host.frames_in[0], message, anything(message, rng), 3, T_NS)
    host.tick(1, T_NS)
    before = host.sensors.tobytes()
    if spoil is not spoil_nothing:
        lay(host.frames_in[0], message, anything(message, rng), 4, T_NS + PERIOD_NS)
    spoil(host.frames_in[0])
    host.tick(1, T_NS + PERIOD_NS)
    assert host.memory.refused[0] == 1
    assert host.sensors.tobytes() == before


def test_the_same_frames_give_the_same_bits(host_of, car, database):
    def run() -> list[bytes]:
        host, rng, seen = host_of(car), np.random.default_rng(7), []
        for i in range(40):
            fill(host, car, database, rng, i % 15, T_NS + i * PERIOD_NS)
            n_out = host.tick(HEARD, T_NS + i * PERIOD_NS)
            seen.append(host.frames_out[:n_out].tobytes() + host.memory.driver.tobytes())
        return seen

    assert run() == run()


def test_a_cycle_without_a_frame_is_an_empty_read_of_that_message(host, car, database):
    """After three frames nothing more comes; a second later every window has run empty."""
    rng = np.random.default_rng(4)
    for i in range(3):
        fill(host, car, database, rng, i, T_NS + i * PERIOD_NS)
        host.tick(HEARD, T_NS + i * PERIOD_NS)
    assert set(host.memory.received.state) == {State.VALID}

    for i in range(3, 503):
        host.tick(0, T_NS + i * PERIOD_NS)

    assert set(host.memory.received.status) == {Status.NO_NEW_DATA}
    assert set(host.memory.received.state) == {State.INVALID}
