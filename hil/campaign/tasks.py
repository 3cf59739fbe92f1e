"""From a campaign to its rows: which scenario, seed and parameters row N has."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.hil.campaign.design import cube
from tianyuan.hil.campaign.model import Campaign

FILES: Final = ("car", "track")  # keys whose values may name files


class Task(NamedTuple):
    """One run: ``document`` is a scenario's, with the parameters put in; rows begin at 1."""

    row: int
    scenario: str
    seed: int
    parameters: dict[str, Any]
    document: dict[str, Any]


class Tasks:
    """The rows of a campaign; row N is a function of the file and of N alone.

    A point that was drawn, and its seeds, are the same for each scenario and for each corner
    of the grid, so what differs between them is theirs.
    """

    def __init__(
        self,
        campaign: Campaign,
        documents: Mapping[str, Mapping[str, Any]],
        folders: Sequence[Path] = (),
    ) -> None:
        self.campaign = campaign
        self.documents = documents
        self.folders = folders  # from which files are named
        self._names = list(documents)
        self._corners = [
            dict(zip(campaign.grid, values, strict=True))
            for values in itertools.product(*campaign.grid.values())
        ]
        self._cube = cube(campaign.method, campaign.samples, len(campaign.sample), campaign.seed)

    def __len__(self) -> int:
        return len(self._names) * len(self._corners) * self.campaign.samples * self._repeats

    @property
    def _repeats(self) -> int:
        return self.campaign.repeats()

    def __getitem__(self, row: int) -> Task:
        """Row ``row``, from 1; raises IndexError. A campaign that stops early is balanced."""
        if not 1 <= row <= len(self):
            raise IndexError(row)
        rest, repeat = divmod(row - 1, self._repeats)
        rest, corner = divmod(rest, len(self._corners))
        sample, place = divmod(rest, len(self._names))
        name = self._names[place]
        parameters = self._corners[corner] | self._drawn(sample)
        document = {"name": name} | copy.deepcopy(dict(self.documents[name]))
        for key, value in parameters.items():
            put(document, key, value)
        for key in FILES:
            if key in document:
                document[key] = self.placed(document[key])
        seed = document["seed"] = self._seed(sample, repeat)
        return Task(row, name, seed, parameters, document)

    def placed(self, name: Any) -> Any:
        """A file's name with its folder, if it is there; any other value as it is."""
        if not isinstance(name, str):
            return name
        return next((str(at / name) for at in self.folders if (at / name).is_file()), name)

    def firsts(self) -> list[int]:
        """The first row of each scenario at each corner of the grid."""
        together = len(self._names) * len(self._corners)
        return [1 + place * self._repeats for place in range(together)]

    def _drawn(self, sample: int) -> dict[str, Any]:
        shares = self._cube[sample]
        return {
            key: distribution.at(float(share))
            for (key, distribution), share in zip(self.campaign.sample.items(), shares, strict=True)
        }

    def _seed(self, sample: int, repeat: int) -> int:
        given = self.campaign.seeds
        if not isinstance(given, int):
            return given[repeat]
        made = np.random.SeedSequence(self.campaign.seed, spawn_key=(sample, repeat))
        return int(made.generate_state(1, np.uint32)[0])

    def values_of(self, key: str) -> list[Any]:
        """All values that a key of the documents has in any row, each once."""
        if key in self.campaign.grid:
            found = self.campaign.grid[key]
        elif key in self.campaign.sample:
            found = self.campaign.sample[key].choice or []
        else:
            found = [document[key] for document in self.documents.values() if key in document]
        return [self.placed(value) for value in dict.fromkeys(found)]


def put(document: Any, key: str, value: Any) -> None:
    """Put a value at a dotted key, whose parts are tables' keys and lists' places from 0.

    Raises InputError where the way leads through something else.
    """
    *way, last = key.split(".")
    place = document
    for part in way:
        place = _inside(place, part, key)
    if isinstance(place, list):
        place[_index(place, last, key)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise InputError(f"{key}: leads through {place!r}, which is no table")


def _inside(place: Any, part: str, key: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, part, key)]
    if isinstance(place, dict):
        return place.setdefault(part, {})
    raise InputError(f"{key}: leads through {place!r}, which is no table")


def _index(place: Sequence, part: str, key: str) -> int:
    if not part.isdigit() or int(part) >= len(place):
        raise InputError(f"{key}: {part} is no place of a list of {len(place)}, counted from 0")
    return int(part)
