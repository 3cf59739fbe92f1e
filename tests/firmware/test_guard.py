"""The guard's rules: each trips, each has a twin without the fault that does not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tianyuan.control.records import COMMAND, Mode, Permit, record
from tianyuan.dbc.codec import SENT, Protection, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.firmware.guard import listen
from tianyuan.firmware.guard import tables as guard_tables
from tianyuan.firmware.guard import tick as guard
from tianyuan.firmware.guard.records import THROTTLE as THROTTLES
from tianyuan.firmware.guard.records import GuardCause
from tianyuan.firmware.tables import wire

MS = 1_000_000
BEGIN_NS = 5_000 * MS
STEERING, BRAKE, THROTTLE, GEAR, HEARTBEAT = range(5)
CYCLES_MS = (2, 10, 10, 20, 20)


class Bus:
    """A host, the wheels and a guard: the host sends, frames arrive late, the guard ticks."""

    def __init__(self, car) -> None:
        self.plan = guard_tables.tables(car, 2 * MS)
        self.memory = guard_tables.memory(self.plan)
        self.host = record(COMMAND)
        self.host.steer_enable = self.host.throttle_enable = self.host.brake_enable = 1.0
        self.sent = records(self.plan.commands, SENT)
        self.turned = records(self.plan.wheels, SENT)
        self.wheel_mps = np.zeros(4)
        self.mute: set[int] = set()
        self.due_ms = [0] * len(CYCLES_MS)
        self.queue: list[tuple[int, np.ndarray]] = []
        self.said: list[tuple[int, int, int]] = []
        self.frames_in, self.out, self.one = frames(256), frames(1), frames(1)
        self.t_ns = BEGIN_NS

    def put(self, frame: np.ndarray, delay_ns: int = 0) -> None:
        self.queue.append((self.t_ns + delay_ns, frame.copy()))

    def make(self, message: int) -> np.ndarray:
        encode(self.plan.commands, message, self.sent, self.host.view(np.float64), self.one, 0)
        return self.one[0]

    def speak(self, delay_ns: Callable[[], int] = lambda: 0) -> None:
        """What host and wheels send in this millisecond, each frame after those before it."""
        ms = (self.t_ns - BEGIN_NS) // MS
        for message, cycle in enumerate(CYCLES_MS):
            # What fell due during a stall is sent at its end, once.
            if ms >= self.due_ms[message] and message not in self.mute:
                self.due_ms[message] = (ms // cycle + 1) * cycle
                self.put(self.make(message), delay_ns())
        if ms % 10 == 0:
            encode(self.plan.wheels, 0, self.turned, self.wheel_mps, self.one, 0)
            self.put(self.one[0])

    def listen(self) -> None:
        """One tick of the guard on what has arrived."""
        here = [frame for at_ns, frame in self.queue if at_ns <= self.t_ns]
        self.queue = [(at_ns, frame) for at_ns, frame in self.queue if at_ns > self.t_ns]
        for i, frame in enumerate(here):
            self.frames_in[i] = frame
            self.frames_in[i].t_ns = self.t_ns
        n_out = guard.tick(self.plan, self.memory, self.frames_in, len(here), self.t_ns, self.out)
        if n_out:
            g = self.memory.guard[0]
            self.said.append((self.t_ns, int(g.permit), int(g.cause)))

    def run(self, ms: int, each: Callable[[], object] = lambda: None) -> Bus:
        """So many milliseconds, the guard ticking every other one."""
        for _ in range(ms):
            each()
            self.speak()
            if (self.t_ns // MS) % 2 == 0:
                self.listen()
            self.t_ns += MS
        return self

    def be(self, mode: Mode, **command: float) -> Bus:
        self.host.mode = mode
        for name, value in command.items():
            self.host[name] = value
        return self

    @property
    def permit(self) -> Permit:
        return Permit(int(self.memory.guard.permit[0]))

    @property
    def cause(self) -> GuardCause:
        return GuardCause(int(self.memory.guard.cause[0]))


@pytest.fixture
def bus(car) -> Bus:
    return Bus(car)


@pytest.fixture
def driving(bus) -> Bus:
    """A host that drives with the guard's permit, at speed."""
    bus.be(Mode.OFF).run(50)
    bus.be(Mode.READY).run(50)
    bus.wheel_mps[:] = 40.0
    bus.be(Mode.DRIVING).run(50)
    assert bus.permit == Permit.GRANTED
    return bus


@pytest.mark.parametrize("mode", list(Mode))
def test_only_a_host_that_is_off_or_ready_gets_its_first_permit(bus, mode):
    bus.be(mode).run(3000)
    granted = {permit for _, permit, _ in bus.said}
    assert (Permit.GRANTED in granted) == (mode in (Mode.OFF, Mode.READY))


@pytest.mark.parametrize("message", range(5))
def test_every_message_must_have_been_heard_before_the_first_permit(bus, message):
    bus.mute = {message}
    bus.be(Mode.OFF).run(500)
    assert (bus.permit, bus.cause) == (Permit.WAITING, GuardCause.WAITING_FOR_COMMANDS)
    bus.mute = set()
    assert bus.run(30).permit == Permit.GRANTED


def test_the_permit_is_said_every_ten_milliseconds(driving):
    driving.said.clear()
    driving.run(1000)
    times = [t_ns for t_ns, _, _ in driving.said]
    assert np.diff(times).tolist() == [10 * MS] * (len(times) - 1)
    assert len(times) == 100
    assert driving.memory.books.published[0] >= 100


def test_a_change_of_the_permit_is_said_in_the_tick_that_decides_it(driving):
    driving.mute = {STEERING}
    last_ns = int(driving.memory.heard[STEERING].t_ns)
    driving.said.clear()
    driving.run(20)
    waits = [t_ns for t_ns, permit, _ in driving.said if permit == Permit.WAITING]
    assert waits[0] == last_ns + 8 * MS  # the first tick after more than 6 ms
    driving.mute = set()
    driving.said.clear()
    driving.run(2)
    assert driving.said == [(int(driving.memory.heard[STEERING].t_ns), Permit.GRANTED, 0)]


@pytest.mark.parametrize("message", range(5))
def test_after_silence_no_grant_leaves_later_than_its_bound(driving, message):
    silent_ns = int(driving.plan.silent_ns[message])
    driving.mute = {message}
    last_ns = int(driving.memory.heard[message].t_ns)
    driving.run(190)
    granted = [t_ns for t_ns, permit, _ in driving.said if permit == Permit.GRANTED]
    assert granted[-1] <= last_ns + silent_ns + 2 * MS
    if message == STEERING:
        assert granted[-1] <= last_ns + 10 * MS
    assert (driving.permit, driving.cause) == (Permit.WAITING, GuardCause.HOST_STALLED)
    driving.run(40)
    lost = GuardCause.HEARTBEAT_LOST if message == HEARTBEAT else GuardCause.COMMANDS_LOST
    assert (driving.permit, driving.cause) == (Permit.WITHDRAWN, lost)


@pytest.mark.parametrize(("stall_ms", "permit"), [(50, Permit.GRANTED), (190, Permit.GRANTED),
                                                  (215, Permit.WITHDRAWN)])  # fmt: skip
def test_a_stalled_host_is_granted_again_within_200_ms_and_not_after(driving, stall_ms, permit):
    driving.mute = set(range(5))
    driving.run(stall_ms)
    driving.mute = set()
    driving.run(40)
    assert driving.permit == permit
    driving.run(3000)
    assert driving.permit == permit


OUT_OF_RANGE = {
    "steering to the left": ("steer_rad", 0.56, 0.55, GuardCause.STEERING_RANGE),
    "steering to the right": ("steer_rad", -0.56, -0.55, GuardCause.STEERING_RANGE),
    "brake": ("brake_bar", 50.2, 50.0, GuardCause.BRAKE_RANGE),
}


@pytest.mark.parametrize("case", OUT_OF_RANGE)
def test_a_command_beyond_its_range_withdraws_and_one_at_its_end_does_not(bus, case):
    channel, beyond, within, cause = OUT_OF_RANGE[case]
    # The enables are off, so that only the range is judged.
    bus.host.steer_enable = bus.host.brake_enable = 0.0
    bus.be(Mode.OFF, **{channel: within}).run(100)
    assert bus.permit == Permit.GRANTED
    bus.be(Mode.OFF, **{channel: beyond}).run(10)
    assert (bus.permit, bus.cause) == (Permit.WITHDRAWN, cause)


def test_a_throttle_beyond_its_range_withdraws(driving):
    """The wire of the shipped car cannot say it, so the command is put behind the codec."""
    w = driving.plan.watched.kind.tolist().index(THROTTLES)
    listen._check_throttle(driving.plan, driving.memory, w, 1.01, driving.t_ns)
    assert driving.memory.guard.wrong[0] == GuardCause.THROTTLE_RANGE


RATES = {
    "steer_rad": (0.85, GuardCause.STEERING_SLEW, 0.5),
    "throttle": (8.0, GuardCause.THROTTLE_SLEW, 1.0),
    "brake_bar": (700.0, GuardCause.BRAKE_SLEW, 50.0),
}


def ramp(bus: Bus, channel: str, rate: float, top: float) -> Bus:
    """The command rises from zero to ``top``, once every two milliseconds, as the host's does."""
    state = {"value": 0.0}

    def rise() -> None:
        if (bus.t_ns // MS) % 2 == 0:
            state["value"] = min(state["value"] + rate * 0.002, top)
            bus.host[channel] = state["value"]

    return bus.run(math.ceil(top / rate * 1000) + 100, rise)


@pytest.mark.parametrize("channel", RATES)
def test_a_command_at_its_slew_passes_and_a_faster_one_withdraws(car, channel):
    rate, cause, top = RATES[channel]
    for factor, permit in ((1.0, Permit.GRANTED), (1.6, Permit.WITHDRAWN)):
        bus = Bus(car)
        bus.be(Mode.OFF).run(50)
        bus.be(Mode.READY).run(50)
        bus.be(Mode.DRIVING).run(50)
        ramp(bus, channel, factor * rate, top)
        assert bus.permit == permit
        if permit == Permit.WITHDRAWN:
            assert bus.cause == cause


@pytest.mark.parametrize("channel", RATES)
def test_a_jump_withdraws_unless_the_actuator_is_off(driving, channel):
    _, cause, top = RATES[channel]
    switch = {"steer_rad": "steer_enable", "throttle": "throttle_enable",
              "brake_bar": "brake_enable"}[channel]  # fmt: skip
    driving.host[switch] = 0.0
    driving.run(30)
    driving.host[channel] = 0.9 * top
    driving.run(30)
    assert driving.permit == Permit.GRANTED
    driving.host[switch] = 1.0
    driving.run(30)
    assert driving.permit == Permit.GRANTED
    driving.host[channel] = 0.0
    driving.run(30)
    expected = Permit.WITHDRAWN if channel == "steer_rad" else Permit.GRANTED
    assert driving.permit == expected  # letting go of a pedal is free
    driving.host[channel] = 0.9 * top
    driving.run(30)
    assert (driving.permit, driving.cause) == (Permit.WITHDRAWN, cause)


def test_what_a_stopped_transmit_queue_held_withdraws_for_what_the_host_says(driving):
    """The queue holds the oldest commands; the newest, at the emergency brake, follow them."""
    queued: list[np.ndarray] = []
    driving.mute = set(range(5))
    for message in (STEERING, BRAKE, THROTTLE, GEAR, HEARTBEAT, STEERING):
        queued.append(driving.make(message).copy())
    driving.run(100)
    for frame in queued:
        driving.put(frame)
    driving.mute = {HEARTBEAT}  # it comes after the brake's
    driving.be(Mode.EMERGENCY_STOP, brake_bar=40.0).run(12)
    assert driving.permit == Permit.GRANTED
    driving.mute = set()
    driving.run(20)
    assert (driving.permit, driving.cause) == (Permit.WITHDRAWN, GuardCause.HOST_EMERGENCY)


def test_both_pedals_withdraw_and_one_after_the_other_does_not(driving):
    for _ in range(5):
        ramp(driving, "throttle", 8.0, 0.8)
        driving.host.throttle = 0.0
        ramp(driving, "brake_bar", 700.0, 40.0)
        driving.host.brake_bar = 0.0
        driving.run(20)
        assert driving.permit == Permit.GRANTED
    ramp(driving, "brake_bar", 700.0, 40.0)
    ramp(driving, "throttle", 8.0, 0.8)
    assert (driving.permit, driving.cause) == (Permit.WITHDRAWN, GuardCause.BOTH_PEDALS)


def spoil(frame: np.ndarray, how: str) -> None:
    if how == "crc":
        frame.payload[0] ^= 0x10
    elif how == "length":
        frame.length -= 1


@pytest.mark.parametrize("how", ["crc", "length", "repeated"])
@pytest.mark.parametrize(("count", "permit"), [(2, Permit.GRANTED), (3, Permit.WITHDRAWN)])
def test_three_bad_frames_in_a_row_withdraw_and_two_do_not(driving, how, count, permit):
    """In place of the brake's own frames, so that none between them is good."""
    driving.mute = {BRAKE}
    old = driving.make(BRAKE).copy()
    driving.put(old)
    driving.run(1)
    for _ in range(count):
        frame = old.copy() if how == "repeated" else driving.make(BRAKE).copy()
        spoil(frame, how)
        driving.put(frame)
        driving.run(6)
    driving.mute = set()
    driving.run(30)
    assert driving.permit == permit
    books = driving.memory.books[0]
    counted = {"crc": books.wrong_crc, "length": books.wrong_length}.get(how, books.wrong_counter)
    assert counted >= count
    if permit == Permit.WITHDRAWN:
        assert driving.cause == GuardCause.PROTECTION_FAILED


def test_bad_frames_are_not_heard(driving):
    driving.mute = {STEERING}
    for _ in range(5):
        frame = driving.make(STEERING).copy()
        spoil(frame, "crc")
        driving.put(frame)
        driving.run(2)
    assert driving.permit == Permit.WITHDRAWN
    assert driving.memory.heard[STEERING].t_ns < driving.t_ns - 8 * MS


def test_an_emergency_stop_of_the_hosts_withdraws(driving):
    driving.be(Mode.EMERGENCY_STOP).run(30)
    assert (driving.permit, driving.cause) == (Permit.WITHDRAWN, GuardCause.HOST_EMERGENCY)


@pytest.mark.parametrize("mode", [Mode.DRIVING, Mode.CONTROLLED_STOP])
def test_no_other_mode_of_the_host_withdraws(driving, mode):
    assert driving.be(mode).run(3000).permit == Permit.GRANTED


def refused(bus: Bus) -> Bus:
    bus.be(Mode.EMERGENCY_STOP).run(30)
    assert bus.permit == Permit.WITHDRAWN
    return bus


def test_a_withdrawal_is_released_to_a_host_that_is_off_by_a_car_that_stands_for_a_second(driving):
    refused(driving).be(Mode.OFF)
    driving.run(1500)
    assert driving.permit == Permit.WITHDRAWN  # the wheels turn
    driving.wheel_mps[:] = 0.0
    driving.run(970)
    assert (driving.permit, driving.cause) == (Permit.WITHDRAWN, GuardCause.HOST_EMERGENCY)
    driving.run(60)
    assert (driving.permit, driving.cause) == (Permit.GRANTED, GuardCause.NONE)


@pytest.mark.parametrize("mode", [Mode.READY, Mode.DRIVING, Mode.CONTROLLED_STOP,
                                  Mode.EMERGENCY_STOP])  # fmt: skip
def test_a_withdrawal_is_released_to_no_other_host(driving, mode):
    driving.wheel_mps[:] = 0.0
    assert refused(driving).be(mode).run(2000).permit == Permit.WITHDRAWN


@pytest.mark.parametrize("wheel", range(4))
def test_one_wheel_that_turns_or_is_unheard_of_keeps_the_permit_withdrawn(driving, wheel):
    driving.wheel_mps[:] = 0.0
    driving.wheel_mps[wheel] = 1.0
    assert refused(driving).be(Mode.OFF).run(2000).permit == Permit.WITHDRAWN


def test_the_second_before_the_release_begins_anew_with_every_silence(driving):
    driving.wheel_mps[:] = 0.0
    refused(driving).be(Mode.OFF)
    for _ in range(3):
        driving.run(900)
        driving.mute = set(range(5))
        driving.run(100)
        driving.mute = set()
    assert driving.permit == Permit.WITHDRAWN
    assert driving.run(1100).permit == Permit.GRANTED


def test_a_guard_that_ends_says_so(driving):
    assert guard.end(driving.plan, driving.memory, driving.t_ns, driving.out) == 1
    assert (driving.permit, driving.cause) == (Permit.WITHDRAWN, GuardCause.GUARD_ENDED)


def test_the_first_cause_of_a_withdrawal_stays(driving):
    refused(driving)
    driving.mute = set(range(5))
    driving.run(1000)
    assert driving.cause == GuardCause.HOST_EMERGENCY


class Driver:
    """Commands anywhere within limits and slew, as control/limits.py writes them."""

    def __init__(self, bus: Bus, rng: np.random.Generator) -> None:
        self.bus, self.rng, self.t_ns = bus, rng, bus.t_ns
        self.wanted = (0.0, 0.0, 0.0)

    def step(self) -> None:
        """The host's tick: no further than its slew allows since its last, 20 ms at most."""
        c = self.bus.host[0]
        dt_s = min((self.bus.t_ns - self.t_ns) * 1e-9, 0.02)
        self.t_ns = self.bus.t_ns
        if self.rng.random() < 0.05:
            pedal = self.rng.uniform(-1, 1)
            self.wanted = (self.rng.uniform(-0.55, 0.55), max(pedal, 0.0), max(-50 * pedal, 0.0))
        steer, throttle, brake = self.wanted
        c.steer_rad += np.clip(steer - c.steer_rad, -0.85 * dt_s, 0.85 * dt_s)
        c.throttle = 0.0 if brake > 0 else min(throttle, c.throttle + 8.0 * dt_s)
        c.brake_bar = min(brake, c.brake_bar + 700.0 * dt_s)


@settings(max_examples=25)
@example(seed=47, delay_ms=0.0, stalls=[(10, 17), (121, 60)], naps=[(93, 90)])
@given(
    seed=st.integers(0, 2**32 - 1),
    delay_ms=st.floats(0, 5),
    stalls=st.lists(st.tuples(st.integers(10, 300), st.integers(1, 60)), max_size=3),
    naps=st.lists(st.tuples(st.integers(10, 300), st.integers(1, 90)), max_size=3),
)
def test_a_host_within_its_limits_is_never_refused(car, seed, delay_ms, stalls, naps):
    """However its frames are held up and batched, and whoever of the two stalls for a moment."""
    rng = np.random.default_rng(seed)
    bus, asleep, napping = Bus(car), 0, 0
    bus.be(Mode.OFF).run(30)
    bus.be(Mode.DRIVING)
    driver, last_ns = Driver(bus, rng), 0
    pauses = dict(stalls)
    guards = dict(naps)

    def late() -> int:
        nonlocal last_ns  # frames of one sender overtake each other on no bus
        last_ns = max(last_ns, bus.t_ns + int(rng.uniform(0, delay_ms) * MS))
        return last_ns - bus.t_ns

    for ms in range(400):
        asleep, napping = max(asleep - 1, pauses.get(ms, 0)), max(napping - 1, guards.get(ms, 0))
        if asleep <= 0 and ms % 2 == 0:
            driver.step()
            bus.speak(late)
        if ms % 2 == 0 and napping <= 0:
            bus.listen()
        bus.t_ns += MS
    assert bus.memory.books.withdrawals[0] == 0
    assert bus.memory.books.grants[0] >= 1


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), delay_ms=st.floats(0, 5), dies_ms=st.integers(50, 150))
def test_however_its_frames_are_held_up_a_dead_host_keeps_no_permit(car, seed, delay_ms, dies_ms):
    rng = np.random.default_rng(seed)
    bus = Bus(car)
    bus.be(Mode.OFF).run(30)
    bus.be(Mode.DRIVING)
    arrived_ns = 0
    for ms in range(400):
        if ms < dies_ms:
            bus.speak(lambda: int(rng.uniform(0, delay_ms) * MS))
            arrived_ns = max([arrived_ns, *(at for at, _ in bus.queue)])
        if ms % 2 == 0:
            bus.listen()
        bus.t_ns += MS
    granted = [t_ns for t_ns, permit, _ in bus.said if permit == Permit.GRANTED]
    assert granted[-1] <= arrived_ns + 10 * MS
    assert bus.permit == Permit.WITHDRAWN


def test_the_protection_of_the_test_is_the_cars(car):
    assert wire(car).commands.messages.guarded.all()
    assert Protection("P1", 1, "CRC", "Counter").max_delta == 2
