"""Which signals a multiplexed frame holds.

::

    A ----- 1 -------- P
      |---- 2 -------- B ----- 0..3, 7 -- Q
      |                  |---- 4 -------- R (straddles two words)
      |---- 2, 5..9 -- S
    C ----- 0 -------- T       (independent of A)
"""

from __future__ import annotations

import itertools

import cantools
import numpy as np
import pytest

from tianyuan.dbc.codec import Binding, Status, build
from tianyuan.dbc.errors import DbcError

pytestmark = pytest.mark.kernel  # its kernels are those of the fixture `wire`

VALUES = [*itertools.product((0, 1, 2, 5, 15), (0, 1), (0, 4, 7, 9))]
NAMES = ("A", "C", "P", "B", "Q", "R", "S", "T")


@pytest.fixture
def tree(signal, message):
    def chosen(name, start, length, by="", ids=(), **options):
        parent = {"multiplexer_signal": by, "multiplexer_ids": list(ids)} if by else {}
        return signal(name, start, length, **parent, **options)

    return message(
        [
            chosen("A", 0, 4, is_multiplexer=True),
            chosen("C", 4, 4, is_multiplexer=True),
            chosen("P", 8, 8, "A", [1]),
            chosen("B", 8, 4, "A", [2], is_multiplexer=True),
            chosen("Q", 16, 8, "B", [0, 1, 2, 3, 7]),
            chosen("R", 56, 16, "B", [4], is_signed=True),
            chosen("S", 32, 8, "A", [2, 5, 6, 7, 8, 9]),
            chosen("T", 40, 8, "C", [0]),
        ],
        length=12,
    )


def expected(a, c, b):
    """Straight from the drawing."""
    present = {"A", "C"}
    present |= {"P"} if a == 1 else set()
    present |= {"S"} if a in (2, 5, 6, 7, 8, 9) else set()
    present |= {"T"} if c == 0 else set()
    if a == 2:
        present |= {"B"} | ({"Q"} if b in (0, 1, 2, 3, 7) else set()) | ({"R"} if b == 4 else set())
    return present


@pytest.mark.parametrize("a", range(16))
def test_a_signal_is_written_when_every_multiplexor_above_selects_it(wire, tree, a):
    tried = wire([tree])
    for c, b in itertools.product(range(2), range(16)):
        payload = bytes([a | c << 4, b, 11, 0, 22, 33, 0, 44, 255, 0, 0, 0])
        tried.put(0, payload)

        result, values = tried.take()
        _, _, present = tried.take_raw()

        written = {name for name in NAMES if not np.isnan(values[tried.slot["M", name]])}
        assert result == 0
        assert written == expected(a, c, b)
        assert {name for name in NAMES if present[tried.slot["M", name]] == 1} == written
        if "R" in written:
            assert values[tried.slot["M", "R"]] == -256 + 44


def test_a_signal_that_is_not_selected_keeps_its_value(wire, tree):
    tried = wire([tree])
    kept = np.full(tried.size, 77.0)
    tried.put(0, bytes([15, 0, 11, 0, 22, 33, 0, 44, 255, 0, 0, 0]))
    tried.take(kept)
    assert [kept[tried.slot["M", name]] for name in ("P", "B", "Q", "R", "S")] == [77.0] * 5


@pytest.mark.parametrize(
    ("a", "c", "b"), [*itertools.product((0, 1, 2, 5, 15), (0, 1), (0, 4, 7, 9))]
)
def test_only_what_is_selected_is_sent(wire, tree, a, c, b):
    tried = wire([tree])
    values = np.full(tried.size, np.nan)  # what is not selected need not even be a number
    given = {"A": a, "C": c, "B": b, "P": 200, "Q": 201, "R": -202, "S": 203, "T": 204}
    for name in expected(a, c, b):
        values[tried.slot["M", name]] = given[name]

    result, payload = tried.make(0, values)

    assert result == Status.OK
    tried.put(0, payload)
    _, back = tried.take()
    np.testing.assert_array_equal(back, values)


def test_a_multiplexor_that_is_not_bound_is_still_looked_at(wire, tree):
    tried = wire([tree], [Binding("M", "R", 0), Binding("M", "T", 1)])
    tried.put(0, bytes([2 | 1 << 4, 4, 0, 0, 0, 9, 0, 44, 0, 0, 0, 0]))
    assert tried.take()[1].tolist()[0] == 44.0
    assert np.isnan(tried.take()[1][1])
    tried.put(0, bytes([2, 5, 0, 0, 0, 9, 0, 44, 0, 0, 0, 0]))
    assert np.isnan(tried.take()[1][0])
    assert tried.take()[1][1] == 9.0


def test_a_multiplexor_that_is_not_bound_is_sent_as_its_initial_value(wire, signal, message):
    cascade = [
        signal("A", 0, 8, is_multiplexer=True, raw_initial=3),
        signal(
            "B",
            8,
            8,
            is_multiplexer=True,
            raw_initial=5,
            multiplexer_signal="A",
            multiplexer_ids=[3],
        ),
        signal("P", 16, 8, multiplexer_signal="B", multiplexer_ids=[5]),
        signal("Q", 24, 8, multiplexer_signal="B", multiplexer_ids=[5], raw_initial=6),
        signal("R", 24, 8, multiplexer_signal="B", multiplexer_ids=[4], raw_initial=7),
    ]
    tried = wire([message(cascade)], [Binding("M", "P", 0)])
    assert tried.make(0, [9.0]) == (Status.OK, bytes([3, 5, 9, 6, 0, 0, 0, 0]))


def test_a_multiplexor_in_a_file_that_names_none_is_refused_by_name(signal, message):
    orphan = message([signal("S", 8, 8)])
    orphan.signals[0].multiplexer_signal = "Nobody"
    with pytest.raises(DbcError, match="selected by Nobody") as caught:
        build([orphan])
    assert (caught.value.message, caught.value.signal) == ("M", "S")


def test_what_cantools_cannot_decode_leaves_the_selected_signals_alone(wire, tree):
    tried = wire([tree])
    payload = bytes([15, 0, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0])
    with pytest.raises(cantools.database.DecodeError):
        tree.decode(payload)
    tried.put(0, payload)
    assert tried.take()[0] == 0
