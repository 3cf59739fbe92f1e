"""The HTML that pages are made of: strips of figures, tables, the key of modes."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tianyuan.control.records import Mode
from tianyuan.hil.report.wording import words


def tiles(figures: Iterable[tuple[str, str, str]]) -> str:
    """Return a strip of figures, each its value, its name and its class, taken literally."""
    return "\n".join(
        f'<div class="tile {kind}"><dd>{escape(value)}</dd><dt>{escape(name)}</dt></div>'
        for value, name, kind in figures
    )


def row(cell: str, values: Iterable[str], kind: str = "", more: str = "") -> str:
    """Return a row of ``th`` or ``td`` cells, its texts taken literally."""
    cells = "".join(f"<{cell}>{escape(value)}</{cell}>" for value in values)
    return f'<tr class="{kind}"{more}>{cells}</tr>' if kind else f"<tr{more}>{cells}</tr>"


def table(head: str, rows: Iterable[str], kind: str = "") -> str:
    """Return a table of rows made by ``row``."""
    return (
        f'<div class="wide"><table class="{kind}"><thead>{head}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def spans(texts: Iterable[str]) -> str:
    """Return those of some texts that are not empty, each an element, taken literally."""
    return "".join(f"<span>{escape(text)}</span>" for text in texts if text)


def mode_key() -> str:
    """Return the key to the colours of the modes."""
    keys = "".join(f'<span><i class="mode{m.value}"></i>{words(m.name)}</span>' for m in Mode)
    return f'<p class="key">{keys}</p>'
