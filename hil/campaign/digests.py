"""Which files a campaign's rows are made of, and one digest of them all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tianyuan import names
from tianyuan.firmware.car_file import load_car
from tianyuan.hil.campaign.tasks import Tasks
from tianyuan.hil.scenario.model import Scenario


def files_of(tasks: Tasks) -> list[Path]:
    """Cars with their DBC files and plants, and circuits, in the order of the campaign."""
    found: list[Path] = []
    usual = Scenario.model_fields
    for car in tasks.values_of("car") or [usual["car"].default]:
        file = names.car_file(car)
        found += [file, names.vehicle_file(car), *load_car(file).dbc_files()]
    found += [
        names.track_file(track) for track in tasks.values_of("track") or [usual["track"].default]
    ]
    return found


def digest_of_files(files: Iterable[Path]) -> str:
    """A digest of what is in the files, not of where they are."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
