"""What a log's replay gave when it was last looked at: kept beside the log, compared each time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import Cause, Mode
from tianyuan.firmware.car_file import Car
from tianyuan.hil.replay.difference import Names
from tianyuan.hil.replay.run import Outcome
from tianyuan.hil.replay.stretch import Played
from tianyuan.hil.whole_file import write_whole

FORMAT: Final = 2
ENDING: Final = ".replay.json"
DRIVING: Final = int(Mode.DRIVING)
PARTS: Final = 10**9
MOST: Final = 1e6  # of a value that is summed: some thousand of them fit into 64 bits


class Result:
    """All that a reference holds of a replay, gathered tick by tick; ``add`` is given each."""

    def __init__(self, car: Car) -> None:
        self._names = Names(car)
        self._digests: dict[tuple[int, int], Any] = {}
        self._counts: dict[tuple[int, int], int] = {}
        self._modes = np.zeros(len(Mode), np.int64)
        self._causes: list[int] = []
        self._sums = dict.fromkeys(("steer2", "off2", "driving", "distance"), 0)
        self._most = dict.fromkeys(("steer", "off", "speed", "throttle", "brake"), 0.0)
        self._laps, self._last_ns = 0, 0

    def add(self, each: Played) -> None:
        """Take in some ticks."""
        self._add_frames(each.made)
        self._add_thoughts(each)

    def _add_frames(self, made: np.ndarray) -> None:
        keys = made["can_id"].astype(np.int64) << 8 | made["channel"]
        for key in np.unique(keys).tolist():
            mine, place = made[keys == key], (key & 0xFF, key >> 8)
            digest = self._digests.setdefault(place, hashlib.blake2b(digest_size=12))
            digest.update(np.ascontiguousarray(mine).tobytes())
            self._counts[place] = self._counts.get(place, 0) + mine.size

    def _add_thoughts(self, each: Played) -> None:
        steer, said, t_ns = each.commands["steer_rad"], each.thoughts, each.recorded.t_ns
        mode, speed = said["mode"].astype(np.int64), np.abs(said["speed_mps"])
        off, driving = np.abs(said["cross_track_m"]), mode == DRIVING
        self._modes += np.bincount(mode, minlength=len(Mode))[: len(Mode)]
        for cause in said["cause"].astype(int).tolist():
            if not self._causes or self._causes[-1] != cause:
                self._causes.append(cause)
        steps_ns = np.diff(t_ns, prepend=self._last_ns or t_ns[0])
        self._sums["distance"] += _total(speed * (steps_ns * 1e-9))
        self._sums["steer2"] += _total(steer[driving] ** 2)
        self._sums["off2"] += _total(off[driving] ** 2)
        self._sums["driving"] += int(driving.sum())
        for name, values in (
            ("steer", np.abs(steer)), ("off", off[driving]), ("speed", speed),
            ("throttle", each.commands["throttle"]), ("brake", each.commands["brake_bar"]),
        ):  # fmt: skip
            self._most[name] = max(self._most[name], float(values.max(initial=0.0)))
        self._laps, self._last_ns = int(said["laps"][-1]), int(t_ns[-1])

    def document(self, outcome: Outcome) -> dict[str, Any]:
        """What is kept: counts and digests of each message sent, and the key figures."""
        driving = max(self._sums["driving"], 1) * PARTS
        return {
            "format": FORMAT,
            "ticks": outcome.ticks,
            "differing_frames": outcome.mismatches,
            "gaps_after_ticks": [gap.tick for gap in outcome.gaps],
            "messages": {
                self._named(place): f"{self._counts[place]} {digest.hexdigest()}"
                for place, digest in sorted(self._digests.items())
            },
            "figures": {
                "driven_s": outcome.seconds,
                "distance_m": self._sums["distance"] / PARTS,
                "laps": self._laps,
                "top_speed_mps": self._most["speed"],
                "rms_cross_track_m": (self._sums["off2"] / driving) ** 0.5,
                "max_cross_track_m": self._most["off"],
                "rms_steer_rad": (self._sums["steer2"] / driving) ** 0.5,
                "max_steer_rad": self._most["steer"],
                "max_throttle": self._most["throttle"],
                "max_brake_bar": self._most["brake"],
                **{f"{mode.name.lower()}_ticks": int(self._modes[mode]) for mode in Mode},
                "causes": " ".join(Cause(cause).name for cause in self._causes),
            },
        }

    def _named(self, place: tuple[int, int]) -> str:
        channel, can_id = place
        probe = np.zeros(1, [("channel", "u1"), ("can_id", "u4")])
        probe["channel"], probe["can_id"] = channel, can_id
        message = self._names.message(probe[0])
        return message.name if message else f"{can_id:X} on {channel}"


def _total(values: np.ndarray) -> int:
    """The sum in billionths: whole numbers, so that it does not depend on how a log is cut up."""
    bounded = np.clip(np.nan_to_num(values), -MOST, MOST)
    return int(np.rint(bounded * PARTS).astype(np.int64).sum())


def reference_file(log: Path) -> Path:
    """The reference's name beside the log."""
    return log.with_name(log.name + ENDING)


def read_reference(log: Path) -> dict[str, Any] | None:
    """The reference of a log, or None; raises InputError for a file that is none."""
    file = reference_file(log)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read: {error}; make it again by --accept") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{file}: no reference of this version; make it again by --accept")
    return found


def write_reference(log: Path, document: Mapping[str, Any]) -> None:
    """Make this the reference of the log; raises InputError where it cannot be written."""
    file = reference_file(log)
    try:
        write_whole(file, json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {error.strerror}") from None


def changes(kept: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs, by dotted key: as kept, and as it is now; None where there is no such key."""
    one, other = _flat(kept), _flat(now)
    return {
        key: (one.get(key), other.get(key))
        for key in dict.fromkeys((*one, *other))
        if one.get(key) != other.get(key)
    }


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in table.items():
        made |= (
            _flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
        )
    return made
