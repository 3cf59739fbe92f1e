from __future__ import annotations

import signal
import time

from tianyuan.drivers.clock import monotonic_ns, scratch, sleep_until, wait_until

MS = 1_000_000


def test_the_clock_is_pythons_monotonic_clock():
    room = scratch()

    before, read, after = time.monotonic_ns(), monotonic_ns(room), time.monotonic_ns()

    assert before <= read <= after


def test_a_sleep_never_ends_early():
    room = scratch()
    for wait_ns in (0, 1, 999_999, 3 * MS):
        deadline_ns = time.monotonic_ns() + wait_ns

        sleep_until(room, deadline_ns)

        assert time.monotonic_ns() >= deadline_ns


def test_an_instant_in_the_past_or_before_the_clock_began_returns_at_once():
    room = scratch()
    for t_ns in (monotonic_ns(room) - 1, 0, -1, -(10**12)):
        before_ns = time.monotonic_ns()

        sleep_until(room, t_ns)

        assert time.monotonic_ns() - before_ns < 1000 * MS


def test_a_signal_does_not_shorten_a_sleep():
    room = scratch()
    sleep_until(room, 0)  # compiled
    rings = []
    old = signal.signal(signal.SIGALRM, lambda *_: rings.append(time.monotonic_ns()))
    try:
        deadline_ns = time.monotonic_ns() + 60 * MS
        signal.setitimer(signal.ITIMER_REAL, 0.01)

        sleep_until(room, deadline_ns)

        assert time.monotonic_ns() >= deadline_ns
        time.sleep(0)
        assert rings, "the signal came after the sleep and showed nothing"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_a_wait_ends_at_its_instant_and_says_when_however_early_it_wakes():
    room = scratch()
    for early_ns in (0, 1, 200_000, 10**12):
        deadline_ns = time.monotonic_ns() + 2 * MS

        said_ns = wait_until(room, deadline_ns, early_ns)

        assert deadline_ns <= said_ns <= time.monotonic_ns()


def test_a_wait_for_the_past_returns_at_once():
    room = scratch()
    for t_ns in (monotonic_ns(room) - 1, 0, -(10**12)):
        before_ns = time.monotonic_ns()

        assert wait_until(room, t_ns, 50_000) >= before_ns

        assert time.monotonic_ns() - before_ns < 1000 * MS
