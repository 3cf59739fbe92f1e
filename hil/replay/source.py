"""What a log is replayed with: its run's card, or a car and a circuit that are named."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.host import Host, make_host
from tianyuan.firmware.log_file import card_file
from tianyuan.firmware.racing_line import line_for
from tianyuan.firmware.run_card import Card, read_card, versions
from tianyuan.firmware.run_card import has_card as is_own
from tianyuan.hil.replay.foreign import ForeignLog
from tianyuan.hil.replay.own import OwnLog
from tianyuan.hil.scenario.model import nested

USUAL_HZ: Final = 500


class Named(NamedTuple):
    """What a log without a card needs: a car and a circuit, by name or file, and the rest."""

    car: str | None = None
    track: str | None = None
    line: Path | None = None
    controller: Controller = Controller.STANLEY
    rate_hz: int | None = None  # 500 where nothing is said
    buses: Mapping[str, str] = {}  # the log's channel of a car's bus, by the bus's name


class Source(NamedTuple):
    """What a host is made of, and how the log is parted into ticks."""

    car: Car
    path: np.recarray
    controller: Controller
    period_ns: int
    own: bool  # the log is this host's: what came out is compared
    channels: Mapping[str, int] = {}  # the car's bus of a log's channel
    versions: Mapping[str, str] = {}  # of what recorded it, by name

    def host(self) -> Host:
        """A host that has seen nothing yet."""
        return make_host(self.car, self.path, self.controller, self.period_ns)

    def read(self, log: Path) -> OwnLog | ForeignLog:
        """The log, to be read from its beginning. Raises InputError."""
        if self.own:
            return OwnLog(log)
        return ForeignLog(log, self.period_ns, len(self.car.buses), self.channels)


def other_versions(source: Source) -> str:
    """Where a log was recorded with other versions than these, in words; else nothing."""
    now = versions()
    told = [
        f"{name} {then}, now {now[name]}"
        for name, then in source.versions.items()
        if name in now and now[name] != then
    ]
    return f"recorded with {'; '.join(told)}" if told else ""


def source_of(log: Path, named: Named, folder: Path) -> Source:
    """By the log's card where it has one, else by what is named; raises InputError.

    The card's files are unpacked into ``folder``, which must outlive the source.
    """
    own = is_own(log)
    if own:
        _refuse_all(log, named)
    if own or named.car is None or named.track is None:
        card = _card_of(log, named, folder)
        period_ns = 1_000_000_000 // card.rate_hz
        return Source(card.car, card.path, card.controller, period_ns, True, versions=card.versions)
    car = load_car(names.car_file(named.car))
    path = line_for(car, names.track_file(named.track), named.line)
    period_ns = 1_000_000_000 // (named.rate_hz or USUAL_HZ)
    return Source(car, path, named.controller, period_ns, False, _channels(car, named.buses))


def _refuse_all(log: Path, named: Named) -> None:
    """Raise InputError for what is named of a log whose card says it."""
    said = {"--car": named.car, "--track": named.track, "--line": named.line,
            "--rate": named.rate_hz, "--bus": named.buses}  # fmt: skip
    for option, value in said.items():
        if value:
            raise InputError(
                f"{option}: {log} has its run's card, which says it; ask what would have been "
                "with --set"
            )


def has_card(log: Path) -> bool:
    """Whether a log has its run's card, beside it or inside, and it can be read."""
    with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder, suppress(InputError):
        read_card(log, Path(folder))
        return True
    return False


def _card_of(log: Path, named: Named, folder: Path) -> Card:
    try:
        return read_card(log, folder)
    except InputError:
        if card_file(log).exists() or not log.exists():
            raise
        missing = "--track" if named.car is not None else "--car and --track"
        raise InputError(
            f"{card_file(log)}: no such file; a replay needs the card of its run, or {missing} "
            "for another host's log"
        ) from None


def _channels(car: Car, buses: Mapping[str, str]) -> dict[str, int]:
    order = list(car.buses)
    for bus in buses:
        if bus not in order:
            raise InputError(f"--bus {bus}: {car.file} has no such bus; it has {', '.join(order)}")
    return {channel: order.index(bus) for bus, channel in buses.items()}


def changes_of(texts: Sequence[str]) -> dict[str, Any]:
    """What ``--set KEY=VALUE`` says, as tables of a car's file; raises InputError."""
    changes = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (equals and key.strip() and value.strip()):
            raise InputError(f"--set {text}: not KEY=VALUE, as stanley.k_1ps=2.5")
        changes[key.strip()] = _value_of(value.strip())
    return nested(changes)


def _value_of(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def changed_source(
    source: Source, changes: Mapping[str, Any], controller: Controller | None = None
) -> Source:
    """The source with other values in its car's file, or another law; raises InputError."""
    if "buses" in changes:
        raise InputError("--set buses: a log has the buses that it has")
    try:
        car = load_car(source.car.file, changes)
    except InputError as error:
        told = str(error).removeprefix(f"{source.car.file}: ")
        raise InputError(f"--set {told}") from None
    law = source.controller if controller is None else controller
    return source._replace(car=car.model_copy(update={"buses": source.car.buses}), controller=law)
