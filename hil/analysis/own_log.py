"""A log of `tianyuan drive`, read once: telemetry, timing, messages, events, what is missing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES, COMMAND_NAMES, Mode
from tianyuan.dbc.codec import Status
from tianyuan.dbc.frame import EXTENDED, TX
from tianyuan.dbc.read import read
from tianyuan.drivers.logs.log import Log
from tianyuan.drivers.logs.notes import Note
from tianyuan.firmware.accounting import Accounts
from tianyuan.firmware.car_file import Car, params_of
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.host_record import GAP_ID, HOST_CHANNEL, SIGNALS, TICK_ID
from tianyuan.firmware.log_file import card_file, ending_of, missing_parts, parts
from tianyuan.firmware.run_card import Card, read_card
from tianyuan.hil.analysis.events import Event, events
from tianyuan.hil.analysis.hearing import Codecs, Hearing, Rows, codecs_of, hear, hearing, rows
from tianyuan.hil.analysis.margins import margins_m
from tianyuan.hil.analysis.messages import Census, Heard
from tianyuan.hil.laps import BLIND_S
from tianyuan.hil.telemetry import TELEMETRY
from tianyuan.rooms import room

TIMING: Final = "HOST_TIMING"
BEGUN: Final = 2  # a car that drives in a row before this drove before the log began
TOLD: Final = 5  # rows in which the host has told all its figures
SILENT_NS: Final = 50_000_000  # of ticks, or FEW of them: what the loop skips is shorter, and
FEW: Final = 5  # it counts that itself


class Gap(NamedTuple):
    """Where the log lacks ticks, or says itself that it lacks frames."""

    t_s: float
    missing_s: float
    lost_frames: int  # that the log says, 0 where it does not


class Refused(NamedTuple):
    """Frames of a message that could not be decoded, and why, if its last one is among them."""

    message: str
    frames: int
    why: str


@dataclass(frozen=True)
class OwnLog:
    """All that a report tells of a drive."""

    file: Path
    car: Car
    path: np.recarray
    controller: str
    rate_hz: int
    began_ns: int  # by the log's clock, as a rule since 1970
    ticks: int
    telemetry: np.ndarray  # TELEMETRY; the errors by the host's own estimate
    timing: Accounts
    overruns: int
    messages: list[Heard]
    names: dict[tuple[int, int], str]  # of messages, by channel and identifier
    buses: list[str]  # names of the channels
    refused: list[Refused]
    events: list[Event]
    gaps: list[Gap]
    notes: list[Note]


def is_own(log: Path) -> bool:
    """Whether a log has a card beside it or in it, as those of `tianyuan drive` have."""
    if card_file(log).exists() or ending_of(log) != ".mf4":
        return card_file(log).exists()
    from tianyuan.firmware.recording.mf4 import card_in  # noqa: PLC0415 (asammdf takes 0.5 s)

    return card_in(parts(log)[0]) is not None


def read_own(log: Path, progress: Callable[[float], None] | None = None) -> OwnLog:
    """Read a log of `tianyuan drive` in all its parts; ``progress`` takes the share done.

    Raises InputError where it, or its card, is none.
    """
    with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder:
        card = read_card(log, Path(folder))
        codecs, messages = codecs_of(card.car)
        names = _names(card.car)
    reading = _Reading(card, codecs, messages)
    for frames in _blocks(log, reading, progress):
        reading.take(frames)
    if not reading.ticks:
        raise InputError(f"{log}: holds no tick of ours; record it with `tianyuan drive --log`")
    return reading.result(log, names)


def _names(car: Car) -> dict[tuple[int, int], str]:
    found = {}
    messages = messages_of(car)
    for name, message in messages.named.items():
        flag = EXTENDED if message.is_extended_frame else 0
        found[messages.channels[name], message.frame_id | flag] = name
    for message in read(room("dbc") / "host.dbc").messages:
        found[HOST_CHANNEL, message.frame_id] = message.name
    return found


def _blocks(
    log: Path, reading: _Reading, progress: Callable[[float], None] | None
) -> Iterator[np.recarray]:
    files = parts(log)
    if files[0] != log:
        reading.tell("oldest parts dropped", f"the log begins with {files[0].name}")
    for gone in missing_parts(log):
        reading.tell("part that is missing", gone.name)
    for number, file in enumerate(files):
        reading.begin_part()
        try:
            source = Log(file)
            for frames in source.blocks():
                yield frames
                if progress is not None:
                    share = source.read_bytes / max(source.size_bytes, 1)
                    progress((number + min(share, 1.0)) / len(files))
        except InputError as error:  # as of a part that was begun when the power went
            if len(files) == 1:
                raise
            reading.tell("part that cannot be read", str(error))
            continue
        for note in source.notes.all():
            reading.tell(note.kind, f"{file.name}, {note.first}", note.times)


class _Reading:
    """What is gathered while the blocks go by."""

    def __init__(self, card: Card, codecs: Codecs, messages: dict[str, tuple[str, ...]]) -> None:
        self._card, self._codecs, self._messages = card, codecs, messages
        self._timing_message = messages["host"].index(TIMING)
        self._heard: Hearing = hearing(codecs)
        self._census = Census()
        self._rows = list[Rows]()
        self._gaps = list[tuple[int, int, int]]()  # before which time, how long, frames lost
        self._offset_ns: int | None = None  # of the log's clock to the ticks'
        self._seeking = False
        self._last_ns = 0
        self._first_ns = 0
        self.ticks = 0
        self.notes = list[Note]()

    def tell(self, kind: str, first: str, times: int = 1) -> None:
        """Note what is wrong with the files."""
        self.notes.append(Note(kind, times, first))

    def begin_part(self) -> None:
        """A further part may begin with ticks that the one before it had."""
        self._seeking = True

    def take(self, frames: np.recarray) -> None:
        """One block, in the order of the log."""
        frames, places, t_ns = self._fresh(frames, *_markers(frames))
        self._census.add(frames)
        if self._offset_ns is None and len(places):
            self._offset_ns = int(frames.t_ns[places[0]] - t_ns[0])
            self._first_ns = int(t_ns[0])
        self._find_gaps(frames, t_ns)
        space = rows(len(places))
        written = hear(self._codecs, self._heard, self._timing_message, frames, space)
        self._rows.append(Rows(*(column[:written].copy() for column in space)))
        self.ticks += len(places)
        self._last_ns = int(t_ns[-1]) if len(places) else self._last_ns

    def _fresh(
        self, frames: np.recarray, places: np.ndarray, t_ns: np.ndarray
    ) -> tuple[np.recarray, np.ndarray, np.ndarray]:
        """A block without the ticks that were there before."""
        if not self._seeking or not len(places):
            return frames, places, t_ns
        old = int(np.searchsorted(t_ns, self._last_ns, "right"))
        self._seeking = old == len(places)
        begin = int(places[old - 1]) + 1 if old else 0
        return frames[begin:].view(np.recarray), places[old:] - begin, t_ns[old:]

    def _find_gaps(self, frames: np.recarray, t_ns: np.ndarray) -> None:
        silent_ns = max(SILENT_NS, FEW * 1_000_000_000 // self._card.rate_hz)
        before = np.concatenate([[self._last_ns or t_ns[0]], t_ns[:-1]]) if len(t_ns) else t_ns
        for k in np.flatnonzero(t_ns - before > silent_ns):
            self._gaps.append((int(before[k]), int(t_ns[k] - before[k]), 0))
        told = np.flatnonzero((frames.channel == HOST_CHANNEL) & (frames.can_id == GAP_ID))
        for k in told:
            lost = int.from_bytes(frames.payload[k][:4].tobytes(), "little")
            at_ns = int(frames.t_ns[k]) - (self._offset_ns or 0)
            self._gaps.append((at_ns, 0, lost))

    def result(self, file: Path, names: dict[tuple[int, int], str]) -> OwnLog:
        """All of it, once the last block is in."""
        card = self._card
        whole = Rows(*(np.concatenate(column) for column in zip(*self._rows, strict=True)))
        t_s = (whole.t_ns - self._first_ns) * 1e-9
        overruns = whole.host[:, list(SIGNALS).index("overruns")]
        return OwnLog(
            file, card.car, card.path, card.controller.name.lower().replace("_", "-"),
            card.rate_hz, self._first_ns + (self._offset_ns or 0), self.ticks,
            telemetry_of(whole, t_s, card), self._heard.timing,
            int(np.nanmax(overruns, initial=0)), self._census.all(), names,
            [*card.car.buses], self._refused(), events(whole, t_s),
            [Gap((at - self._first_ns) * 1e-9, long * 1e-9, lost)
             for at, long, lost in sorted(self._gaps)], self.notes,
        )  # fmt: skip

    def _refused(self) -> list[Refused]:
        found = []
        for of, received in zip(("sensors", "commands", "host"), self._heard.received, strict=True):
            for name, record in zip(self._messages[of], received, strict=True):
                if record.errors:
                    last = Status(int(record.status))
                    why = "" if last == Status.OK else last.name.lower().replace("_", " ")
                    found.append(Refused(name, int(record.errors), why))
        return found


def _markers(frames: np.recarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of the ticks' markers in a block, and their times."""
    is_marker = (
        (frames.can_id == TICK_ID) & (frames.channel == HOST_CHANNEL) & (frames.reserved == TX)
    )
    places = np.flatnonzero(is_marker)
    payload = np.ascontiguousarray(frames.payload[places][:, :8])
    return places, payload.view("<i8").reshape(-1).astype(np.int64)


def telemetry_of(heard: Rows, t_s: np.ndarray, card: Card) -> np.ndarray:
    """TELEMETRY of a log's rows, with what nobody measured as NaN."""
    made = np.zeros(len(t_s), TELEMETRY)
    sensors = {name: heard.sensors[:, k] for k, name in enumerate(CHANNEL_NAMES)}
    commands = {name: heard.commands[:, k] for k, name in enumerate(COMMAND_NAMES)}
    host = {name: heard.host[:, k] for k, name in enumerate(SIGNALS)}
    made["t_s"] = t_s
    for name in ("station_m", "x_m", "y_m", "heading_rad", "speed_mps", "target_mps",
                 "cross_track_m", "heading_error_rad"):  # fmt: skip
        made[name] = host[name]
    for name in ("steer_rad", "throttle", "gear", "engine_speed_radps"):
        made[name] = sensors[name]
    made["ax_mps2"], made["ay_mps2"] = sensors["imu_ax_mps2"], sensors["imu_ay_mps2"]
    made["brake_bar"] = sensors["brake_front_bar"]
    made["steer_command_rad"] = commands["steer_rad"]
    made["throttle_command"] = commands["throttle"]
    made["brake_command_bar"] = commands["brake_bar"]
    made["mode"] = np.nan_to_num(host["mode"])
    made["cause"] = np.nan_to_num(host["cause"])
    made["position_error_m"] = np.nan
    params = params_of(card.car, card.controller, 1.0 / card.rate_hz)
    made["edge_margin_m"] = margins_m(card.path, params, made)
    length_m = float(card.path.s_m[-1])
    made["lap"] = lap_numbers(t_s, made["station_m"], made["mode"], host["laps"], length_m)
    return made


def lap_numbers(
    t_s: np.ndarray,
    station_m: np.ndarray,
    mode: np.ndarray,
    host_laps: np.ndarray,
    length_m: float,
) -> np.ndarray:
    """The lap of each row, counted as the rig's race control counts: 1 once the car drives.

    A log that begins with a driving car begins with the lap that the host had come to, or, if
    this is the first, with lap 0, for nobody knows when that was begun. Where rows are missing,
    the host has counted.
    """
    driving = np.flatnonzero(mode == Mode.DRIVING)
    if not len(driving):
        return np.zeros(len(station_m), np.int64)
    known = np.flatnonzero(np.isfinite(station_m))
    share = station_m[known] / length_m
    forward = (share[:-1] > 0.75) & (share[1:] < 0.25)
    backward = (share[:-1] < 0.25) & (share[1:] > 0.75)
    steps = np.zeros(len(station_m), np.int64)
    steps[known[1:]] = forward.astype(np.int64) - backward
    counted = np.nan_to_num(host_laps).astype(np.int64)
    for row in np.flatnonzero(np.diff(t_s, prepend=t_s[:1]) > BLIND_S).tolist():
        told = min(row + TOLD, len(t_s) - 1)
        steps[row : told + 1] = 0
        steps[row] = counted[told] - counted[row - 1]
    before = int(np.nan_to_num(host_laps[driving[0]]))
    steps[: driving[0] + 1] = 0
    steps[driving[0]] = 1 + (before if driving[0] < BEGUN else 0)
    laps = np.maximum(np.cumsum(steps), 0)
    return np.where(laps == 1, 0, laps) if driving[0] < BEGUN else laps
