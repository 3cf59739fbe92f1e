"""JSON and JUnit say what the verdicts say."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from tianyuan.hil.scenario.documents import json_of, sentence, write_junit

WEAK = "the emergency stop used 31% of the road's grip"
KEYS = {
    "name", "passed", "reaction", "cause", "detected_ms", "bound_ms", "max_cross_track_m",
}  # fmt: skip


@pytest.fixture
def four(result_of):
    failed = {"passed": False, "failures": [WEAK]}
    return [
        result_of(),
        result_of(name="weak <&>", **failed),
        result_of(name="late", known="no such brake yet", **failed),
        result_of(name="mended", known="no such brake yet"),
    ]


def test_a_failure_that_is_known_is_as_expected_and_a_pass_in_spite_of_it_is_not(four):
    assert [result.verdict for result in four] == ["passed", "failed", "known", "mended"]
    assert [result.as_expected for result in four] == [True, False, True, False]
    assert sentence(four[0]) == ""
    assert sentence(four[2]) == f"{WEAK} (known: no such brake yet)"
    assert "remove expect.known" in sentence(four[3])


def test_the_json_has_the_keys_of_the_design_and_the_counts(four):
    document = json.loads(json_of(four))
    assert all(set(scenario) >= KEYS for scenario in document["scenarios"])
    assert [scenario["name"] for scenario in document["scenarios"]] == [r.name for r in four]
    assert document["summary"] == {"passed": 1, "failed": 2, "known": 1}


def test_a_figure_that_there_is_none_of_is_null(result_of):
    [scenario] = json.loads(json_of([result_of(detected_ms=None)]))["scenarios"]
    assert scenario["detected_ms"] is None


def test_junit_has_a_case_each_failures_with_their_sentence_and_known_ones_skipped(four, tmp_path):
    write_junit(tmp_path / "junit.xml", four)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot().find("testsuite")
    counts = {name: int(suite.get(name)) for name in ("tests", "failures", "skipped", "errors")}
    assert counts == {"tests": 4, "failures": 2, "skipped": 1, "errors": 0}
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [result.name for result in four]
    assert {case.get("classname") for case in cases} == {"tianyuan.oval"}
    assert cases[0].find("failure") is None
    assert cases[0].find("skipped") is None
    assert cases[1].find("failure").get("message") == WEAK
    assert "no such brake yet" in cases[2].find("skipped").get("message")
    assert [p.get("name") for p in cases[0].iter("property")][:2] == ["seed", "reaction"]
