"""MCAP for Foxglove: a topic a message, as JSON with a schema that has the units.

Of our own logs the host's position is also what Foxglove's panels draw by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mcap.writer import CompressionType, Writer

from tianyuan.hil.decoding.decoder import Table
from tianyuan.hil.decoding.layout import Column
from tianyuan.hil.decoding.sinks import foxglove
from tianyuan.hil.decoding.sinks.arrays import column_of, masked, texts_of
from tianyuan.hil.decoding.sinks.sink import Told


class McapFile:
    """One file, whose messages are in the log's order."""

    def __init__(self, file: Path, told: Told) -> None:
        self._told = told
        self._file = file.open("wb")
        self._writer = Writer(self._file, compression=CompressionType.ZSTD, enable_data_crcs=True)
        self._writer.start(profile="", library="tianyuan")
        self._channels: dict[str, int] = {}
        self._poses = foxglove.Poses(told.frame)

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""
        said: list[tuple[int, int, int, bytes]] = []
        for table in tables:
            channel = self._channel(f"/{table.stream.name}", *_schema(table, self._told))
            said += zip(
                table.places.tolist(),
                [channel] * table.t_ns.size,
                np.maximum(table.t_ns, 0).tolist(),
                _objects(table, self._told),
                strict=True,
            )
        for place, t_ns, topic, schema, document in self._poses.of(tables):
            channel = self._channel(topic, schema, foxglove.SCHEMAS[schema])
            said.append((place, channel, max(t_ns, 0), json.dumps(document).encode()))
        for _, channel, t_ns, content in sorted(said, key=lambda each: each[0]):
            self._writer.add_message(channel, t_ns, content, t_ns)

    def close(self) -> None:
        """Write the file's index and end."""
        self._writer.finish()
        self._file.close()

    def drop(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _channel(self, topic: str, name: str, schema: dict[str, Any]) -> int:
        if topic not in self._channels:
            known = self._writer.register_schema(name, "jsonschema", json.dumps(schema).encode())
            self._channels[topic] = self._writer.register_channel(topic, "json", known)
        return self._channels[topic]


def _schema(table: Table, told: Told) -> tuple[str, dict[str, Any]]:
    """The schema's name, and the schema."""
    properties = {}
    for column in table.stream.layout.columns:
        text = told.texts and bool(column.texts)
        # One word: of a list of types, as JSON Schema allows, Foxglove refuses the whole topic.
        kind = "string" if text else "number"
        properties[column.name] = {"type": kind, "description": column.unit}
    return table.stream.name, {"type": "object", "properties": properties}


def _objects(table: Table, told: Told) -> Iterator[bytes]:
    """Each frame as JSON, without the signals that it lacks or that are no numbers, as NaN is."""
    columns = table.stream.layout.columns
    if not columns:
        yield from [b"{}"] * table.t_ns.size
        return
    members = [_members(column, table, at, told) for at, column in enumerate(columns)]
    for row in zip(*members, strict=True):
        yield f"{{{','.join(member for member in row if member)}}}".encode()


def _members(column: Column, table: Table, at: int, told: Told) -> list[str]:
    """A column's members of the objects; empty where a frame lacks it, or JSON a number for it."""
    mask = masked(table, at)
    name = json.dumps(column.name)
    if told.texts and column.texts:
        words = texts_of(column, column_of(column, table.words[at], None)).to_pylist()
        members = [f"{name}:{json.dumps(word)}" for word in words]
    else:
        numbers = table.words[at].view(column.kind)
        members = [f"{name}:{number!r}" for number in numbers.tolist()]
        for k in np.flatnonzero(~np.isfinite(numbers)).tolist():
            members[k] = ""
    if mask is not None:
        for k in np.flatnonzero(mask).tolist():
            members[k] = ""
    return members
