"""TianYuan: the onboard control host of a driverless race car.

Importing this package, which every room does first, names the directory of compiled code
after what it was compiled from (``cache.py``): stale code must never drive the car.
"""

from __future__ import annotations

import importlib.metadata

from tianyuan.cache import cache_directory, claim, source_digest
from tianyuan.rooms import ROOMS, room

__all__ = ["ROOMS", "__version__", "cache_directory", "room", "source_digest"]

__version__ = importlib.metadata.version("tianyuan")
claim()
