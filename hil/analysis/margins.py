"""How near the car's wheels came to the edges of the track, by what its host knew."""

from __future__ import annotations

import numpy as np

from tianyuan.control import projection
from tianyuan.control.kernels import kernel
from tianyuan.hil import truth


@kernel
def _margins(path, params, spacing_m, station_m, cross_track_m, heading_error_rad, found):
    for i in range(station_m.size):
        index, share = projection.locate(path, spacing_m, station_m[i])
        found[i] = truth.edge_margin_m(
            path, params, index, share, cross_track_m[i], heading_error_rad[i]
        )


def margins_m(path: np.recarray, params: np.recarray, telemetry: np.ndarray) -> np.ndarray:
    """The least distance of a wheel's outside to its edge (n,), for TELEMETRY rows (n,).

    NaN where the host did not yet know where it was.
    """
    columns = [
        np.ascontiguousarray(telemetry[name])
        for name in ("station_m", "cross_track_m", "heading_error_rad")
    ]
    found = np.full(len(telemetry), np.nan)
    _margins(path, params, float(path.s_m[1] - path.s_m[0]), *columns, found)
    found[~np.isfinite(sum(columns))] = np.nan
    return found
