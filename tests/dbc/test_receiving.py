"""Frames one after another: AUTOSAR's check of profiles 1 and 2, and its window, as models."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc.codec import (
    RECEIVED,
    Binding,
    Protection,
    State,
    Status,
    Window,
    records,
    tick_over,
)
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.protection_records import PROTECTED
from tianyuan.dbc.receiving import note, take

P1 = Protection("P1", 0x123, "Crc", "Counter")
CYCLE_NS = 10_000_000
FIRST_NS = 1_000_000_000


@pytest.fixture(scope="session")
def link(wire, signal, message):
    """A sender and a receiver of one protected message."""

    def make(**change):
        signals = [signal("Crc", 0, 8), signal("Counter", 8, 4), signal("S", 16, 16)]
        guard = P1._replace(**change)
        return wire([message(signals)], [Binding("M", "S", 0)], {"M": guard})

    return make


def deliver(tried, counter, t_ns=1, spoilt=False):
    """Send a frame with this counter; return what the receiver made of it."""
    tried.sent[0].counter = counter
    _, payload = tried.make(0, [float(counter)])
    tried.put(0, bytes([payload[0] ^ spoilt, *payload[1:]]), t_ns=t_ns)
    tried.take()
    return Status(int(tried.received[0].status))


def row(**cells):
    """A row of PROTECTED of a profile-1 message, as ``take`` and ``note`` want it."""
    made = np.zeros(1, PROTECTED).view(np.recarray)
    usual = {"last": 14, "max_delta": 2, "most_delta": 14, "resync": 1, "sync": 1, "max_no_new": 14}
    for name, value in (usual | cells).items():
        made[name] = value
    return made[0]


@dataclass
class Autosar:
    """E2E_P01Check, as its activity diagrams go; MaxDeltaCounterInit counts the reading itself."""

    init: int
    sync_init: int
    max_no_new: int
    modulo: int = 15
    last: int = 0
    max_delta: int = 0
    wait: bool = True
    no_new: int = 0
    sync: int = 0

    def check(self, counter, crc_ok=True):
        self.max_delta = min(self.max_delta + 1, self.modulo - 1)
        if counter is None:
            self.no_new = min(self.no_new + 1, self.modulo - 1)
            return Status.NO_NEW_DATA
        if not crc_ok:
            return Status.WRONG_CRC
        if self.wait:
            self.wait, self.max_delta, self.last = False, self.init, counter
            return Status.INITIAL
        delta = (counter - self.last) % self.modulo
        if delta == 0:
            self.no_new = min(self.no_new + 1, self.modulo - 1)
            return Status.REPEATED
        if delta > self.max_delta:
            self.no_new, self.sync = 0, self.sync_init
            if self.sync > 0:
                self.max_delta, self.last = self.init, counter
            return Status.WRONG_SEQUENCE
        self.max_delta, self.last = self.init, counter
        quiet, self.no_new = self.no_new > self.max_no_new, 0
        if quiet:
            self.sync = self.sync_init
            return Status.SYNC
        if self.sync > 0:
            self.sync -= 1
            return Status.SYNC
        return Status.OK if delta == 1 else Status.OK_SOME_LOST


READS = st.lists(
    st.tuples(st.sampled_from([-1, 0, 1, 1, 1, 1, 2, 3, 4, 9]), st.integers(0, 9)), max_size=60
)


@pytest.mark.parametrize("last", [14, 15])
@given(READS, st.integers(1, 5), st.integers(0, 3), st.integers(0, 14))
def test_every_read_has_autosars_status(last, reads, max_delta, sync, max_no_new):
    model = Autosar(max_delta - 1, sync, max_no_new, modulo=last + 1)
    wanted = row(
        last=last, most_delta=last, max_delta=max_delta, sync=sync, resync=sync > 0,
        max_no_new=max_no_new,
    )  # fmt: skip
    record = records_of_one()
    counter = 3
    begun = False
    for step, luck in reads:
        if step < 0:
            # Before the first frame an empty read changes nothing that would show later.
            if begun:
                assert note(wanted, record, int(Status.NO_NEW_DATA), 0) == model.check(None)
            continue
        counter = (counter + step) % (last + 1)
        wrong = luck == 0
        begun = begun or not wrong
        status = take(wanted, record, counter, int(wrong), 0)
        assert status == model.check(counter, not wrong)


def records_of_one():
    return np.zeros(1, RECEIVED).view(np.recarray)[0]


def test_the_tolerance_grows_by_one_with_an_empty_read():
    for counter, wanted in ((2, "OK"), (3, "OK_SOME_LOST"), (4, "WRONG_SEQUENCE")):
        guard, record = row(max_delta=1), records_of_one()
        take(guard, record, 1, 0, 0)
        note(guard, record, int(Status.NO_NEW_DATA), 0)
        assert Status(take(guard, record, counter, 0, 0)).name == wanted
    assert take(guard, record, 6, 0, 0) == Status.WRONG_SEQUENCE  # without one, from 4 to 5 only


@pytest.mark.parametrize("profile", ["P5", "P11", "counter"])
def test_the_tolerance_of_the_other_profiles_does_not_grow(wire, signal, message, profile):
    wide = profile == "P5"
    signals = [signal("Crc", 0, 16 if wide else 8), signal("Counter", 16, 8 if wide else 4)]
    guard = P1._replace(profile=profile, max_delta=2, read_ns=0)
    if profile == "counter":
        guard = guard._replace(crc="")
    tried = wire([message(signals)], [], {"M": guard})
    assert deliver_plain(tried, 1) == Status.INITIAL
    for t_ns in range(2, 9):
        tick_over(tried.codec, tried.received, t_ns)
    assert deliver_plain(tried, 4) == Status.WRONG_SEQUENCE
    assert deliver_plain(tried, 6) == Status.OK_SOME_LOST
    assert deliver_plain(tried, 6) == Status.REPEATED
    assert deliver_plain(tried, 7) == Status.OK


def deliver_plain(tried, counter):
    tried.sent[0].counter = counter
    tried.put(0, tried.make(0, [])[1])
    tried.take()
    return tried.received[0].status


@pytest.mark.parametrize("counter", range(15))
def test_the_first_frame_is_taken_whatever_its_counter(link, counter):
    assert deliver(link(), counter) == Status.INITIAL


@pytest.mark.parametrize("last", range(15))
@pytest.mark.parametrize("delta", range(15))
def test_a_counter_may_be_one_or_two_on(link, last, delta):
    tried = link()
    deliver(tried, last, t_ns=1)

    result = deliver(tried, (last + delta) % 15, t_ns=2)

    wanted = {0: Status.REPEATED, 1: Status.OK, 2: Status.OK_SOME_LOST}
    assert result == wanted.get(delta, Status.WRONG_SEQUENCE)
    record = tried.received[0]
    assert record.t_ns == (2 if result >= 0 else 1)
    assert record.errors == (0 if result >= 0 else 1)


def test_after_a_wrong_sequence_the_next_frame_is_taken(link):
    tried = link()
    seen = [deliver(tried, each).name for each in (3, 9, 10, 11)]
    assert seen == ["INITIAL", "WRONG_SEQUENCE", "SYNC", "OK"]
    assert tried.received[0].count == 3


def test_without_synchronisation_recorded_frames_leave_the_sequence_alone(link):
    tried = link(sync=0)
    seen = [deliver(tried, each).name for each in (3, 4, 9, 10, 5, 6)]
    assert seen == ["INITIAL", "OK", "WRONG_SEQUENCE", "WRONG_SEQUENCE", "OK", "OK"]


def test_frames_recorded_and_replayed_are_refused(link):
    tried = link()
    seen = [deliver(tried, each).name for each in (3, 4, 5, 3, 3)]
    assert seen == ["INITIAL", "OK", "OK", "WRONG_SEQUENCE", "REPEATED"]
    assert tried.received[0].count == 3


def test_counter_15_is_never_taken():
    guard, record = row(), records_of_one()
    assert [take(guard, record, 15, 0, 0) for _ in range(2)] == [Status.WRONG_SEQUENCE] * 2
    assert take(guard, record, 14, 0, 0) == Status.INITIAL
    assert take(guard, record, 15, 0, 0) == Status.WRONG_SEQUENCE
    assert take(guard, record, 0, 0, 0) == Status.OK


@dataclass
class Machine:
    """E2E_SMCheck over a window of its results."""

    window: Window
    state: State = State.NO_DATA
    seen: deque = field(default_factory=deque)

    def check(self, status):
        self.seen.append(status)
        if len(self.seen) > self.window.size:
            self.seen.popleft()
        good = sum(each in (Status.OK, Status.OK_SOME_LOST, Status.SYNC) for each in self.seen)
        wrong = sum(each in (Status.WRONG_CRC, Status.WRONG_LENGTH) for each in self.seen)
        w = self.window
        if self.state == State.NO_DATA:
            if status not in (Status.WRONG_CRC, Status.WRONG_LENGTH, Status.NO_NEW_DATA):
                self.state = State.INIT
        elif self.state == State.INIT:
            if wrong <= w.max_error_init and good >= w.min_ok_init:
                self.state = State.VALID
            elif wrong > w.max_error_init:
                self.state = State.INVALID
        elif self.state == State.VALID:
            if not (wrong <= w.max_error_valid and good >= w.min_ok_valid):
                self.state = State.INVALID
        elif wrong <= w.max_error_invalid and good >= w.min_ok_invalid:
            self.state = State.VALID
        return self.state


@st.composite
def windows(draw):
    size = draw(st.integers(1, 62))
    oks = sorted(draw(st.lists(st.integers(1, size), min_size=3, max_size=3)))
    errors = sorted(draw(st.lists(st.integers(0, size), min_size=3, max_size=3)))
    return Window(size, oks[1], errors[1], oks[0], errors[2], oks[2], errors[0])


@given(
    windows(),
    st.lists(st.sampled_from([each for each in Status if each != Status.INVALID]), max_size=200),
)
def test_every_result_moves_the_window_as_autosars(window, results):
    size, *others = window
    cells = dict(zip(Window._fields[1:], others, strict=True))
    model, guard, record = Machine(window), row(window=size, **cells), records_of_one()
    for status in results:
        returned = note(guard, record, int(status), 0)
        assert record.state == model.check(status)
        refused = status >= 0 and record.state == State.INVALID
        assert returned == (Status.INVALID if refused else status)


FEW = Window(size=4, max_error_init=1, max_error_valid=2, min_ok_invalid=2, max_error_invalid=1)


def test_only_frames_of_a_valid_message_can_be_relied_on(link):
    tried = link(window=FEW)
    deliver(tried, 0, t_ns=10)
    assert (tried.received[0].state, tried.received[0].t_ns) == (State.INIT, 0)
    deliver(tried, 1, t_ns=20)
    assert (tried.received[0].state, tried.received[0].t_ns) == (State.VALID, 20)


def test_an_invalid_message_is_refused_until_its_window_is_good_again(link):
    tried = link(window=FEW)
    for counter in range(2):
        deliver(tried, counter, t_ns=counter + 1)
    for _ in range(3):
        assert deliver(tried, 2, spoilt=True) == Status.WRONG_CRC
    record = tried.received[0]
    assert (record.state, record.t_ns, record.count) == (State.INVALID, 2, 2)

    assert deliver(tried, 3, t_ns=7) == Status.OK_SOME_LOST
    assert (record.state, record.t_ns, record.count) == (State.INVALID, 2, 2)
    assert tried.take()[0] == Status.REPEATED
    for counter in (4, 5):
        deliver(tried, counter, t_ns=counter + 4)

    assert (record.state, record.t_ns) == (State.VALID, 9)


@pytest.mark.parametrize("fault", ["spoilt", "repeated", "lost"])
def test_a_single_fault_in_a_window_is_borne(link, fault):
    tried = link(window=Window())
    counter = 0
    for step in range(200):
        counter += 2 if fault == "lost" and step % 10 == 5 else 1
        if step % 10 == 5 and fault == "spoilt":
            deliver(tried, counter % 15, t_ns=step, spoilt=True)
        elif step % 10 == 5 and fault == "repeated":
            deliver(tried, (counter - 1) % 15, t_ns=step)
            counter -= 1
        else:
            deliver(tried, counter % 15, t_ns=step)
            assert step == 0 or tried.received[0].t_ns == step
    assert tried.received[0].state == State.VALID


def test_a_frozen_counter_makes_the_message_invalid(link):
    tried = link(window=FEW)
    for counter in range(6):
        deliver(tried, counter)
    seen = [deliver(tried, 5) for _ in range(4)]
    assert seen == [Status.REPEATED] * 4
    assert tried.received[0].state == State.INVALID


def test_a_wrong_length_is_a_wrong_result(link):
    tried = link(window=FEW)
    for counter in range(6):
        deliver(tried, counter)
    for _ in range(3):
        tried.put(0, bytes(7))
        assert tried.take()[0] == Status.WRONG_LENGTH
    assert tried.received[0].state == State.INVALID


def empty_reads(tried, since_ns, until_ns, step_ns=1_000_000):
    """How often the message read empty between two instants, ticking over every millisecond."""
    before = tried.received[0].no_new
    for t_ns in range(since_ns, until_ns + 1, step_ns):
        tick_over(tried.codec, tried.received, t_ns)
    return tried.received[0].no_new - before


def test_a_message_reads_empty_once_a_cycle_and_with_half_of_it_for_jitter(link):
    tried = link(read_ns=CYCLE_NS)
    assert empty_reads(tried, 0, FIRST_NS, CYCLE_NS) == 0  # before its first frame
    deliver(tried, 0, t_ns=FIRST_NS)
    assert empty_reads(tried, FIRST_NS, FIRST_NS + CYCLE_NS * 3 // 2) == 0
    assert empty_reads(tried, FIRST_NS, FIRST_NS + CYCLE_NS * 7 // 2 + 1_000_000) == 3
    assert tried.received[0].status == Status.NO_NEW_DATA


def test_a_message_that_comes_on_its_cycle_never_reads_empty(link):
    tried = link(read_ns=CYCLE_NS, window=FEW)
    for step in range(100):
        t_ns = FIRST_NS + step * CYCLE_NS
        deliver(tried, step % 15, t_ns=t_ns + (step % 3) * CYCLE_NS // 5)
        for tick in range(5):
            tick_over(tried.codec, tried.received, t_ns + tick * CYCLE_NS // 5)
        assert tried.received[0].no_new == 0
    assert tried.received[0].ok_bits == 15


def test_a_message_read_every_tick_reads_empty_in_each_without_a_frame(link):
    tried = link(read_ns=0)
    deliver(tried, 0)
    assert empty_reads(tried, 1, 6, 1) == 5
    deliver(tried, 2)
    assert empty_reads(tried, 7, 7, 1) == 0


def test_a_message_without_a_cycle_never_reads_empty(link):
    tried = link(read_ns=-1)
    deliver(tried, 0)
    assert empty_reads(tried, 0, 10**12, 10**10) == 0


def test_silence_makes_the_message_invalid_and_its_return_valid(link):
    tried = link(read_ns=CYCLE_NS, window=FEW)
    for counter in range(6):
        deliver(tried, counter, t_ns=FIRST_NS + counter * CYCLE_NS)
    empty_reads(tried, FIRST_NS, FIRST_NS + 20 * CYCLE_NS)
    assert tried.received[0].state == State.INVALID
    states = []
    for counter in range(3):
        deliver(tried, counter, t_ns=FIRST_NS + (30 + counter) * CYCLE_NS)
        states.append(tried.received[0].state)
    assert states == [State.INVALID, State.VALID, State.VALID]


def test_a_clock_that_goes_back_reads_nothing_empty(link):
    tried = link(read_ns=CYCLE_NS)
    deliver(tried, 0, t_ns=FIRST_NS)
    assert empty_reads(tried, 0, FIRST_NS, CYCLE_NS) == 0


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (Window(size=63), "window size 63: must be 1 to 62"),
        (Window(min_ok_init=0), "min_ok_init 0"),
        (Window(size=4), "together at most the window's 4"),
        (Window(min_ok_valid=2), "min_ok: valid must ask for no more than init"),
        (Window(max_error_invalid=3), "max_error: invalid must bear no more than init"),
    ],
)
def test_a_window_that_contradicts_itself_is_refused(link, window, words):
    with pytest.raises(DbcError, match=words):
        link(window=window)


def test_the_records_of_a_codec_begin_without_data(link):
    assert set(records(link().codec, RECEIVED).state) == {State.NO_DATA}
