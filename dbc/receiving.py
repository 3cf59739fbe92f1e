"""What a protected message's frames say one after another: counters, and a window over results.

Each frame has a Status by its CRC and by how far its counter is on. AUTOSAR checks whenever
the receiver reads; here a frame is a read, and so is each of the message's cycles that passes
without one (``tick_over``). The tolerance for lost frames, ``max_delta``, grows by one with
each read that brought nothing good, as profiles 1 and 2 have it: with 1, after counter 1 and
an empty read, 2 and 3 are taken and 4 is not. (AUTOSAR's check counts the read that succeeds
as well, so its MaxDeltaCounterInit is one less.)

The window says whether the message is to be trusted, from its last ``size`` results::

    NO_DATA --a frame--> INIT --enough good ones--> VALID <--good ones, few wrong-- INVALID
                           |                          |                                ^
                           +--too many wrong ones-----+--or too few good ones----------+

Good are OK, OK_SOME_LOST and SYNC; wrong are WRONG_CRC and WRONG_LENGTH; all others count as
neither. Source: AUTOSAR FO R22-11, E2E Protocol Specification, the check functions of
profiles 1 and 2, E2E_SMCheck, and the mapping of profile behaviour 1.
"""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.dbc.protection_records import State
from tianyuan.dbc.records import Status

_OK = int(Status.OK)
_OK_SOME_LOST = int(Status.OK_SOME_LOST)
_INITIAL = int(Status.INITIAL)
_SYNC = int(Status.SYNC)
_NO_NEW_DATA = int(Status.NO_NEW_DATA)
_WRONG_LENGTH = int(Status.WRONG_LENGTH)
_WRONG_CRC = int(Status.WRONG_CRC)
_REPEATED = int(Status.REPEATED)
_WRONG_SEQUENCE = int(Status.WRONG_SEQUENCE)
_INVALID_MESSAGE = int(Status.INVALID)
_NO_DATA = int(State.NO_DATA)
_INIT = int(State.INIT)
_VALID = int(State.VALID)
_INVALID = int(State.INVALID)


@kernel
def take(row, record, counter, off, t_ns):
    """Note a frame whose CRC is ``off`` by so much; return its Status, INVALID by its window.

    ``row`` is one of PROTECTED, ``record`` the message's of RECEIVED.
    """
    status = _WRONG_CRC if off != 0 else _sequence(row, record, counter)
    return note(row, record, status, t_ns)


@kernel
def note(row, record, status, t_ns):
    """Note the result of a read; return it, or INVALID for a good one of an invalid message."""
    record.read_ns = t_ns
    record.status = status
    if status in (_WRONG_CRC, _WRONG_LENGTH, _REPEATED, _NO_NEW_DATA):
        record.tolerance += 1
    if status in (_REPEATED, _NO_NEW_DATA):
        record.no_new = min(record.no_new + 1, row.last - row.first)
    record.streak = record.streak + 1 if status in (_OK, _OK_SOME_LOST) else 0
    if row.window > 0:
        _push(row, record, status)
        record.state = _next_state(row, record, status)
    elif status >= 0 and status != _NO_NEW_DATA:
        record.state = _VALID
    return _INVALID_MESSAGE if status >= 0 and record.state == _INVALID else status


@kernel
def _sequence(row, record, counter):
    """Status of a frame with the right CRC, by its counter."""
    if counter < row.first or counter > row.last:
        return _WRONG_SEQUENCE  # no counter, such as 15 in profile 1: never one to go on from
    if record.begun == 0:
        record.begun, record.counter, record.tolerance = 1, counter, 0
        return _INITIAL
    delta = counter - record.counter
    if delta < 0:
        delta += row.last - row.first + 1
    if delta == 0:
        return _REPEATED
    if delta > min(row.max_delta + record.tolerance, row.most_delta):
        record.no_new, record.sync = 0, row.sync
        if row.resync != 0:
            record.counter, record.tolerance = counter, 0
        else:
            record.tolerance += 1
        return _WRONG_SEQUENCE
    record.counter, record.tolerance = counter, 0
    return _in_sequence(row, record, delta)


@kernel
def _in_sequence(row, record, delta):
    """Status of a frame that is ``delta`` steps on, and no more than may be."""
    long = record.no_new > row.max_no_new
    record.no_new = 0
    if long:
        record.sync = row.sync
        return _SYNC
    if record.sync > 0:
        record.sync -= 1
        return _SYNC
    return _OK if delta == 1 else _OK_SOME_LOST


@kernel
def _push(row, record, status):
    """Put a result into the window, in which the oldest gives way."""
    good = 1 if status in (_OK, _OK_SOME_LOST, _SYNC) else 0
    wrong = 1 if status in (_WRONG_CRC, _WRONG_LENGTH) else 0
    oldest, all_of_them = row.window - 1, (1 << row.window) - 1
    record.oks += good - ((record.ok_bits >> oldest) & 1)
    record.wrong += wrong - ((record.error_bits >> oldest) & 1)
    record.ok_bits = ((record.ok_bits << 1) | good) & all_of_them
    record.error_bits = ((record.error_bits << 1) | wrong) & all_of_them


@kernel
def _next_state(row, record, status):
    """State after this result, which is in the window already."""
    state, oks, wrong = record.state, record.oks, record.wrong
    if state == _NO_DATA:
        return _NO_DATA if status in (_WRONG_CRC, _WRONG_LENGTH, _NO_NEW_DATA) else _INIT
    if state == _INIT:
        if wrong > row.max_error_init:
            return _INVALID
        return _VALID if oks >= row.min_ok_init else _INIT
    if state == _VALID:
        good = wrong <= row.max_error_valid and oks >= row.min_ok_valid
    else:
        good = wrong <= row.max_error_invalid and oks >= row.min_ok_invalid
    return _VALID if good else _INVALID


@kernel
def tick_over(codec, received, t_ns):
    """Count an empty read of each protected message that should have come by ``t_ns``.

    To be called once a tick, after its frames. A message is read once in its ``read_ns``,
    in step with its frames and with half of it for their jitter; 0 is once a tick.
    """
    for k in range(codec.protected.size):
        row = codec.protected[k]
        record = received[row.message]
        if row.read_ns < 0 or record.begun == 0:
            continue
        if row.read_ns == 0:
            seen = record.count + record.errors
            if seen == record.seen:
                note(row, record, _NO_NEW_DATA, t_ns)
            record.seen = seen
            continue
        last_ns = max(record.t_ns, record.read_ns)
        if t_ns - last_ns > row.read_ns + (row.read_ns >> 1):
            note(row, record, _NO_NEW_DATA, last_ns + row.read_ns)
