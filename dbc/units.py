"""Units as DBC files write them, and what converts them to a channel's.

pint knows the units; what is here is how they are spelt, and the few that mean something
else in a DBC file than in pint: ``kmph`` is no thousand miles per hour, ``Nm`` no yarn
count, ``G`` no gauss.
"""

from __future__ import annotations

import functools
import re
from fractions import Fraction
from tokenize import TokenError
from typing import TYPE_CHECKING, Final

from tianyuan.dbc.errors import DbcError

if TYPE_CHECKING:
    import pint

# A channel's unit by the end of its name; one without such an end has no dimension.
SUFFIXES: Final = {
    "mps": "m/s",
    "mps2": "m/s^2",
    "m": "m",
    "1pm": "1/m",
    "rad": "rad",
    "radps": "rad/s",
    "bar": "bar",
    "barps": "bar/s",
    "nm": "N*m",
    "n": "N",
    "s": "s",
    "kg": "kg",
}

_SPELLINGS: Final = {  # lower case
    "kmph": "km/h",
    "kmh": "km/h",
    "km/hr": "km/h",
    "mps2": "m/s^2",
    "nm": "N*m",
    "newtonmeter": "N*m",
    "rpm": "rpm",
    "rev/min": "rpm",
    "u/min": "rpm",
    "tr/min": "rpm",
    "min-1": "1/min",
    "percent": "%",
    "unit_percent": "%",
    "unit_kilometerperhour": "km/h",
    "unit_meterpersecon": "m/s",
    "unit_meterperseconsquar": "m/s^2",
    "unit_degreofarc": "deg",
    "unit_degreofarcpersecon": "deg/s",
    "unit_newtometer": "N*m",
    "unit_minutinver": "rpm",
    "unit_bar": "bar",
    "bar_gauge": "bar",
    "mbar": "mbar",
    "kpa": "kPa",
    "volts": "V",
    "amps": "A",
    "deg c": "degC",
    "degrees c": "degC",
    "degreesc": "degC",
    "c": "degC",
    "metric ton": "metric_ton",
}
_NONE: Final = frozenset(
    {"", "-", "--", "1", "unitless", "none", "unit_none", "enum", "bool", "boolean", "count"}
    | {"counts", "cnt", "number", "ascii", "discrete", "flag", "state", "n/a", "sed", "steps"}
    | {"__f__", "la", "ratio", "uint8", "a.u."}  # flags of the ADS-DV, lambda, arbitrary units
)
# A factor that nobody would notice until the car drives: an Indy car's yaw rate in "rps"
# is in radians (pint: revolutions), another's in "grad/s" in German degrees (pint: gons).
_AMBIGUOUS: Final = frozenset(("rps", "grad", "grad/s"))
# What pint's parser and its conversions raise, wrapped in no class of their own.
_REFUSALS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    SyntaxError,
    TokenError,
    TypeError,
    ValueError,
)
_GRAVITY: Final = {"g": "standard_gravity", "mg": "millistandard_gravity"}


def channel_unit(name: str) -> str:
    """Return the unit that a channel's name ends in; '' for a number without dimension."""
    return SUFFIXES.get(name.rpartition("_")[2], "") if "_" in name else ""


@functools.cache
def conversion(from_unit: str | None, to_unit: str, channel: str = "") -> tuple[float, float]:
    """Return factor and offset that make a value in ``from_unit`` one in ``to_unit``.

    Angles are a dimension of their own here: neither a bare number nor 1/s becomes one,
    except that revolutions per minute may be written 1/min.

    Raises:
        DbcError: naming the unit and the channel, if the units do not go together.

    """
    written = (from_unit or "").strip()
    source, target = _spelt(written, to_unit), _spelt(to_unit, to_unit)
    if source == target:
        return 1.0, 0.0
    try:
        return _converted(source, target)
    except _REFUSALS:
        into = to_unit or "a number without unit"
        where = f" of channel {channel}" if channel else ""
        raise DbcError(
            f"unit {written!r} does not convert to {into}{where}; correct the signal's unit"
        ) from None


def _spelt(unit: str, to_unit: str) -> str:
    """Spell a unit as pint does; the target decides what a g and a 1/min are."""
    lower = unit.lower()
    if lower in _NONE:
        return ""
    if to_unit == "m/s^2" and lower in _GRAVITY:
        return _GRAVITY[lower]
    if lower.startswith("%"):
        return "%"
    unit = _SPELLINGS.get(lower, unit)
    if to_unit == "rad/s" and unit == "1/min":
        return "rpm"
    # m.s-2 and m/s2 both mean m/s**2.
    unit = re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])", "*", unit)
    return re.sub(r"(?<=[A-Za-z])(-?[23]|-1)\b", r"**\1", unit)


def _converted(source: str, target: str) -> tuple[float, float]:
    if source.lower() in _AMBIGUOUS:
        raise ValueError("has two meanings")
    registry = _registry()
    unit, into = _parsed(source), _parsed(target)
    if _has_angle(unit) != _has_angle(into):
        raise ValueError("an angle is not a number")
    offset = registry.Quantity(0, unit).to(into).magnitude
    return float(registry.Quantity(1, unit).to(into).magnitude - offset), float(offset)


def _has_angle(unit: pint.Unit) -> bool:
    roots = _registry().Quantity(1, unit).to_root_units().units
    return "radian" in roots._units


def _parsed(unit: str) -> pint.Unit:
    """Parse a unit, also one in capitals that has no other meaning."""
    registry = _registry()
    try:
        return registry.parse_units(unit)
    except AttributeError:  # pint's UndefinedUnitError is one
        return registry.parse_units(unit.lower())


@functools.cache
def _registry() -> pint.UnitRegistry:
    """Load pint on first use, since that takes a second; in fractions, so that it is exact."""
    import pint  # noqa: PLC0415

    return pint.UnitRegistry(non_int_type=Fraction)
