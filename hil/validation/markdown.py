"""The validation's tables as Markdown, as ``docs/plant.md`` holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tianyuan.hil.validation import document as d


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One pipe table; numbers to the right."""
    ruler = ["---" if k < 2 else "---:" for k in range(len(head))]
    lines = [head, ruler, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown(document: Mapping[str, Any]) -> str:
    """Both tables, each with its notes below."""
    theory, peer, reasons = document["theory"], document["peer"], document["reasons"]
    parts = [
        f"### Against theory: {document['vehicle']}",
        table(d.THEORY_HEAD, d.theory_cells(theory)),
        "\n".join(f"{k}. {note}" for k, note in enumerate(d.theory_notes(theory), 1)),
    ]
    if peer is not None:
        parts += [
            "### Against the peer's models",
            d.PEER_INTRODUCTION,
            table(d.PEER_HEAD, d.peer_cells(peer, reasons)),
            "\n".join(
                f"- **{d.letters([name], reasons)}**, {name}: {sentence}"
                for name, sentence in reasons.items()
            ),
        ]
    return "\n\n".join(parts) + "\n"
