"""Every parameter of the driver: name, unit, default, bounds and meaning, in one place.

The PARAMS record is laid out from this table, and so is the configuration that a car's
file is checked against (``firmware/config.py``): one row here is all that a new parameter
needs. A default of None means that the car's file must say it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.records import GROUPS

GEARS: Final = 8
TABLE: Final = 16


class Parameter(NamedTuple):
    """One row: ``size`` 0 is a scalar, otherwise the length of a table padded with zeros."""

    section: str
    name: str
    unit: str
    default: float | tuple[float, ...] | None
    minimum: float
    maximum: float
    meaning: str
    size: int = 0


def _rows(section: str, *rows: tuple) -> tuple[Parameter, ...]:
    return tuple(Parameter(section, *row) for row in rows)


VEHICLE: Final = _rows(
    "vehicle",
    ("mass_kg", "kg", None, 50, 5000, "car with driverless equipment and fuel"),
    ("yaw_inertia_kgm2", "kg*m^2", None, 10, 20000, "about the vertical through the centre of gravity"),
    ("wheelbase_m", "m", None, 0.5, 6, "front axle to rear axle"),
    ("front_axle_m", "m", None, 0.1, 5, "centre of gravity to front axle"),
    ("cg_height_m", "m", None, 0.0, 2, "centre of gravity above the road"),
    ("track_m", "m", 1.5, 0.2, 3, "rear wheel to rear wheel"),
    ("width_m", "m", None, 0.3, 3, "over the tyres"),
    ("antenna_x_m", "m", 0.0, -5, 5, "GNSS antenna ahead of the centre of gravity"),
    ("antenna_y_m", "m", 0.0, -3, 3, "GNSS antenna left of the centre of gravity"),
    ("friction", "1", None, 0.05, 4, "peak of the tyres' force over load, dry"),
    ("tyre_b_front", "1", None, 1, 40, "Magic Formula stiffness factor, front axle"),
    ("tyre_c_front", "1", None, 1, 2.5, "Magic Formula shape factor, front axle"),
    ("tyre_b_rear", "1", None, 1, 40, "Magic Formula stiffness factor, rear axle"),
    ("tyre_c_rear", "1", None, 1, 2.5, "Magic Formula shape factor, rear axle"),
    ("drag_n_per_mps2", "N/(m/s)^2", None, 0, 20, "half air density times drag area"),
    ("downforce_n_per_mps2", "N/(m/s)^2", 0.0, 0, 60, "half air density times lift area, positive down"),
    ("rolling_n", "N", None, 0, 2000, "rolling resistance at standstill"),
    ("rolling_n_per_mps", "N/(m/s)", 0.0, 0, 50, "rolling resistance, growth with speed"),
    ("wheel_radius_m", "m", None, 0.1, 1, "effective rolling radius of the driven wheels"),
    ("final_drive", "1", None, 1, 15, "crown wheel"),
    ("gear_ratio", "1", None, 0.2, 20, "by gear, first gear first", GEARS),
    ("driveline_efficiency", "1", 0.92, 0.5, 1, "engine to wheels"),
    ("rotating_mass_factor", "1", 1.05, 1, 2, "inertia of wheels and engine, as a factor on the mass"),
    ("engine_speed_radps", "rad/s", None, 0, 2500, "abscissa of the torque tables, rising", TABLE),
    ("engine_torque_nm", "N*m", None, 0, 2000, "at full throttle", TABLE),
    ("engine_drag_nm", "N*m", None, 0, 500, "braking torque at closed throttle, positive", TABLE),
    ("rear_drive", "1", 1.0, 0, 1, "share of the engine's force on the rear axle"),
    ("brake_front_share", "1", 0.7, 0, 1, "share of the braking force on the front axle"),
    ("brake_n_per_bar", "N/bar", None, 1, 2000, "braking force of the whole car over pressure in front"),
)

# Filled in at set-up from the tyre parameters, never from a file.
DERIVED: Final = _rows(
    "derived",
    ("slip_ay_step_mps2", "m/s^2", 0.0, 0, 10, "spacing of the slip tables, from zero"),
    ("slip_front_rad", "rad", 0.0, 0, 1, "front slip angle over steady lateral acceleration", TABLE),
    ("slip_rear_rad", "rad", 0.0, 0, 1, "rear slip angle over steady lateral acceleration", TABLE),
    ("stale_s", "s", 0.0, 0, 60, "a group older than this is lost, one for each of GROUPS", len(GROUPS)),
)

LIMITS: Final = _rows(
    "limits",
    ("steer_rad", "rad", None, 0.05, 1.2, "largest road-wheel angle"),
    ("steer_rate_radps", "rad/s", None, 0.05, 20, "fastest change of the steering command"),
    ("throttle_rate_1ps", "1/s", 5.0, 0.1, 100, "fastest opening of the throttle"),
    ("brake_bar", "bar", None, 1, 250, "largest brake pressure"),
    ("brake_rate_barps", "bar/s", None, 10, 5000, "fastest rise of brake pressure"),
    ("speed_mps", "m/s", None, 1, 120, "never faster than this"),
    ("speed_yellow_mps", "m/s", 16.0, 0, 120, "cap under a yellow flag"),
    ("upshift_radps", "rad/s", None, 50, 2500, "engine speed that calls for the next gear"),
    ("downshift_radps", "rad/s", None, 20, 2500, "engine speed that calls for the gear below"),
)

STANLEY: Final = _rows(
    "stanley",
    ("k_1ps", "1/s", 2.2, 0.05, 20, "gain on the cross-track error at the front axle"),
    ("k_soft_mps", "m/s", 4.0, 0.1, 50, "softens the gain at low speed"),
    ("k_yaw_s", "s", 0.14, 0, 2, "damping on the yaw rate's deviation from the line's"),
    ("k_steer", "1", 0.0, 0, 2, "damping on the change of the measured steering angle"),
)

PURSUIT: Final = _rows(
    "pure_pursuit",
    ("lookahead_s", "s", 0.2, 0.01, 3, "lookahead distance over speed"),
    ("lookahead_per_error", "1", 0.5, 0, 10, "lookahead distance over cross-track error"),
    ("lookahead_per_curvature_m2", "m^2", 0.0, 0, 1000, "lookahead distance taken off over curvature"),
    ("lookahead_min_m", "m", 5.0, 0.5, 50, "shortest lookahead"),
    ("k_yaw_s", "s", 0.2, 0, 2, "damping on the yaw rate's deviation from the line's"),
    ("speed_share", "1", 0.94, 0.3, 1, "of the profile's speed, which this law is trusted with"),
    ("lookahead_max_m", "m", 30.0, 1, 200, "longest lookahead"),
)

SPEED: Final = _rows(
    "speed",
    ("kp_1ps", "1/s", 2.0, 0, 20, "acceleration asked for over speed error"),
    ("ki_1ps2", "1/s^2", 0.3, 0, 20, "acceleration asked for over the integral of speed error"),
    ("integral_max_mps2", "m/s^2", 1.5, 0, 10, "most that the integral may add or take"),
    ("preview_s", "s", 0.12, 0, 1, "look this far ahead on the profile for the actuators' delay"),
    ("deadband_n", "N", 150.0, 0, 5000, "force below engine braking before the brake comes on, and back"),
)

LATERAL: Final = _rows(
    "lateral",
    ("preview_s", "s", 0.1, 0, 0.5, "steer for where the car will be once the actuator has answered"),
)

ESTIMATOR: Final = _rows(
    "estimator",
    ("gnss_delay_s", "s", 0.0, 0, 0.5, "from the instant a position is valid for to its frame"),
    ("position_gain", "1", 0.25, 0.001, 1, "share of a position innovation taken up"),
    ("heading_gain", "1", 0.1, 0.001, 1, "share of a heading innovation taken up"),
    ("speed_gain", "1", 0.2, 0.001, 1, "share of a speed innovation taken up"),
    ("bias_gain_1ps", "1/s", 0.02, 0, 1, "yaw-rate bias over heading innovation"),
)

SUPERVISOR: Final = _rows(
    "supervisor",
    ("stale_s", "s", 0.1, 0.005, 2, "a sensor group older than this is lost"),
    ("race_stale_s", "s", 0.3, 0.02, 5, "race control unheard for this long is lost"),
    ("permit_stale_s", "s", 0.07, 0.02, 1, "without the guard's permit for this long; the actuators wait 0.08 s"),
    ("ready_dwell_s", "s", 5.0, 0, 60, "a go before Ready has lasted this long is ignored"),
    ("arm_cross_track_m", "m", 2.5, 0.1, 20, "farthest from the line at arming"),
    ("arm_heading_rad", "rad", 0.5, 0.05, 1.6, "largest heading error at arming"),
    ("off_line_m", "m", 3.0, 0.2, 20, "cross-track error that ends the drive"),
    ("stop_decel_mps2", "m/s^2", 4.0, 0.5, 20, "deceleration of a controlled stop"),
    ("emergency_decel_mps2", "m/s^2", 8.5, 1, 40, "deceleration of an emergency stop, within grip"),
    ("hold_bar", "bar", 15.0, 1, 200, "brake pressure that holds the car at standstill"),
)

PLANNING: Final = _rows(
    "planning",
    ("edge_margin_m", "m", 0.5, 0, 5, "from the car's side to the edge of the track, at the least"),
    ("lateral_share", "1", 0.88, 0.1, 1, "of friction, planned with in bends"),
    ("brake_share", "1", 0.72, 0.1, 1, "of friction, planned with under braking"),
    ("drive_share", "1", 0.85, 0.1, 1, "of friction, planned with at the driven wheels"),
    ("exponent", "1", 2.0, 1, 4, "of the friction limit: 1 rhombus, 2 ellipse, larger squarer"),
    ("spacing_m", "m", 1.0, 0.2, 5, "between points of the line"),
)

PARAMETERS: Final = (
    VEHICLE + LIMITS + LATERAL + STANLEY + PURSUIT + SPEED + ESTIMATOR + SUPERVISOR + PLANNING
)


def _field(parameter: Parameter) -> tuple:
    name = field_name(parameter)
    return (name, "f8", (parameter.size,)) if parameter.size else (name, "f8")


def field_name(parameter: Parameter) -> str:
    """The parameter's name in the PARAMS record: its section first, the vehicle's bare."""
    bare = parameter.section in ("vehicle", "derived")
    return parameter.name if bare else f"{parameter.section}_{parameter.name}"


PARAMS: Final = np.dtype(
    [_field(parameter) for parameter in PARAMETERS + DERIVED]
    + [("controller", "i8"), ("period_s", "f8"), ("path_spacing_m", "f8"), ("path_length_m", "f8")]
)
