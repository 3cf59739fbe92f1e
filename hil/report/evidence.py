"""The parts of the page that only a log fills: events, what is missing, messages on the buses."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from tianyuan.hil.analysis.events import Event
from tianyuan.hil.report.markup import row, table
from tianyuan.hil.report.run import Evidence, Traffic
from tianyuan.hil.report.wording import number

MOST_EVENTS: Final = 300  # a fault that flickers must not drown the page
MOST_SENTENCES: Final = 50


def sections(evidence: Evidence) -> str:
    """Return the sections, each with a heading."""
    parts = {
        "Events": _events(evidence.events),
        "The log itself": _sentences([*evidence.gaps, *evidence.notes]),
        "Messages": _traffic(evidence.traffic),
    }
    places = ("events", "log", "messages")
    return "\n".join(
        f'<section id="{place}"><h2>{heading}</h2>{text}</section>'
        for place, (heading, text) in zip(places, parts.items(), strict=True)
    )


def _events(events: Sequence[Event]) -> str:
    if not events:
        return '<p class="none">No fault, no flag, no permit: nothing beside the modes.</p>'
    shown = list(events)
    if len(events) > MOST_EVENTS:  # deadlines missed are counted at the head, too
        shown = [event for event in events if not event.late][:MOST_EVENTS]
    rows = [
        row("td", [f"{event.t_s:.2f}", event.what], "grave" if event.grave else "")
        for event in shown
    ]
    return table(row("th", ["At, s", "Event"]), rows, "events") + _more(events, len(shown))


def _sentences(found: Sequence[str]) -> str:
    if not found:
        return '<p class="none">Whole: no tick is missing, and every frame could be read.</p>'
    lines = "".join(f"<li>{escape(each)}</li>" for each in found[:MOST_SENTENCES])
    return f"<ul>{lines}</ul>" + _more(found, MOST_SENTENCES)


def _traffic(traffic: Sequence[Traffic]) -> str:
    rows = [
        row("td", [
            each.bus, each.name, "host" if each.sent else "car", f"{each.frames:,}",
            number(each.mean_ms, 2), number(each.silent_ms, 1),
        ])
        for each in traffic
    ]  # fmt: skip
    head = ["Bus", "Message", "By", "Frames", "Every, ms", "Silent at most, ms"]
    return table(row("th", head), rows, "traffic")


def _more(found: Sequence[object], most: int) -> str:
    left_out = len(found) - most
    return f'<p class="note">and {left_out:,} more</p>' if left_out > 0 else ""
