"""The vehicle's file: what it must say, and how it complains."""

from __future__ import annotations

import math
import tomllib

import numpy as np
import pytest

from tianyuan import room
from tianyuan.control.errors import InputError
from tianyuan.control.parameters import LIMITS, VEHICLE
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.tables import shipped_cars
from tianyuan.hil.plant import parameters, sections, steady

TEXT = (room("hil") / "vehicles" / "tianyuan.toml").read_text(encoding="utf-8")

CARS = shipped_cars()


def load(tmp_path, old: str, new: str):
    assert TEXT.count(old) == 1, old
    file = tmp_path / "mine.toml"
    file.write_text(TEXT.replace(old, new), encoding="utf-8")
    return parameters.load(file)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("mass_kg = 1093.2952334674046", "mass_kg = -3", "chassis.mass_kg = -3"),
        ("front_track_m = 1.38684", "", "chassis.front_track_m: missing"),
        ("width_m = 1.61", "width_m = 1.61\nwings = 2", "chassis.wings: unknown key"),
        ("shape_x = 1.6411", "shape_x = nan", "tyre.shape_x = nan"),
        ("shape_x = 1.6411", 'shape_x = "wide"', "tyre.shape_x = 'wide'"),
        ("rear_share = 1.0", "rear_share = 1.1", "gearbox.rear_share = 1.1"),
        ("launch_rpm = 2500.0", "launch_rpm = 700.0", "idle_rpm <= launch_rpm"),
        ("request_nm = 0.0", "request_nm = -1.0", "engine.request_nm = -1.0"),
        ("front_axle_m = 1.1561957064", "front_axle_m = 3.0", "below wheelbase_m"),
        ("wheel_inertia_kgm2 = 1.7", "wheel_inertia_kgm2 = 0.15", "too light for steps of 1 ms"),
        ('kind = "limited"', 'kind = "welded"', "rear_differential.kind = 'welded'"),
        ('kind = "limited"', 'kind = "open"', "has no preload_nm"),
        ("fade_from_c = 600.0", "fade_from_c = 950.0", "below fade_to_c"),
        ("speed_rpm = [0.0, 800.0,", "speed_rpm = [900.0, 800.0,", "speed_rpm must rise"),
        ("torque_nm = [0.0, 130.0,", "torque_nm = [130.0,", "equal length"),
        ("[aero]", "[areo]", "aero: missing"),
        ("[aero]", "[aero", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path, old, new, says):
    with pytest.raises(InputError, match=r"^mine\.toml: ") as caught:
        load(tmp_path, old, new)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_motor_without_a_clutch_must_not_drag_at_standstill():
    engine = parameters.load("tianyuan").engine.model_dump() | {"idle_rpm": 0.0, "launch_rpm": 0.0}
    with pytest.raises(ValueError, match="begin with 0"):
        sections.Engine.model_validate(engine)


def test_every_number_is_needed(tmp_path):
    """Taking any one line away is an error, so nothing has a hidden default."""
    lines = TEXT.splitlines()
    keys = [k for k, line in enumerate(lines) if "=" in line.split("#")[0]]
    assert len(keys) > 80
    for k in keys:
        file = tmp_path / "mine.toml"
        file.write_text("\n".join(lines[:k] + lines[k + 1 :]), encoding="utf-8")
        with pytest.raises(InputError, match=lines[k].split("=")[0].strip()):
            parameters.load(file)


def test_a_vehicle_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(InputError, match=r"'batmobile': not shipped.*tianyuan"):
        parameters.load("batmobile")
    with pytest.raises(InputError, match="no such file"):
        parameters.load("/nowhere/car.toml")


def test_the_file_and_the_shipped_name_are_the_same_car():
    named = parameters.load("tianyuan")
    assert named == parameters.load(room("hil") / "vehicles" / "tianyuan.toml")
    assert named.plant().tobytes() == named.plant().tobytes()


def test_the_record_holds_the_files_numbers():
    vehicle = parameters.load("tianyuan")
    plant = vehicle.plant()
    assert plant.chassis_mass_kg[0] == vehicle.chassis.mass_kg
    assert plant.gearbox_overall[0, 1] == pytest.approx(5.25 * 2.81)
    assert list(plant.gearbox_overall[0, [0]]) == [0.0]
    grid = np.arange(sections.MAP) * plant.engine_step_radps[0] * 30 / math.pi
    at_3000 = np.interp(3000, grid, plant.engine_torque_nm[0])
    assert at_3000 == pytest.approx(300)


def test_an_override_is_as_if_the_file_had_said_so(tmp_path):
    edited = load(tmp_path, "width_m = 1.61", "width_m = 1.7")
    assert parameters.load("tianyuan", {"chassis.width_m": 1.7}) == edited
    assert parameters.load("tianyuan", {"gearbox.ratio": [3.0]}).gearbox.ratio == [3.0]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("chassis.mass", 1000.0, r"override chassis\.mass: no such key.*mass_kg"),
        ("chasis.mass_kg", 1000.0, r"override chasis\.mass_kg: no such key.*chassis"),
        ("chassis", 1000.0, r"override chassis: no such key"),
        ("chassis.mass_kg.x", 1000.0, r"override chassis\.mass_kg\.x: no such key"),
        ("chassis.mass_kg", -1.0, r"chassis\.mass_kg = -1"),
    ],
)
def test_an_override_that_cannot_be_is_named(key, value, says):
    with pytest.raises(InputError, match=says) as caught:
        parameters.load("tianyuan", {key: value})
    assert "\n" not in str(caught.value)


@pytest.mark.compiled
@pytest.mark.parametrize("name", CARS)
def test_the_drivers_tables_describe_the_rigs_car(name):
    car, v = load_car(CARS[name]), parameters.load(name)
    known = car.parameters["vehicle"]
    weight = v.chassis.mass_kg * 9.81
    rear_nm_per_bar = v.brakes.rear_nm_per_bar * v.brakes.rear_pressure_share
    expected = {
        "mass_kg": v.chassis.mass_kg,
        "yaw_inertia_kgm2": v.chassis.yaw_inertia_kgm2,
        "wheelbase_m": v.chassis.wheelbase_m,
        "front_axle_m": v.chassis.front_axle_m,
        "cg_height_m": v.chassis.cg_height_m,
        "track_m": (v.chassis.front_track_m + v.chassis.rear_track_m) / 2,
        "width_m": v.chassis.width_m,
        "antenna_x_m": v.sensors.gnss.antenna_x_m,
        "antenna_y_m": v.sensors.gnss.antenna_y_m,
        "drag_n_per_mps2": v.aero.drag_n_per_mps2,
        "rolling_n": weight * v.tyre.rolling,
        "rolling_n_per_mps": weight * v.tyre.rolling_spm,
        "wheel_radius_m": v.tyre.radius_m,
        "final_drive": v.gearbox.final_drive,
        "gear_ratio": v.gearbox.ratio,
        "driveline_efficiency": v.gearbox.efficiency,
        "engine_speed_radps": [rpm * math.pi / 30 for rpm in v.engine.speed_rpm],
        "engine_torque_nm": v.engine.torque_nm,
        "engine_drag_nm": v.engine.drag_nm,
        "request_nm": v.engine.request_nm,
        "rear_drive": v.gearbox.rear_share,
        "brake_front_share": v.brakes.front_nm_per_bar
        / (v.brakes.front_nm_per_bar + rear_nm_per_bar),
        "brake_n_per_bar": (v.brakes.front_nm_per_bar + rear_nm_per_bar) / v.tyre.radius_m,
    }
    identified = steady.identify(v, car.parameters["limits"]["speed_mps"])
    expected["downforce_front_share"] = known["downforce_front_share"]  # idle without wings
    expected |= identified
    assert {*expected, "rotating_mass_factor"} == {*known}
    for key, value in expected.items():
        assert known[key] == pytest.approx(value, rel=2e-3), key


@pytest.mark.compiled
@pytest.mark.parametrize("name", CARS)
def test_the_drivers_axles_slip_as_the_rigs_do(name):
    """To a tenth, up to nine tenths of the limit, at any speed: what its steering is made of."""
    car, v = load_car(CARS[name]), parameters.load(name)
    known, top_mps = car.parameters["vehicle"], car.parameters["limits"]["speed_mps"]
    for axle in steady.AXLES:
        share = known["downforce_front_share"]
        down = known["downforce_n_per_mps2"] * (share if axle == "front" else 1 - share)
        ay, square, slip_rad = steady.skid_pads(v, axle, top_mps).T
        load = 9.81 + down * square / (v.chassis.mass_kg * steady.static_share(v, axle))
        used = ay / (known["friction"] * load)
        told = np.tan(np.arcsin(np.minimum(used, 1)) / known[f"tyre_c_{axle}"])
        within = used < 0.9
        assert within.sum() > 8
        expected = np.arctan(told / known[f"tyre_b_{axle}"])[within]
        np.testing.assert_allclose(slip_rad[within], expected, rtol=0.1)


@pytest.mark.parametrize("name", CARS)
def test_the_drivers_rotating_mass_is_the_rigs_in_third_gear_or_the_only_one(name):
    v = parameters.load(name)
    overall = v.gearbox.final_drive * v.gearbox.ratio[:3][-1]
    turning = 4 * v.tyre.wheel_inertia_kgm2 + v.engine.inertia_kgm2 * overall**2
    factor = 1 + turning / v.tyre.radius_m**2 / v.chassis.mass_kg
    known = load_car(CARS[name]).parameters["vehicle"]["rotating_mass_factor"]
    assert known == pytest.approx(factor, abs=0.015)


@pytest.mark.parametrize("name", CARS)
@pytest.mark.parametrize("section", [VEHICLE, LIMITS])
def test_the_drivers_tables_are_within_the_bounds_of_their_rows(section, name):
    with CARS[name].open("rb") as file:
        car = tomllib.load(file)
    rows = {row.name: row for row in section}
    table = car[section[0].section]
    assert set(table) <= set(rows)
    assert {name for name, row in rows.items() if row.default is None} <= set(table)
    for key, value in table.items():
        row = rows[key]
        values = value if isinstance(value, list) else [value]
        assert len(values) <= max(1, row.size)
        assert all(row.minimum <= one <= row.maximum for one in values), key


@pytest.mark.parametrize("name", CARS)
def test_the_drivers_limits_are_inside_what_the_actuators_can_do(name):
    with CARS[name].open("rb") as file:
        limits = tomllib.load(file)["limits"]
    v = parameters.load(name)
    assert limits["steer_rad"] < v.steering.max_rad
    assert limits["steer_rate_radps"] < v.steering.max_radps
    assert limits["brake_bar"] < v.brakes.max_bar
    assert limits["brake_rate_barps"] < v.brake_actuator.max_barps
    assert limits["throttle_rate_1ps"] < v.throttle.max_1ps
    assert limits["upshift_radps"] < v.engine.limit_rpm * math.pi / 30
    steps = np.array(v.gearbox.ratio[:-1]) / np.array(v.gearbox.ratio[1:])
    assert limits["downshift_radps"] * steps.max(initial=1.0) < limits["upshift_radps"]
