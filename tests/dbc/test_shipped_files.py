"""The shipped DBC files say what the published ones do, and each other."""

from __future__ import annotations

import pytest

from tianyuan import room
from tianyuan.dbc.read import read

PUBLISHED = {
    "indy": "iac/CAN1-INDY-V14.dbc",
    "ads-dv": "fs_ai/ADSDV_2021_VCU_AI_interface_v2.dbc",
}


def facts(signal) -> tuple:
    """Where a signal is and what it means; not who listens, nor what is written about it."""
    conversion = signal.conversion
    return (
        signal.name, signal.start, signal.length, signal.byte_order, signal.is_signed,
        conversion.is_float, conversion.scale, conversion.offset, signal.minimum, signal.maximum,
        signal.unit, signal.is_multiplexer, signal.multiplexer_ids,
    )  # fmt: skip


def named(choices) -> dict[int, str]:
    return {raw: str(name) for raw, name in (choices or {}).items()}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_message_is_the_published_one(shared_data, name):
    published = read(shared_data / "dbc" / PUBLISHED[name])
    for ours in read(room("dbc") / f"{name}.dbc").messages:
        theirs = published.get_message_by_name(ours.name)
        assert (ours.frame_id, ours.length) == (theirs.frame_id, theirs.length), ours.name
        assert ours.is_extended_frame == theirs.is_extended_frame, ours.name
        assert ours.cycle_time == theirs.cycle_time, ours.name
        for signal in ours.signals:
            other = theirs.get_signal_by_name(signal.name)
            assert facts(signal) == facts(other), f"{ours.name}.{signal.name}"
            # Values that the published file names, too, are named alike.
            if other.choices:
                assert named(signal.choices) == named(other.choices)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_message_that_the_host_sends_is_whole(shared_data, name):
    """A signal left out would be sent as zero without anybody's having said so."""
    published = read(shared_data / "dbc" / PUBLISHED[name])
    sent = [each for each in read(room("dbc") / f"{name}.dbc").messages if "Host" in each.senders]
    assert sent
    for ours in sent:
        theirs = published.get_message_by_name(ours.name)
        assert {s.name for s in ours.signals} == {s.name for s in theirs.signals}, ours.name


def test_what_we_bring_along_is_what_our_own_car_has():
    own = {message.name: message for message in read(room("dbc") / "tianyuan.dbc").messages}
    for ours in read(room("dbc") / "onboard.dbc").messages:
        same = own[ours.name]
        assert (ours.frame_id, ours.length) == (same.frame_id, same.length)
        assert ours.cycle_time == same.cycle_time
        assert [facts(signal) for signal in ours.signals] == [facts(each) for each in same.signals]
        assert [named(s.choices) for s in ours.signals] == [named(s.choices) for s in same.signals]
