"""The loop: wait for the deadline, receive, tick, send, account. One compiled function.

Deadlines are absolute. One that was missed is counted against the stage that took too long
and skipped over; nothing is ever caught up in a burst.
"""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel, unlocked
from tianyuan.control.records import Mode
from tianyuan.dbc.frame import TX
from tianyuan.drivers.buses import any_lost, most_unsent, receive_all, send_all
from tianyuan.drivers.clock import SECOND_NS, monotonic_ns, wait_until
from tianyuan.drivers.port import send
from tianyuan.firmware.accounting import CYCLE, RECEIVE, SEND, TICK, WAKE, book
from tianyuan.firmware.ring import push
from tianyuan.firmware.snapshot import fill
from tianyuan.firmware.tick import for_the_car, tick

# Words of the array through which the outside speaks with the loop.
ENDED, SHUTDOWN, TICKS, QUIT, LIMIT = range(5)
CONTROL_WORDS: Final = 8
PATIENCE_NS: Final = 30 * SECOND_NS  # with a car that was asked to stop
STANDSTILL_MPS: Final = 0.3
DRIVING = int(Mode.DRIVING)


@kernel
def _may_end(control, memory, since_ns, now_ns):
    """Asked to end, and the car stands, was never driving, or does not stop ``since_ns``.

    A car that nothing is heard of any more may stand long since; the guard holds it.
    """
    if control[QUIT] != 0 or (control[LIMIT] > 0 and control[TICKS] >= control[LIMIT]):
        return True
    if control[SHUTDOWN] == 0:
        return False
    s = memory.driver[0]
    return s.mode < DRIVING or s.speed_mps < STANDSTILL_MPS or now_ns - since_ns > PATIENCE_NS


@kernel
def _account(accounts, memory, deadline_ns, woke_ns, received_ns, ticked_ns, sent_ns):
    book(accounts, WAKE, woke_ns - deadline_ns)
    book(accounts, RECEIVE, received_ns - woke_ns)
    book(accounts, TICK, ticked_ns - received_ns)
    book(accounts, SEND, sent_ns - ticked_ns)
    book(accounts, CYCLE, sent_ns - deadline_ns)
    h = memory.host[0]
    h.wake_us = (woke_ns - deadline_ns) * 1e-3
    h.receive_us = (received_ns - woke_ns) * 1e-3
    h.tick_us = (ticked_ns - received_ns) * 1e-3
    h.send_us = (sent_ns - ticked_ns) * 1e-3


@kernel
def _blame(deadline_ns, woke_ns, received_ns, ticked_ns, sent_ns):
    """The stage that took longest of a cycle that missed its deadline."""
    stage, longest = WAKE, woke_ns - deadline_ns
    if received_ns - woke_ns > longest:
        stage, longest = RECEIVE, received_ns - woke_ns
    if ticked_ns - received_ns > longest:
        stage, longest = TICK, ticked_ns - received_ns
    if sent_ns - ticked_ns > longest:
        stage = SEND
    return stage


@unlocked
def run(
    tables, path, sensors, memory, command, cars, host,
    frames_in, frames_out, ring, snapshot, accounts, control, clock, period_ns, early_ns,
):  # fmt: skip
    """Tick every ``period_ns`` until told to end; returns the number of ticks.

    ``cars`` are the ports of the car's buses (``drivers/buses.py``), ``host`` is that of the
    host's own, ``control`` an int64 array of CONTROL_WORDS: SHUTDOWN asks for a stop of the
    car and then the end, QUIT ends at once, LIMIT, if not 0, ends after so many ticks.
    ``snapshot`` are frames for the state (``snapshot.py``), which follow the first tick and one
    in each second into the ring.
    ``early_ns`` as in ``clock.wait_until``.
    """
    h = memory.host[0]
    woke_ns = monotonic_ns(clock)
    driving_ns = woke_ns  # the last instant at which no stop had been asked for
    deadline_ns = woke_ns + period_ns
    while not _may_end(control, memory, driving_ns, woke_ns):
        woke_ns = wait_until(clock, deadline_ns, early_ns)
        h.shutdown = control[SHUTDOWN]
        if control[SHUTDOWN] == 0:
            driving_ns = woke_ns
        n_in = receive_all(cars, frames_in, woke_ns)
        h.interface_down, h.unsent_in_a_row = any_lost(cars), most_unsent(cars)
        received_ns = monotonic_ns(clock)
        n_out = tick(tables, path, frames_in, n_in, woke_ns, sensors, memory, command, frames_out)
        ticked_ns = monotonic_ns(clock)
        to_car = for_the_car(frames_out, n_out)
        send_all(cars, frames_out, to_car)
        send(host, frames_out, to_car, n_out - to_car)
        push(ring, frames_in, n_in, 0)
        push(ring, frames_out, n_out, TX)
        sent_ns = monotonic_ns(clock)
        _account(accounts, memory, deadline_ns, woke_ns, received_ns, ticked_ns, sent_ns)
        control[TICKS] += 1
        missed = (sent_ns - deadline_ns) // period_ns
        h.overruns_in_a_row = min(h.overruns_in_a_row + 1, 255) if missed > 0 else 0
        if missed > 0:
            h.overruns += missed
            accounts.missed[_blame(deadline_ns, woke_ns, received_ns, ticked_ns, sent_ns)] += missed
        deadline_ns += (missed + 1) * period_ns
        if (control[TICKS] - 1) % (SECOND_NS // period_ns) == 0:
            fill(sensors, memory, command, snapshot, woke_ns)
            push(ring, snapshot, snapshot.size, TX)
    control[ENDED] = 1
    return control[TICKS]
