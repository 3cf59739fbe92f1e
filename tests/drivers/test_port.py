from __future__ import annotations

import select
import socket
import statistics
import struct
import time

import numba
import numpy as np
import pytest
from numba import njit

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import BRS, EXTENDED, FDF, REMOTE, frames
from tianyuan.drivers.links import add_link
from tianyuan.drivers.port import empty, open_port, receive, send
from tianyuan.drivers.port_record import BATCH, LINKS, LIVE, closed_port

compiled = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="means nothing with the JIT off"
)


def receive_all(port, room: int = 1000, t_ns: int = 1) -> np.recarray:
    into = frames(room)
    return into[: receive(port.record, into, 0, t_ns)]


def raw_end(port) -> socket.socket:
    """Connect to a node with a bare socket, for packets that no node would send."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end.connect(str(port.path))
    return end


def test_a_frame_reaches_every_other_node_and_not_its_sender(join, numbered):
    nodes = [join(f"n{k}", k) for k in range(4)]

    assert send(nodes[1].record, numbered(1, 0x123), 0, 1) == 1

    for k, node in enumerate(nodes):
        assert list(receive_all(node).can_id) == ([] if k == 1 else [0x123])


def test_every_field_survives_and_receipt_is_stamped(join):
    a, b = join("a", 3), join("b", 7)
    sent = frames(4)
    sent.can_id = [0x7FF, EXTENDED | 0x1FFFFFFF, REMOTE | 0x10, EXTENDED | 0x55]
    sent.length = [8, 0, 5, 64]
    sent.flags = [0, 0, 0, FDF | BRS]
    sent.payload[0, :8] = np.arange(1, 9)
    sent.payload[3] = np.arange(64)

    assert send(a.record, sent, 0, 4) == 4
    got = receive_all(b, t_ns=123456789012345)

    assert list(got.can_id) == list(sent.can_id)
    assert list(got.length) == [8, 0, 5, 64]
    assert list(got["flags"]) == [0, 0, 0, FDF | BRS]
    assert np.array_equal(got.payload, sent.payload)
    assert set(got.channel) == {7}
    assert set(got.t_ns) == {123456789012345}


def test_nothing_of_an_older_frame_shines_through(join):
    a, b = join("a"), join("b")
    sent = frames(2)
    sent.length = [3, 12]
    sent["flags"] = [0, FDF]
    sent.payload = 0xEE  # senders may leave anything behind the payload
    into = frames(2)
    into.view(np.uint8)[:] = 0xFF

    send(a.record, sent, 0, 2)
    assert receive(b.record, into, 0, 5) == 2

    assert np.all(into.payload[0, :3] == 0xEE) and np.all(into.payload[0, 3:] == 0)
    assert np.all(into.payload[1, :12] == 0xEE) and np.all(into.payload[1, 12:] == 0)
    assert list(into["flags"]) == [0, FDF]
    assert list(into.reserved) == [0, 0]


def test_a_burst_of_hundreds_arrives_whole_and_in_order(join, numbered):
    a, b = join("a"), join("b")

    assert send(a.record, numbered(500), 0, 500) == 500

    assert list(receive_all(b).can_id) == list(range(500))
    assert a.record.dropped[0] == 0


def test_an_emptied_port_has_nothing_left_to_read(join, numbered):
    a, b = join("a"), join("b")
    send(a.record, numbered(500), 0, 500)

    assert empty(b.record, frames(64)) == 500

    assert len(receive_all(b)) == 0
    assert empty(b.record, frames(64)) == 0


def test_receive_never_writes_past_the_array_and_the_rest_stays_queued(join, numbered):
    a, b = join("a"), join("b")
    send(a.record, numbered(100), 0, 100)
    into = frames(60)
    into.t_ns = -1

    assert receive(b.record, into[:50], 45, 1) == 5
    assert list(into.can_id[45:50]) == [0, 1, 2, 3, 4]
    assert np.all(into.t_ns[:45] == -1) and np.all(into.t_ns[50:] == -1)

    assert receive(b.record, into, 60, 1) == 0
    assert receive(b.record, into, 1000, 1) == 0
    assert receive(b.record, into, -1, 1) == 0
    assert list(receive_all(b).can_id) == list(range(5, 100))


def test_send_never_reads_past_the_array(join, numbered):
    a, b = join("a"), join("b")

    assert send(a.record, numbered(10), 7, 100) == 3
    assert send(a.record, numbered(10), 10, 1) == 0
    assert send(a.record, numbered(10), -1, 5) == 0
    assert send(a.record, numbered(10), 0, -5) == 0

    assert list(receive_all(b).can_id) == [7, 8, 9]


def test_links_share_a_small_array_fairly(join, numbered):
    nodes = [join(f"n{k}") for k in range(4)]
    for k in range(3):
        send(nodes[k].record, numbered(200, 1000 * k), 0, 200)

    first = receive_all(nodes[3], 60)
    assert sorted(np.bincount(first.can_id // 1000)) == [20, 20, 20]

    one_by_one = [receive_all(nodes[3], 1).can_id[0] // 1000 for _ in range(9)]
    assert sorted(np.bincount(one_by_one)) == [3, 3, 3]


def test_frames_of_one_sender_keep_their_order_whatever_the_room(join, numbered):
    nodes = [join(f"n{k}") for k in range(3)]
    for k in range(2):
        send(nodes[k].record, numbered(300, 1000 * k), 0, 300)

    got = []
    for room in (1, 7, BATCH, BATCH + 1, 2 * BATCH - 1, 100, 500):
        got += list(receive_all(nodes[2], room).can_id)

    for k in range(2):
        assert [i for i in got if i // 1000 == k] == list(range(1000 * k, 1000 * k + 300))


def test_a_packet_that_is_no_frame_is_dropped_and_counted(join, numbered):
    port = join("a")
    with raw_end(port) as end:
        classic = lambda can_id, length=8: struct.pack("=IB3x8s", can_id, length, b"12345678")  # noqa: E731
        end.send(classic(1))
        for size in (1, 15, 17, 71, 73, 5000):
            end.send(bytes(size))
        end.send(classic(99, length=9))  # more than a classic frame can hold
        end.send(struct.pack("=IB3x64s", 98, 65, b""))  # more than an FD frame can
        end.send(classic(2))

        got = receive_all(port)

    assert list(got.can_id) == [1, 2]
    assert bytes(got.payload[1, :8]) == b"12345678"
    assert port.record.malformed[0] == 8
    assert port.record.received[0] == 2


def test_a_flood_of_bad_packets_does_not_hold_receive_up(join):
    port = join("a")
    with raw_end(port) as end:
        for _ in range(100):
            end.send(b"bad")

        assert len(receive_all(port, 10)) == 0

        assert port.record.malformed[0] == 10


@pytest.mark.parametrize("noticed_by", ["receive", "send"])
def test_the_last_frames_of_a_node_that_left_are_still_received(join, numbered, noticed_by):
    a, b = join("a"), join("b")
    send(b.record, numbered(3, 700), 0, 3)  # never read by a, so a's leaving resets the link
    send(a.record, numbered(50), 0, 50)

    a.close()

    if noticed_by == "send":
        assert send(b.record, numbered(1), 0, 1) == 0
    assert list(receive_all(b).can_id) == list(range(50))
    assert len(receive_all(b)) == 0
    assert b.record.links[0] == 0
    assert b.record.errors[0] == 0


def test_frames_sent_before_the_other_looked_are_received(join, numbered):
    a, b = join("a"), join("b")

    send(b.record, numbered(5), 0, 5)  # a has not yet accepted b's link

    assert list(receive_all(a).can_id) == list(range(5))


def test_whoever_joined_before_a_send_gets_it(join, numbered):
    a = join("a")
    later = [join(f"b{k}") for k in range(3)]

    assert send(a.record, numbered(1), 0, 1) == 1  # a only ever sends

    assert [len(receive_all(b)) for b in later] == [1, 1, 1]


def test_a_node_that_never_reads_loses_only_its_own_frames(join, numbered):
    a, reader, sleeper = join("a"), join("reader"), join("sleeper")
    batch, rounds = 500, 40
    got = []
    for k in range(rounds):
        assert send(a.record, numbered(batch, k * batch), 0, batch) == batch
        got += list(receive_all(reader).can_id)

    assert got == list(range(batch * rounds))
    kept = list(receive_all(sleeper, batch * rounds).can_id)
    assert kept == list(range(len(kept)))  # the oldest, without a gap
    assert a.record.dropped[0] == batch * rounds - len(kept) > 0
    assert max(a.record.link_dropped[0]) == a.record.dropped[0]

    send(a.record, numbered(1, 5), 0, 1)
    assert list(receive_all(sleeper).can_id) == [5]  # it is served again once it reads


def test_a_node_that_never_reads_does_not_slow_the_sender(join, numbered):
    a, reader, _ = join("a"), join("reader"), join("sleeper")
    some = numbered(20)

    def send_time_s() -> float:
        took = []
        for _ in range(200):
            began = time.perf_counter()
            send(a.record, some, 0, 20)
            took.append(time.perf_counter() - began)
            receive_all(reader)
        return statistics.median(took)

    send_time_s()
    empty_s = send_time_s()
    while a.record.dropped[0] == 0:
        send_time_s()

    assert send_time_s() < 5 * empty_s + 100e-6


def test_alone_on_a_bus_nothing_is_sent_and_nothing_goes_wrong(join, numbered):
    a = join("a")

    assert send(a.record, numbered(3), 0, 3) == 0

    assert (a.record.dropped[0], a.record.errors[0], a.record.links[0]) == (0, 0, 0)


def test_a_node_that_hears_itself_gets_each_frame_once(join, numbered):
    a, b = join("a"), join("b")
    own = a.hear_itself()

    send(a.record, numbered(2, 10), 0, 2)

    assert list(receive_all(a).can_id) == [10, 11]
    assert a.record.newest[0] == own
    assert list(receive_all(b).can_id) == [10, 11]
    send(b.record, numbered(1, 20), 0, 1)
    assert list(receive_all(a).can_id) == [20]
    assert a.record.newest[0] != own


def test_a_full_table_of_links_refuses_and_recovers(join, numbered):
    port = join("a")
    ends = [raw_end(port) for _ in range(LINKS + 3)]
    receive_all(port)
    receive_all(port)  # as many are taken in at a time as there are links
    assert (port.record.links[0], port.record.refused[0]) == (LINKS, 3)
    assert ends[-1].recv(1) == b""  # it is told

    for end in ends:
        end.close()
    receive_all(port)
    assert port.record.links[0] == 0
    b = join("b")
    send(port.record, numbered(1), 0, 1)
    assert len(receive_all(b)) == 1


def test_a_port_that_only_sends_frees_the_links_of_nodes_that_left(join, numbered):
    port = join("a")
    for _ in range(LINKS + 5):
        with raw_end(port) as end:
            send(port.record, numbered(1), 0, 1)
            assert len(end.recv(100)) == 16

    assert port.record.refused[0] == 0
    assert port.record.links[0] <= LINKS


def test_closing_twice_is_closing_once_and_the_closed_port_is_quiet(join, numbered):
    a = join("a")

    a.close()
    a.close()

    assert not a.path.exists()
    assert len(receive_all(a)) == 0
    assert send(a.record, numbered(1), 0, 1) == 0


def test_a_channel_that_no_frame_can_carry_is_refused(bus):
    with pytest.raises(InputError, match="channel 256 of bus"):
        open_port(bus, "a", 256)


def test_a_port_of_one_socket_and_no_listener_works_the_same(numbered):
    """As a raw CAN socket is: packets, no connection, no end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    port = closed_port(4)
    with select.epoll() as epoll, ours, theirs:
        port.epoll = epoll.fileno()
        add_link(port, ours.fileno(), LIVE)
        theirs.send(struct.pack("=IB3x8s", 0x42, 8, b"12345678"))
        into = frames(3)

        assert receive(port, into, 0, 77) == 1
        assert (into.can_id[0], into.channel[0], into.t_ns[0]) == (0x42, 4, 77)
        assert receive(port, into, 0, 78) == 0
        assert send(port, numbered(2, 5), 0, 2) == 2
        assert [theirs.recv(100)[:4] for _ in range(2)] == [b"\5\0\0\0", b"\6\0\0\0"]
        assert port.errors[0] == 0


@njit
def ping_pong(a, b, out, into, rounds):
    """Send and receive between two ports, many times, without the interpreter."""
    received = 0
    for k in range(rounds):
        out[0].can_id = k & 0x7FF
        send(a, out, 0, 1)
        n = receive(b, into, 0, k)
        if n == 1 and into[0].can_id == k & 0x7FF and into[0].t_ns == k:
            received += send(b, into, 0, n)
        received += receive(a, into, 0, k)
    return received


def test_a_compiled_loop_sends_and_receives(join, numbered):
    a, b = join("a"), join("b")

    assert ping_pong(a.record, b.record, numbered(1), frames(4), 300) == 600


@compiled
@pytest.mark.parametrize("kernel", [receive, send])
def test_the_kernels_allocate_nothing(join, numbered, kernel):
    a = join("a")

    @njit
    def allocating(port, array, start, n):
        return np.zeros(n)[start]

    def allocates(function) -> bool:
        fresh = njit(function.py_func)  # a cached one shows no code
        fresh(a.record, numbered(1), 0, 1)
        text = "".join(fresh.inspect_llvm().values())
        return "NRT_Allocate" in text or "NRT_MemInfo_alloc" in text

    assert allocates(allocating)
    assert not allocates(kernel)
