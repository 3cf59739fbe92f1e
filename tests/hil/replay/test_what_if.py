"""What would have been commanded: by the same values the same, by others what they are for."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.hil.replay.own import OwnLog
from tianyuan.hil.replay.source import Named, changed_source, changes_of, source_of
from tianyuan.hil.replay.what_if import ROW, WhatIf, figures_of, what_if
from tianyuan.hil.report.what_if import POINTS, shown_ticks, write_what_if

compiled = pytest.mark.compiled


@pytest.fixture
def source(log, tmp_path):
    return source_of(log, Named(), tmp_path)


def asked(log, source, *texts, law=None) -> WhatIf:
    other = changed_source(source, changes_of(texts), law)
    return what_if(OwnLog(log).stretches(), source.host(), other.host(), own=True)


@compiled
def test_with_the_same_values_nothing_differs(log, source):
    value = source.car.parameters["stanley"]["k_1ps"]
    figures = figures_of(asked(log, source, f"stanley.k_1ps={value}"))
    assert all(column["ticks"] == 0 for column in figures["columns"].values())
    assert figures["mode_differs_first"] is None


@compiled
def test_a_lower_speed_is_a_lower_target_and_less_throttle(log, source, tmp_path):
    both = asked(log, source, "limits.speed_mps=4.0")
    assert both.was["target_mps"].max() > 5.0
    assert both.would["target_mps"].max() <= 4.0
    assert both.would["throttle"].mean() < both.was["throttle"].mean()
    figures = figures_of(both)
    worst = np.abs(both.would["target_mps"] - both.was["target_mps"]).max()
    assert abs(figures["columns"]["target_mps"]["most"]) == worst
    page = tmp_path / "page.html"
    write_what_if(page, "What if <slow>?", ("a log",), both, figures)
    text = page.read_text()
    assert "What if &lt;slow&gt;?" in text
    (found,) = re.findall(r'id="figures">(.*?)</script>', text, re.S)
    assert json.loads(found)["columns"] == figures["columns"]


@compiled
def test_another_law_steers_otherwise_and_drives_as_fast(log, source):
    figures = figures_of(asked(log, source, law=Controller.PURE_PURSUIT))
    assert figures["columns"]["steer_rad"]["ticks"] > 100


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stanley.k_1sp=2", "k_1sp"),
        ("limits.steer_rate_radps=900", "limits.steer_rate_radps"),
        ("stanley.k_1ps", "KEY=VALUE"),
        ("=3", "KEY=VALUE"),
        ("stanley.k_1ps=fast", "k_1ps"),
        ("buses.car.bitrate=1", "buses"),
    ],
)
def test_what_cannot_be_set_is_told_in_a_line(source, text, said):
    with pytest.raises(InputError) as caught:
        changed_source(source, changes_of([text]))
    assert said in str(caught.value)
    assert "--set" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "/tmp" not in str(caught.value)


@pytest.mark.parametrize("count", [1, 2, POINTS, 10 * POINTS + 3])
def test_the_charts_keep_the_ends_and_the_greatest_difference(count):
    was, would = np.zeros((2, count), ROW)
    peak = count * 2 // 3
    would["steer_rad"][peak] = 0.1
    shown = shown_ticks(WhatIf(np.arange(count) * 2_000_000, was, would))
    assert {0, peak, count - 1} <= set(shown.tolist())
    assert shown.size <= POINTS + 1
