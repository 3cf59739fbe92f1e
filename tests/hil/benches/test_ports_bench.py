"""The bench of the ports measures frames that arrive."""

from __future__ import annotations

import pytest

from tianyuan.hil.benches import ports

pytestmark = [pytest.mark.compiled, pytest.mark.timed]


def test_a_batch_is_cheaper_a_frame_than_single_frames(monkeypatch):
    monkeypatch.setattr(ports, "REPEATS", 200)
    monkeypatch.setattr(ports, "BEST_OF", 2)

    found = ports.measure()

    assert set(found.exchange_us) == set(ports.COUNTS)
    assert min(*found.exchange_us.values(), found.empty_receive_us) > 0
    assert found.links == 3
    assert found.one_way.bins.sum() == ports.STAMPS - ports.STAMPS // 10
