"""Any frames whatever, through the whole tick: every command is finite and within its limits.

Most frames are those of a car that drives on its line, so that it does; among them are frames
spoilt, forged, repeated, cut, of other identifiers and flags, and some that are right in all
but what they say. Numbers come from numpy, frames are made of them by a kernel.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from tianyuan.control.kernels import kernel
from tianyuan.control.records import CHANNEL_NAMES, COMMAND_NAMES, Flag, Mode, Permit
from tianyuan.dbc import e2e
from tianyuan.dbc.codec import RECEIVED, SENT, decode, encode, records
from tianyuan.dbc.frame import FRAME
from tianyuan.firmware.host_record import TICK_ID
from tianyuan.firmware.tick import for_the_car, tick

IN_A_TICK = 10
WORDS = 8  # random numbers a frame
BATCH = 10_000  # ticks
BYTES = FRAME.itemsize
PAYLOAD = 8  # where a frame's payload begins
PERIOD_NS = 2_000_000
FIRST_NS = 1_000_000_000
LONGEST_S = 0.02  # the driver's longest step
EPISODE = 128  # ticks in one mood …
SETTLED = 24  # … of which after so many the driver is put into a mode, with the car on the line
WILD, CALM = 0, 1  # moods: anything, and mostly what a car says
MODES = len(Mode)
X, Y, HEADING, SPEED = (
    CHANNEL_NAMES.index(f"gnss_{each}") for each in ("x_m", "y_m", "heading_rad", "speed_mps")
)
YAW_RATE, AY = (CHANNEL_NAMES.index(f"imu_{each}") for each in ("yaw_rate_radps", "ay_mps2"))
WHEELS = CHANNEL_NAMES.index("wheel_fl_mps")
GO, BEAT = CHANNEL_NAMES.index("race_go"), CHANNEL_NAMES.index("race_heartbeat")
STEER, THROTTLE, BRAKE = (
    COMMAND_NAMES.index(each) for each in ("steer_rad", "throttle", "brake_bar")
)
OFF, READY, DRIVING = int(Mode.OFF), int(Mode.READY), int(Mode.DRIVING)
GEARS = 8
# Compiled, ten million take seconds; with bounds checked or interpreted a sample has to do.
CHECKED, INTERPRETED = bool(numba.config.BOUNDSCHECK), bool(numba.config.DISABLE_JIT)
SAMPLE = CHECKED or INTERPRETED
FRAMES = 4_000 if INTERPRETED else 500_000 if CHECKED else 10_000_000

# What is found wrong, 0 for nothing.
NOT_A_NUMBER, STEER_RANGE, STEER_SLEW, THROTTLE_RANGE, THROTTLE_SLEW = 1, 2, 3, 4, 5
BRAKE_RANGE, BRAKE_SLEW, BOTH_PEDALS, NO_SUCH_GEAR, NO_SUCH_MODE = 6, 7, 8, 9, 10
REFUSED_BY_RECEIVER, WIRE_RANGE, NO_MARKER = 11, 12, 13


@kernel
def some(word, below):
    return (word >> 7) % below


@kernel
def place(path, told, driver, point, stage, t_ns):
    """Have the car on a point of the line at the line's speed; at a new stage, and know it."""
    here = path[point]
    standing = driver[0].mode in (OFF, READY) if stage < 0 else stage in (OFF, READY)
    speed_mps = 0.0 if standing else here.speed_mps
    told[X], told[Y], told[HEADING] = here.x_m, here.y_m, here.heading_rad % (2.0 * math.pi)
    told[SPEED] = speed_mps
    told[YAW_RATE], told[AY] = speed_mps * here.curvature_1pm, speed_mps**2 * here.curvature_1pm
    for wheel in range(4):
        told[WHEELS + wheel] = speed_mps
    told[BEAT] = (told[BEAT] + 1.0) % 256.0
    if stage >= 0:
        s = driver[0]
        s.x_m, s.y_m, s.heading_rad, s.speed_mps = here.x_m, here.y_m, here.heading_rad, speed_mps
        s.initialised, s.index, s.granted_ns = 1, point, t_ns
        s.mode, s.cause, s.ready_ns = stage, 0, 1
        s.lateral_mps = s.yaw_bias_radps = s.ax_mps2 = 0.0
        told[GO] = 1.0 if stage == DRIVING else 0.0


@kernel
def put_right(codec, m, frames, i):
    """Give a frame of message ``m`` the CRC that its bytes ask for."""
    row = codec.protected[codec.messages[m].protected]
    off = e2e.mismatch(codec, row, frames.view(np.int64), np.uint64(i * (BYTES // 8)))
    octets = frames.view(np.uint8)
    octets[i * BYTES + PAYLOAD + row.crc_byte] ^= np.uint8(off & 255)


@kernel
def flip(frames, i, length, word):
    """Flip one to four bits of a payload."""
    octets = frames.view(np.uint8)
    for k in range(1 + (word & 3)):
        bit = (word >> (2 + 10 * k)) % (8 * max(length, 1))
        octets[i * BYTES + PAYLOAD + bit // 8] ^= np.uint8(1 << (bit % 8))


@kernel
def scramble(frames, i, words):
    """Any payload."""
    octets = frames.view(np.uint8)
    for k in range(64):
        octets[i * BYTES + PAYLOAD + k] = np.uint8((words[k % 4] >> (8 * (k // 12))) & 255)


@kernel
def any_header(frames, i, word):
    """Any identifier, flags, length and channel; often one that is known but for its flags."""
    frame = frames[i]
    if word & 1:
        frame.can_id = np.uint32((word >> 8) & 0xFFFFFFFF)
    elif word & 2:
        frame.can_id = np.uint32((word >> 8) & 0x7FF)
    else:
        frame.can_id = np.uint32(np.int64(frame.can_id) | (((word >> 8) & 7) << 29))
    if word & 4:
        frame.length = np.uint8((word >> 44) & 127)
    frame["flags"] = np.uint8((word >> 52) & 15)
    frame.channel = np.uint8((word >> 56) & 3)


@kernel
def kind_of(mood, words):
    """What becomes of a frame, 0 for nothing; in a calm mood seldom what would be taken."""
    kind = some(words[0], 9)
    if mood == WILD:
        return kind
    taken = kind in (1, 3, 4, 7)
    return kind if some(words[4], 250 if taken else 12) == 0 else 0


@kernel
def make(codec, frames, i, m, sent, told, wild, words, kind, t_ns):
    """Frame ``i``, of message ``m`` or what was one."""
    frames[i].can_id = np.uint32(0)
    frames[i].length = np.uint8(0)
    frames[i]["flags"] = np.uint8(0)
    frames[i].channel = np.uint8(0)
    if kind == 1:  # right by all means but what it says
        for slot in range(wild.size):
            wild[slot] = ((words[slot % 4] >> (slot % 40)) % 4_000_001 - 2_000_000) * 1e-3
    encode(codec, m, sent, wild if kind == 1 else told, frames, i)
    frames[i].t_ns = t_ns - some(words[5], PERIOD_NS)
    length = codec.messages[m].length
    if kind in (2, 3):
        flip(frames, i, length, words[1])
    if kind in (4, 5):
        scramble(frames, i, words)
    if kind in (3, 4):
        put_right(codec, m, frames, i)
    if kind in (5, 6):
        any_header(frames, i, words[2])
    if kind == 7:
        frames[i].t_ns = t_ns + some(words[2], 2_000_000_000) - 1_500_000_000
    if kind == 8 and i > 0:
        octets = frames.view(np.uint8)
        for k in range(BYTES):
            octets[i * BYTES + k] = octets[(i - 1) * BYTES + k]


@kernel
def wrong_command(params, command, before, dt_s):
    """What is wrong with COMMAND, after that ``before``, ``dt_s`` ago."""
    p, c = params[0], command[0]
    numbers = command.view(np.float64)
    for k in range(numbers.size):
        if not math.isfinite(numbers[k]):
            return NOT_A_NUMBER
    close = 1e-9
    if abs(c.steer_rad) > p.limits_steer_rad:
        return STEER_RANGE
    if abs(c.steer_rad - before[STEER]) > p.limits_steer_rate_radps * dt_s + close:
        return STEER_SLEW
    if not 0.0 <= c.throttle <= 1.0:
        return THROTTLE_RANGE
    if c.throttle - before[THROTTLE] > p.limits_throttle_rate_1ps * dt_s + close:
        return THROTTLE_SLEW
    if not 0.0 <= c.brake_bar <= p.limits_brake_bar:
        return BRAKE_RANGE
    if c.brake_bar - before[BRAKE] > p.limits_brake_rate_barps * dt_s + close:
        return BRAKE_SLEW
    if c.throttle > 0.0 and c.brake_bar > 0.0:
        return BOTH_PEDALS
    if not 0.0 <= c.gear <= GEARS or c.gear != np.rint(c.gear):
        return NO_SUCH_GEAR
    return 0 if 0 <= c.mode < MODES else NO_SUCH_MODE


@kernel
def wrong_frames(codec, params, frames, n, heard, values):
    """What is wrong with the frames sent, for a receiver that checks their protection."""
    p = params[0]
    cars = for_the_car(frames, n)
    for i in range(cars):
        if decode(codec, frames, i, heard, values) < 0:
            return REFUSED_BY_RECEIVER
    if abs(values[STEER]) > p.limits_steer_rad + 1e-4 or not 0.0 <= values[THROTTLE] <= 1.0:
        return WIRE_RANGE
    if not 0.0 <= values[BRAKE] <= p.limits_brake_bar + 0.05:
        return WIRE_RANGE
    return 0 if n > cars and frames[n - 1].can_id == TICK_ID else NO_MARKER


@kernel
def fuzz(host, told, wild, sent, heard, values, before, words, seen, clock):
    """A tick for each row of ``words``; returns what was first found wrong, 0 for nothing.

    ``seen`` counts the ticks that ended in each mode. ``clock`` holds the time, the ticks
    done, of which the last is the one found wrong, the mood, and the point of the line.
    """
    tables, path, frames_in, sensors, memory, command, frames_out, _ = host
    commanded, count = command.view(np.float64), tables.sensors.messages.size
    for k in range(words.shape[0]):
        luck = words[k, 0]
        stage = -1
        if clock[1] % EPISODE == 0:
            clock[2], clock[3] = (WILD if some(luck[0], 4) == 0 else CALM), some(luck[3], path.size)
        if clock[1] % EPISODE == SETTLED:
            stage = some(luck[0], MODES)
        if clock[1] % 50 == 0:  # 10 m/s
            clock[3] = (clock[3] + 1) % path.size
        dt_ns = some(luck[7], 400_000_000) if some(luck[6], 500) == 0 else PERIOD_NS
        clock[0] += dt_ns
        place(path, told, memory.driver, clock[3], stage, clock[0])
        for i in range(IN_A_TICK):
            kind = kind_of(clock[2], words[k, i])
            m = (clock[1] * IN_A_TICK + i) % count
            make(tables.sensors, frames_in, i, m, sent, told, wild, words[k, i], kind, clock[0])
        for j in range(before.size):
            before[j] = commanded[j]
        n = tick(tables, path, frames_in, IN_A_TICK, clock[0], sensors, memory, command, frames_out)
        clock[1] += 1
        seen[int(memory.driver[0].mode)] += 1
        wrong = wrong_command(tables.driver, command, before, min(dt_ns * 1e-9, LONGEST_S))
        if wrong == 0:
            wrong = wrong_frames(tables.commands, tables.driver, frames_out, n, heard, values)
        if wrong != 0:
            return wrong
    return 0


class Fuzzing:
    """A host on the circle, and the nodes that speak to it."""

    def __init__(self, host, seed):
        self.host, self.rng = host, np.random.default_rng(seed)
        codec, commands = host.tables.sensors, host.tables.commands
        self.told, self.wild = np.zeros(len(CHANNEL_NAMES)), np.zeros(len(CHANNEL_NAMES))
        for channel, value in SANE.items():
            self.told[CHANNEL_NAMES.index(channel)] = value
        self.seen, self.clock = np.zeros(MODES, np.int64), np.array([FIRST_NS, 0, 0, 0])
        self._rest = (
            records(codec, SENT),
            records(commands, RECEIVED),
            np.zeros(len(COMMAND_NAMES)),
            np.zeros(len(COMMAND_NAMES)),
        )

    def run(self, frames):
        """Tick until so many frames were taken in, or something is wrong; returns what."""
        ticks = frames // IN_A_TICK
        while ticks > 0:
            words = self.rng.integers(0, 1 << 62, (min(ticks, BATCH), IN_A_TICK, WORDS))
            ticks -= len(words)
            wrong = fuzz(
                tuple(self.host), self.told, self.wild, *self._rest, words, self.seen, self.clock
            )
            if wrong:
                return wrong
        return 0


SANE = {
    "gnss_quality": 1.0,
    "gnss_heading_quality": 1.0,
    "gear": 2.0,
    "engine_speed_radps": 300.0,
    "race_flag": float(Flag.GREEN),
    "permit": float(Permit.GRANTED),
}


@pytest.fixture
def fuzzing(host):
    return Fuzzing(host, seed=1)


def test_no_frames_make_a_command_that_is_not_finite_or_beyond_its_limits(fuzzing):
    assert fuzzing.run(FRAMES) == 0, f"tick {fuzzing.clock[1]}"

    ticks = FRAMES // IN_A_TICK
    received = fuzzing.host.memory.received
    assert fuzzing.seen.sum() == ticks
    if SAMPLE:
        return
    assert fuzzing.seen.min() > ticks // 100  # every mode
    assert received.count.min() > ticks // 40  # every message, taken …
    assert received.errors.min() > ticks // 40  # … and refused
    assert fuzzing.host.memory.refused[0] > FRAMES // 20


@pytest.mark.skipif(SAMPLE, reason="a sample does not reach every limit")
@pytest.mark.parametrize(
    ("limit", "share", "wrong"),
    [
        ("limits_steer_rad", 0.5, {STEER_RANGE, WIRE_RANGE}),
        ("limits_steer_rate_radps", 0.5, {STEER_SLEW}),
        ("limits_throttle_rate_1ps", 0.5, {THROTTLE_SLEW}),
        ("limits_brake_bar", 0.5, {BRAKE_RANGE, WIRE_RANGE}),
        ("limits_brake_rate_barps", 0.5, {BRAKE_SLEW}),
    ],
)
def test_a_limit_that_is_half_of_the_drivers_is_found_broken(fuzzing, limit, share, wrong):
    """The fuzz sees what it looks for: judged by half of each limit, the driver breaks it."""
    tables = fuzzing.host.tables
    strict = tables.driver.copy()
    strict[limit][0] *= share
    assert judged_by(strict, fuzzing) in wrong


def judged_by(strict, fuzzing):
    """Run with the driver's own limits, then judge each tick by others."""
    for _ in range(FRAMES // (5 * IN_A_TICK)):
        before = fuzzing.host.command.view(np.float64).copy()
        at_ns = int(fuzzing.clock[0])
        assert fuzzing.run(IN_A_TICK) == 0
        dt_s = min((int(fuzzing.clock[0]) - at_ns) * 1e-9, LONGEST_S)
        wrong = wrong_command(strict, fuzzing.host.command, before, dt_s)
        if wrong:
            return wrong
    return 0
