"""Figures as people read them."""

from __future__ import annotations

import math
from typing import Final

from tianyuan.control.records import Cause, Mode

KMH_PER_MPS: Final = 3.6
DASH: Final = "–"


def lap_time(seconds: float | None) -> str:
    """Return 96.839 as 1:36.839."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    minutes, milliseconds = divmod(round(seconds * 1000.0), 60_000)
    return f"{minutes}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"


def number(value: float | None, digits: int, unit: str = "") -> str:
    """Return ``value`` with ``digits`` decimals, or a dash where there is none."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:,.{digits}f}" + (f" {unit}" if unit else "")


def words(name: str) -> str:
    """Return CHEQUERED_FLAG as Chequered flag, with the field's abbreviations kept."""
    text = name.replace("_", " ").strip().capitalize()
    return text.replace("Imu", "IMU").replace("estop", "e-stop").replace("Estop", "E-stop")


def mode_name(value: int) -> str:
    """Name a mode; a number nobody knows stays a number."""
    return words(Mode(value).name) if value in set(Mode) else f"Mode {value}"


def cause_name(value: int) -> str:
    """Name a cause; a number nobody knows stays a number."""
    return words(Cause(value).name) if value in set(Cause) else f"Cause {value}"
