"""Logs decoded into a sink, from beginning to end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tianyuan.control.errors import InputError
from tianyuan.drivers.logs.log import Log
from tianyuan.drivers.logs.notes import Note
from tianyuan.hil.decoding.catalogue import Catalogue
from tianyuan.hil.decoding.decoder import Counts, tables
from tianyuan.hil.decoding.sinks.sink import Sink, reason


class Decoded(NamedTuple):
    """What became of the logs' frames."""

    counts: Counts
    signals: int  # that occurred
    notes: list[tuple[Path, Note]]  # what was wrong with the logs


def decode(
    logs: Sequence[Path],
    catalogue: Catalogue,
    sink: Sink,
    partial: bool = False,
    progress: Callable[[float], None] = lambda done: None,
) -> Decoded:
    """Decode logs, one after the other, in constant memory.

    ``progress`` is told the share done. Raises InputError, also where the sink's disk is full.
    """
    counts, occurred, before = Counts(), dict[str, int](), 0
    try:
        opened = [Log(file) for file in logs]
        size_bytes = max(sum(log.size_bytes for log in opened), 1)
        for log in opened:
            for made in tables(log, catalogue, counts, partial):
                sink.take(made)
                occurred |= {t.stream.name: len(t.stream.layout.columns) for t in made}
                progress((before + log.read_bytes) / size_bytes)
            before += log.size_bytes
        sink.close()
    except OSError as error:
        _drop(sink)
        raise InputError(f"the output cannot be written: {reason(error)}") from None
    except BaseException:
        _drop(sink)
        raise
    notes = [(log.file, note) for log in opened for note in log.notes.all()]
    return Decoded(counts, sum(occurred.values()), notes)


def _drop(sink: Sink) -> None:
    with contextlib.suppress(OSError):  # as it was before
        sink.drop()
