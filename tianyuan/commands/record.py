"""``tianyuan record``: what a host's ring holds, into a log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tianyuan.commands import options
from tianyuan.commands.timing import dropped, tell_aside
from tianyuan.firmware.log_file import copy_card, new_log
from tianyuan.firmware.recorder import record as run_record
from tianyuan.firmware.ring_file import ring_file
from tianyuan.firmware.shared_ring import RingReader


def record(
    log: Annotated[Path, typer.Argument(help="The log to write: .blf, .mf4, .log or .log.gz.")],
    channel: options.Channel = "tianyuan",
    ring: Annotated[
        Path | None, typer.Option("--ring", help="A ring by its file, as that of a dead host.")
    ] = None,
    log_part_mb: options.LogPartMb = options.LOG_PART_MB,
    log_part_s: options.LogPartS = 0.0,
    log_total_mb: options.LogTotalMb = 0.0,
) -> None:
    """Follow a host into a log of your own; of a host that died, keep the last seconds.

    The loop does not notice. A host that is restarted puts the ring of the one that died
    aside, as a file that ends in .dead.
    """
    file = ring or ring_file(channel)
    RingReader(file).close()  # before an older log of this name is gone
    tell_aside(new_log(log))
    copy_card(file, log)
    limits = options.limits_of(log_part_mb, log_part_s, log_total_mb)
    recorded = run_record(file, log, limits=limits)
    typer.echo(
        f"{log}: {recorded.read - recorded.lost} frames; {recorded.lost} had been overwritten"
    )
    if recorded.dropped:
        typer.echo(dropped(recorded.dropped, recorded.parts))
