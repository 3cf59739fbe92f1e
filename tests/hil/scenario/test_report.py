"""The page of scenarios: all in one file, every text taken literally, its numbers the verdicts'."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html import escape

import pytest

from tianyuan.hil.report.scenarios import COLUMNS, write_scenarios
from tianyuan.hil.scenario.excerpt import POINTS
from tianyuan.hil.scenario.runner import Outcome

NASTY = "</script><script>alert('§')</script>"


@pytest.fixture
def page(result_of, drawn, tmp_path) -> str:
    failed = result_of(name=NASTY, about=NASTY, passed=False, failures=[NASTY])
    write_scenarios(
        tmp_path / "page.html", [Outcome(result_of(), drawn), Outcome(failed, drawn)], "today", "m"
    )
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def inside(page: str, identifier: str) -> str:
    [found] = re.findall(rf'<script type="[^"]*" id="{identifier}">(.*?)</script>', page, re.DOTALL)
    return found


def test_it_loads_nothing_from_elsewhere(page):
    assert "default-src 'none'" in page
    assert not re.search(r"<(link|img|iframe)\b|src=", page)


def test_a_name_is_never_markup(page):
    assert NASTY not in page
    assert page.count(escape(NASTY)) == 4  # in table, heading, what it is about, and sentence


def test_it_carries_every_verdict_as_it_is(page, result_of):
    [first, second] = json.loads(inside(page, "figures"))["scenarios"]
    assert first == json.loads(result_of().model_dump_json())
    assert second["failures"] == [NASTY]


def test_the_charts_show_the_rows_from_before_the_fault_to_after_it(page, drawn):
    packed = base64.b64decode(inside(page, "payload"))
    [run, _] = json.loads(gzip.decompress(packed))
    assert run["t"][0] == 1000
    assert run["t"][-1] > 8000
    assert len(run["t"]) <= POINTS
    assert set(run["columns"]) == set(COLUMNS)
    speeds = [value / 10 ** run["digits"]["speed"] for value in run["columns"]["speed"]]
    assert speeds[0] == pytest.approx(float(drawn.rows.speed_mps[0]) * 3.6, abs=0.05)
    assert [mode for _, _, mode, _ in run["modes"]] == [2, 4]
    assert run["modes"][1][3] == "Emergency stop: Remote e-stop"
    assert run["modes"][1][0] == pytest.approx(3.0, abs=0.02)
    assert (run["fault"], run["reaction"]) == (3.0, 3.001)
