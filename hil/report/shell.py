"""What all pages have around their own part: one HTML file that opens without the internet.

The charting library is carried along, compressed: as published it is 4.8 MB, compressed
and in base64 2.0 MB. The page's own policy forbids every network address, so that nothing
in it, nor in a name it shows, can load from elsewhere.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from plotly.offline import get_plotlyjs

from tianyuan.hil.report.markup import spans
from tianyuan.hil.whole_file import write_whole

HERE: Final = Path(__file__).parent


def write_page(
    file: str | Path, body: str, parts: dict[str, str], *, title: str, subtitle: Iterable[str],
    summary: str, footer: str, figures: dict[str, Any], payload: Any, scripts: Iterable[str],
    styles: Iterable[str] = (),
) -> None:  # fmt: skip
    """Write a page to ``file``, replacing it.

    ``body`` is a file of this folder, and ``parts`` are what its ``$names`` stand for. Title and
    subtitle are escaped here; summary and parts are HTML. ``figures`` are for machines that read
    the page, ``payload`` is what its ``scripts`` draw. Errors: OSError when the file cannot be
    written.
    """
    page = Template(read("shell.html")).substitute(
        title=escape(title),
        subtitle=spans(subtitle),
        style="".join(read(name) for name in ("page.css", *styles)),
        summary=summary,
        body=filled(body, parts),
        footer=footer,
        figures=inert(figures),
        library=library(),
        payload=packed(json.dumps(payload, separators=(",", ":"), allow_nan=False)),
        script="\n".join(read(name) for name in scripts),
    )
    write_whole(Path(file), page)


def lap_parts(focus: str) -> dict[str, str]:
    """Return the parts that all pages of laps have; ``focus`` is before the choice of the first."""
    return {"plan": filled("plan.html", {"focus": focus}), "corners": filled("corners.html", {})}


def filled(name: str, parts: dict[str, str]) -> str:
    """Return a file of this folder, its ``$names`` filled in."""
    return Template(read(name)).substitute(parts).rstrip()


def inert(document: dict[str, Any]) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c")


def packed(text: str) -> str:
    """Return text compressed, in base64."""
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


@cache
def library() -> str:
    """Return the charting library as a page carries it."""
    return packed(get_plotlyjs())


def read(name: str) -> str:
    """Return a file of this folder."""
    return (HERE / name).read_text(encoding="utf-8")
