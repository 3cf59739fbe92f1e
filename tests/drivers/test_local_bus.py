from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import stat
import time
from pathlib import Path

import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import frames
from tianyuan.drivers import local_bus
from tianyuan.drivers.port import open_port, receive, send

NODES = 20


def join_and_greet(bus, number, start, joined, done, results):
    """Join at the same instant as all others, tell each one who we are, and report."""
    start.wait()
    with open_port(bus, f"n{number}") as port:
        joined.wait()
        hello, heard = frames(1), frames(10 * NODES)
        hello.can_id = number
        send(port.record, hello, 0, 1)
        done.wait()  # all greetings are queued
        n = receive(port.record, heard, 0, 1)
        results.put((number, int(port.record.links[0]), sorted(map(int, heard.can_id[:n]))))
        done.wait()


def test_simultaneous_joins_give_each_pair_exactly_one_link(bus, fork):
    context = multiprocessing.get_context("fork")
    barriers = [context.Barrier(NODES) for _ in range(3)]
    results = context.Queue()

    for number in range(NODES):
        fork(join_and_greet, bus, number, *barriers, results)

    for _ in range(NODES):
        number, links, heard = results.get(timeout=30)
        assert links == NODES - 1
        assert heard == [k for k in range(NODES) if k != number]


def send_and_hang(bus, ready):
    port = open_port(bus, "victim")
    hello = frames(5)
    hello.can_id = range(5)
    send(port.record, hello, 0, 5)
    ready.send(str(port.path))
    time.sleep(60)


def test_a_killed_node_is_cleared_away_and_its_frames_are_received(bus, join, fork, numbered):
    survivor = join("survivor")
    ours, theirs = multiprocessing.Pipe()
    victim = fork(send_and_hang, bus, theirs)
    path = Path(ours.recv())

    os.kill(victim.pid, signal.SIGKILL)
    victim.join()

    into = frames(20)
    send(survivor.record, numbered(1), 0, 1)
    assert receive(survivor.record, into, 0, 1) == 5
    assert survivor.record.links[0] == 0
    assert path.exists()
    newcomer = join("newcomer")
    assert not path.exists()
    assert send(survivor.record, numbered(3), 0, 3) == 3
    assert receive(newcomer.record, into, 0, 1) == 3
    assert newcomer.record.links[0] == 1


def test_a_stopped_node_holds_nobody_up(bus, join, fork, numbered):
    a = join("a")
    ours, theirs = multiprocessing.Pipe()
    stopped = fork(send_and_hang, bus, theirs)
    ours.recv()
    os.kill(stopped.pid, signal.SIGSTOP)

    b = join("b")
    into = frames(1000)
    for _ in range(40):
        assert send(a.record, numbered(500), 0, 500) == 500
        assert receive(b.record, into, 0, 1) == 500

    assert a.record.dropped[0] > 0


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nodes_that_come_and_go_leave_nothing_behind(bus, join):
    stays = join("stays")
    into = frames(1)
    before = open_descriptors()
    for _ in range(100):
        with open_port(bus, "goes"):
            receive(stays.record, into, 0, 1)
    receive(stays.record, into, 0, 1)

    assert open_descriptors() == before
    assert [p.name for p in local_bus.bus_directory(bus).iterdir() if p.is_socket()] == [
        stays.path.name
    ]


def test_a_forked_copy_of_a_port_does_not_keep_its_links_open(bus, join, fork):
    a, b = join("a"), join("b")
    into = frames(1)
    receive(a.record, into, 0, 1)
    fork(time.sleep, 60)

    b.close()

    receive(a.record, into, 0, 1)
    assert a.record.links[0] == 0


def test_names_count_up_in_the_order_of_joining(bus, join):
    paths = [join("x").path for _ in range(12)]

    assert paths == sorted(paths)
    assert paths[0].name == f"00000001-{os.getpid()}-x"


def test_a_bus_is_private_to_its_user(bus):
    inside = f"{bus}/new/bus"
    with open_port(inside, "a"):
        assert stat.S_IMODE(Path(inside).stat().st_mode) == 0o700


def test_a_name_means_a_directory_of_this_user(monkeypatch, bus):
    monkeypatch.setenv(local_bus.BUS_DIRECTORY, bus)
    assert local_bus.bus_directory("car") == Path(bus) / "car"
    assert local_bus.buses() == []
    with open_port("car", "a"):
        assert local_bus.buses() == ["car"]

    monkeypatch.delenv(local_bus.BUS_DIRECTORY)
    base = local_bus.base_directory()
    assert str(os.geteuid()) in str(base)
    assert base.parent.exists()
    assert local_bus.bus_directory("car") == base / "car"


def test_a_slash_makes_a_path(monkeypatch, bus):
    monkeypatch.chdir(bus)

    assert local_bus.bus_directory("./x") == Path(bus) / "x"
    assert local_bus.bus_directory("/x/y") == Path("/x/y")


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a b", "a\0b", "a\n"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(InputError, match="not a name; use letters"):
        local_bus.join(name, "a")


@pytest.mark.parametrize("label", ["", "a/b", "x" * 33, "a b", "ä"])
def test_what_is_no_label_is_refused(bus, label):
    with pytest.raises(InputError, match=r"label .*: not 1 to 32 letters"):
        local_bus.join(bus, label)


def refusal(bus: str) -> str:
    with pytest.raises(InputError) as caught:
        local_bus.join(bus, "a")
    text = str(caught.value)
    assert "\n" not in text and str(bus) in text
    return text


def test_a_path_too_long_for_a_socket_is_refused(bus):
    text = refusal(f"{bus}/{'x' * 100}")

    assert "above 107; set TIANYUAN_BUS_DIR to a shorter one" in text


def test_the_longest_path_that_fits_is_taken(bus):
    tail = len(f"/00000001-{os.getpid()}-a")
    with open_port(f"{bus}/{'x' * (107 - tail - len(bus) - 1)}", "a") as port:
        assert len(str(port.path)) == 107


def test_a_directory_that_cannot_be_made_is_refused(bus):
    Path(bus, "file").touch()

    assert "File exists" in refusal(f"{bus}/file")
    assert "Not a directory" in refusal(f"{bus}/file/below")
    assert "set TIANYUAN_BUS_DIR" in refusal("/proc/nothing/here")


def test_a_directory_others_can_write_is_refused(bus):
    Path(bus).chmod(0o777)

    assert "mode 777 lets others write to the bus; run chmod 700" in refusal(bus)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory away, which only root may")
def test_a_directory_of_someone_else_is_refused(bus):
    os.chown(bus, 65534, 65534)

    assert "owned by user 65534, this is user 0" in refusal(bus)


def test_a_lock_that_is_never_given_back_is_refused(bus, monkeypatch):
    monkeypatch.setattr(local_bus, "_LOCK_SECONDS", 0.05)
    with local_bus._lock(Path(bus)):
        assert "locked for over 0.05 s; end the process" in refusal(bus)


def test_other_files_in_the_directory_are_left_alone(bus, join):
    Path(bus, "notes.txt").write_text("mine")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{bus}/other")

    join("a")
    join("b")

    assert Path(bus, "notes.txt").read_text() == "mine"
    assert Path(bus, "other").exists()
