"""Where the rooms of the package are, installed as a wheel or run from a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOMS: Final = ("control", "dbc", "drivers", "firmware", "hil")
FRONT_DOOR: Final = Path(__file__).parent


def room(name: str) -> Path:
    """The folder of a room, which holds the data files that ship with it too."""
    inside = FRONT_DOOR / name
    return inside if inside.is_dir() else FRONT_DOOR.parent / name
