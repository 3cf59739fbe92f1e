"""The shipped car, cars with a mistake in them, and a host on a circle that needs no planning."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tianyuan.control import records
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.host import Host, make_host
from tianyuan.rooms import room

Edit = Callable[[dict[str, Any]], object]
SHIPPED = room("firmware") / "cars" / "tianyuan.toml"
RADIUS_M = 60.0


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value)


def document_text(document: dict[str, Any]) -> str:
    lines = [f"{key} = {toml(each)}" for key, each in document.items() if type(each) is not dict]
    for name, table in document.items():
        if type(table) is dict:
            lines += [f"[{name}]", *(f"{key} = {toml(each)}" for key, each in table.items())]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def car() -> Car:
    return load_car(SHIPPED)


@pytest.fixture
def car_with(tmp_path: Path) -> Callable[[Edit], Path]:
    """Write the shipped car's file after an edit of its tables."""

    def write(edit: Edit) -> Path:
        document = tomllib.loads(SHIPPED.read_text())
        edit(document)
        file = tmp_path / "car.toml"
        file.write_text(document_text(document))
        return file

    return write


@pytest.fixture(scope="session")
def circle() -> np.recarray:
    """A line that is a circle to the left, at 10 m/s."""
    count = round(2 * np.pi * RADIUS_M)
    angle = 2 * np.pi * np.arange(count) / count
    path = records.path(count)
    path.s_m = RADIUS_M * angle
    path.x_m, path.y_m = RADIUS_M * np.sin(angle), RADIUS_M * (1 - np.cos(angle))
    path.heading_rad, path.curvature_1pm = angle, 1 / RADIUS_M
    path.speed_mps, path.left_m, path.right_m = 10.0, 5.0, 5.0
    return path


@pytest.fixture
def host_of(circle: np.recarray) -> Callable[..., Host]:
    """A host of a car on the circle; 500 ticks a second unless told."""

    def make(car: Car, period_ns: int = 2_000_000) -> Host:
        return make_host(car, circle, Controller.STANLEY, period_ns)

    return make


@pytest.fixture
def host(host_of: Callable[..., Host], car: Car) -> Host:
    return host_of(car)
