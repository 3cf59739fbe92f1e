"""Verdicts as documents: JSON for programs, JUnit's XML for whatever shows tests."""

from __future__ import annotations

import json
from pathlib import Path

from junitparser import Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite

from tianyuan.hil.scenario.result import Result


def json_of(results: list[Result]) -> str:
    """What ``tianyuan hil --json`` writes."""
    scenarios = [json.loads(result.model_dump_json()) for result in results]
    summary = {
        "passed": sum(result.verdict == "passed" for result in results),
        "failed": sum(result.verdict in ("failed", "mended") for result in results),
        "known": sum(result.verdict == "known" for result in results),
    }
    return json.dumps({"scenarios": scenarios, "summary": summary}, indent=2) + "\n"


def sentence(result: Result) -> str:
    """Why a result is no plain pass, in words; empty for one that is."""
    if result.verdict == "mended":
        return f"passes now, and was known to fail: {result.known}; remove expect.known"
    told = "; ".join(result.failures)
    return f"{told} (known: {result.known})" if result.verdict == "known" else told


def write_junit(file: Path, results: list[Result]) -> None:
    """One suite, a case each; a known failure is skipped, with its reason."""
    suite = TestSuite("tianyuan hil")
    for result in results:
        case = TestCase(result.name, f"{result.car}.{result.track}", result.driven_s)
        if result.verdict == "known":
            case.result = [Skipped(sentence(result))]
        elif result.verdict != "passed":
            case.result = [Failure(sentence(result), result.reaction)]
        properties = Properties()
        for name in ("seed", "reaction", "cause", "detected_ms", "bound_ms", "max_cross_track_m"):
            properties.add_property(Property(name, f"{getattr(result, name)}"))
        case.append(properties)
        suite.add_testcase(case)
    document = JUnitXml()
    document.add_testsuite(suite)
    document.write(str(file), pretty=True)
