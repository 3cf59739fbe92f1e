"""From latitude and longitude to the local frame: x east, y north, level at its origin.

The geodesy is pymap3d's, on WGS84: a few hundred lines of numpy, where pyproj would bring a
compiled PROJ and its data for a change of frame that needs neither. The frame is the plane
that touches the ellipsoid at the origin. East and north of a point do not depend on the
origin's height, which is why an origin has none, but they do on the point's: a kilometre
measured at 100 m above the ellipsoid is 16 mm longer than on it.

Positions are those of the point that the receiver says, its primary antenna. Where that is
on the car is the driver's to know (``vehicle.antenna_x_m``, ``antenna_y_m``).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pymap3d

from tianyuan.control.errors import InputError

_TURN_RAD = 2.0 * math.pi


class LocalFrame(NamedTuple):
    """The frame about an origin in degrees, north and east positive."""

    latitude_deg: float
    longitude_deg: float

    def east_north_m(
        self, latitude_deg: float, longitude_deg: float, height_m: float
    ) -> tuple[float, float]:
        """Where a point is; ``height_m`` is above the ellipsoid."""
        east, north, _ = pymap3d.geodetic2enu(
            latitude_deg, longitude_deg, height_m, self.latitude_deg, self.longitude_deg, 0.0
        )
        return float(east), float(north)

    def latitude_longitude_deg(
        self, east_m: np.ndarray, north_m: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where points of this frame's plane are on the globe."""
        latitude, longitude, _ = pymap3d.enu2geodetic(
            east_m, north_m, 0.0, self.latitude_deg, self.longitude_deg, 0.0
        )
        return np.asarray(latitude), np.asarray(longitude)

    def heading_rad(self, latitude_deg: float, longitude_deg: float, compass_rad: float) -> float:
        """The heading in this frame, in [0, 2 pi), of a direction clockwise from true north.

        North at the point is not parallel to north at the origin: 5 km to the east, at the
        latitude of Zhuzhou, they differ by 0.02 degrees.
        """
        east, north = math.sin(compass_rad), math.cos(compass_rad)
        fixed = pymap3d.enu2uvw(east, north, 0.0, latitude_deg, longitude_deg)
        here_east, here_north, _ = pymap3d.uvw2enu(*fixed, self.latitude_deg, self.longitude_deg)
        heading = math.atan2(here_north, here_east) % _TURN_RAD
        return heading if heading < _TURN_RAD else 0.0


def frame_at(origin: str) -> LocalFrame:
    """The frame about ``LAT,LON`` in decimal degrees; raises InputError."""
    try:
        latitude, longitude = (float(part) for part in origin.split(","))
    except ValueError:
        raise InputError(
            f"origin {origin!r}: not LAT,LON; give two numbers in degrees, as 27.7385,113.0312"
        ) from None
    if not (abs(latitude) <= 90.0 and abs(longitude) <= 180.0):
        raise InputError(f"origin {origin!r}: beyond 90 or 180 degrees; give the latitude first")
    return LocalFrame(latitude, longitude)
