"""The catalogue against the list it was made from, and what an entry refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from tianyuan.hil.faults.catalogue import BY_NAME, FAULTS
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.fault import Expected, Fault, Layer, Parameter, Reaction

ROW = re.compile(r"^\| (\d{1,2}) \| (.+?) \| (.+?) \|$", re.MULTILINE)
IN_WORDS = {  # rows whose reaction is told in words there
    15: {Reaction.IGN, Reaction.CS}, 14: {Reaction.IGN, Reaction.ES}, 16: {Reaction.NONE},
    21: {Reaction.IGN}, 23: {Reaction.NONE}, 24: {Reaction.ES}, 25: {Reaction.NONE},
    28: {Reaction.NONE}, 29: {Reaction.NONE}, 30: {Reaction.NONE}, 31: {Reaction.NONE},
    32: {Reaction.NONE}, 33: {Reaction.NONE}, 34: {Reaction.ES}, 35: {Reaction.ES},
    10: {Reaction.DEG}, 50: {Reaction.ES}, 52: {Reaction.IGN}, 53: {Reaction.ES},
    56: {Reaction.CS}, 58: {Reaction.CS}, 60: {Reaction.CS}, 64: {Reaction.IGN},
    67: {Reaction.NONE},
}  # fmt: skip


def list_of(shared_data: Path) -> str:
    return (shared_data.parent / "FAULTS.md").read_text()


def bounded(fault: Fault) -> list[Expected]:
    return [each for each in fault.expected if each.bound is not None]


def in_words(expected: Expected) -> str:
    """How the list may write a reaction's bound, as a pattern."""
    bound, unit = expected.bound, expected.unit
    if unit == "ms":
        return rf"\b({bound:g} ms|{bound / 1000:g} s)\b"
    return rf"\b{unit}\b" if bound == 1 else rf"\b{bound:g}{unit}\b"


def test_every_row_is_there_once_in_order_and_by_a_name_of_its_own():
    assert [fault.number for fault in FAULTS] == list(range(1, 68))
    assert len(BY_NAME) == 67


def test_every_row_expects_the_reactions_and_bounds_that_the_list_does(shared_data):
    rows = {int(row[0]): row[2] for row in ROW.findall(list_of(shared_data))}
    assert len(rows) == 67
    for fault in FAULTS:
        told = rows[fault.number]
        if told.startswith("as "):
            told = rows[int(told.removeprefix("as "))]
        named = {Reaction(word) for word in re.findall(r"\b(IGN|DEG|CS|ES|REF)\b", told)}
        expected = {each.reaction for each in fault.expected}
        assert expected == IN_WORDS.get(fault.number, named), fault
        assert all(re.search(in_words(each), told) for each in bounded(fault)), fault


def test_every_row_can_be_injected_somewhere():
    assert all(fault.virtual or fault.realtime for fault in FAULTS)
    only_there = {Layer.PROCESS, Layer.INTERFACE}
    assert not any(fault.virtual in only_there for fault in FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_an_entry_needs_a_name_alone_and_has_every_parameter_within_its_bounds(fault):
    entry = FaultEntry(fault=fault.name)
    for parameter in fault.parameters:
        value = entry.parameters[parameter.name]
        assert FaultEntry.model_validate({"fault": fault.name, parameter.name: value})
        if parameter.kind == "number":
            assert parameter.low < parameter.high
            assert parameter.low <= value <= parameter.high
            beyond = {"fault": fault.name, parameter.name: parameter.high * 2 + 1}
            with pytest.raises(ValidationError, match=f"{parameter.name} = .* not from"):
                FaultEntry.model_validate(beyond)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"fault": "postion_lost"}, "did you mean position_lost"),
        ({"fault": "position_jump", "ofset_m": 2.0}, "did you mean offset_m"),
        ({"fault": "position_jump", "offset_m": "far"}, "not a number"),
        ({"fault": "position_jump", "offset_m": True}, "not a number"),
        ({"fault": "wheel_speed_stuck", "wheel": "front"}, "one of fl, fr, rl, rr"),
        ({"fault": "implausible_value", "channel": "gnss_x"}, "did you mean gnss_x_m"),
        ({"fault": "bus_off", "at": {"time_s": 1, "speed_mps": 2}}, "give one of"),
        ({"fault": "bus_off", "at": {}}, "nothing given"),
        ({"fault": "bus_off", "at": {"time_s": 1, "lap": 2}}, "lap without station_m"),
        ({"fault": "bus_off", "at": {"station": 1}}, "station"),
        ({"fault": "bus_off", "for_s": 0}, "greater than 0"),
        ({"fault": "host_killed", "for_s": 1}, "cannot be taken back"),
        ({"fault": "line_nan", "at": {"time_s": 1}}, "before the run"),
        ({"fault": "bus_off", "at": {"time_s": float("nan")}}, "finite"),
    ],
)
def test_an_entry_that_cannot_be_is_refused_by_name(document, said):
    with pytest.raises(ValidationError, match=said):
        FaultEntry.model_validate(document)


def parameter(told: Parameter) -> str:
    if told.kind == "choice":
        return f"`{told.name}`: {', '.join(told.choices)}"
    default = f"{told.default:g}" if told.kind == "number" else told.default
    return f"`{told.name}` = {default}"


def reaction(expected: Expected) -> str:
    if not expected.bound:
        return expected.reaction.value
    space = " " if expected.unit == "ms" else ""
    return f"{expected.reaction.value} {expected.bound:g}{space}{expected.unit}"


def test_the_documentation_has_every_row_as_it_is():
    text = (Path(__file__).parents[3] / "docs" / "faults.md").read_text()
    for fault in FAULTS:
        cells = (
            str(fault.number), f"`{fault.name}`", ", ".join(map(reaction, fault.expected)),
            fault.virtual or "–", fault.realtime or "–",
            "; ".join(map(parameter, fault.parameters)),
        )  # fmt: skip
        assert f"| {' | '.join(cells)} |" in text, fault
