"""A terminal's Ctrl-C reaches all of its processes; ours answer it once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from tianyuan.hil.spawned import deaf_to_interrupts


@pytest.fixture(autouse=True)
def heard():
    """Have SIGINT raise; a shell has what it starts in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_what_is_spawned_inside_bears_an_interrupt_even_while_it_imports():
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60.0,))
    with deaf_to_interrupts():
        process.start()
    try:
        os.kill(process.pid, signal.SIGINT)
        process.join(1.0)
        assert process.is_alive()
    finally:
        process.terminate()
        process.join()


def test_here_it_is_not_lost():
    with pytest.raises(KeyboardInterrupt), deaf_to_interrupts():
        os.kill(os.getpid(), signal.SIGINT)
