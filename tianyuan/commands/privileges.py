"""What the system refused a real-time thread."""

from __future__ import annotations

from rich.console import Console

from tianyuan.drivers.realtime import Step


def print_privileges(steps: list[Step]) -> None:
    """What the system refused, each with its remedy; nothing where all was granted."""
    console = Console(stderr=True, soft_wrap=True)  # one line each, however long
    for step in steps:
        if not step.ok:
            console.print(
                f"not granted: {step.name}: found {step.found}, wanted {step.wanted}; {step.remedy}"
            )
