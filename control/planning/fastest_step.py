"""One step towards the line of least lap time: line and speed moved together.

The minimum-time problem of a point mass, made convex about a line and its speed profile: the
unknowns at each of n points are the offset to the left, the change of squared speed and the
share of the load taken up along the car, ``use``. Squared speed makes the acceleration
between points linear (Verscheure et al., IEEE TAC 2009) and the friction limit a cone;
what is left, the change of curvature and length with offset, is linearised.

The limit is a circle here, whatever its exponent: steps are judged by the speed profile.
"""

from __future__ import annotations

from dataclasses import dataclass

import clarabel
import numpy as np
from scipy import sparse

from tianyuan.control.planning.abilities import Abilities
from tianyuan.control.planning.bending import Bending, ring_matrix
from tianyuan.control.planning.curve import Array
from tianyuan.control.planning.raceline import (
    Line,
    clearance_m,
    reach_rows,
    room,
    steering_reach_1pm,
)

_SLOWDOWN = 0.5  # of a squared speed, in one step at the most: 1 / v is not linear beyond
_TOLERANCE = 1e-5
# Price, in s m^2, of the squared change of curvature from point to point, some tenths of a
# second a lap. Without it the solver's tolerance shows as a ripple, as straights hardly mind one.
_RIPPLE_SM2 = 1000.0
_STEER_RATE_SHARE = 0.5  # of the steering's rate, by the line itself


@dataclass(frozen=True)
class Drive:
    """A line, its bending on the grid, and its solved profile; arrays of shape (n,)."""

    line: Line
    bend: Bending
    square_m2ps2: Array
    abilities: Abilities
    lap_s: float


class _Rows:
    """Constraints gathered block by block: A x + s = b, with s in a cone."""

    def __init__(self, n: int) -> None:
        self.none = sparse.csc_matrix((n, n))
        self.blocks: list[sparse.csc_matrix] = []
        self.bounds: list[Array] = []

    def at_most(
        self,
        bound: Array,
        offset: sparse.spmatrix | None = None,
        square: sparse.spmatrix | None = None,
        use: sparse.spmatrix | None = None,
    ) -> None:
        """Add rows by the columns of offset, change of squared speed and ``use``."""
        none = self.none[: len(bound)]
        parts = [none if part is None else part for part in (offset, square, use)]
        self.blocks.append(sparse.hstack(parts))
        self.bounds.append(bound)


def fastest_offsets(drive: Drive, params: np.recarray, trust_m: float) -> Array | None:
    """Offsets (n,), at most ``trust_m``, towards less lap time; None where there are none."""
    n = len(drive.square_m2ps2)
    rows = _Rows(n)
    low, high = _bounds(drive, params, trust_m)
    unit = sparse.identity(n, format="csc")
    rows.at_most(high, offset=unit)
    rows.at_most(-low, offset=-unit)
    rows.at_most(params[0].limits_speed_mps ** 2 - drive.square_m2ps2, square=unit)
    rows.at_most(_SLOWDOWN * drive.square_m2ps2, square=-unit)
    _bend_rows(rows, drive, params)
    _accel_rows(rows, drive)
    linear = sum(len(bound) for bound in rows.bounds)
    _friction_cones(rows, drive)
    cones = [clarabel.NonnegativeConeT(linear)] + [clarabel.SecondOrderConeT(3)] * n
    solution = _solve(*_cost(drive), rows, cones)
    return None if solution is None else np.clip(solution[:n], low, high)


def _bounds(drive: Drive, params: np.recarray, trust_m: float) -> tuple[Array, Array]:
    low, high = room(drive.line, clearance_m(params))
    # A point outside its bounds comes back however far that is.
    return (
        np.where(high < 0, low, np.maximum(low, -trust_m)),
        np.where(low > 0, high, np.minimum(high, trust_m)),
    )


def _bend_rows(rows: _Rows, drive: Drive, params: np.recarray) -> None:
    """Curvature within the steering's reach, its change within the steering's rate."""
    p, bend = params[0], drive.bend
    reach, low, high = reach_rows(bend, steering_reach_1pm(params))
    if reach.shape[0]:
        rows.at_most(high, offset=reach)
        rows.at_most(-low, offset=-reach)
    rate_1pms = _STEER_RATE_SHARE * p.limits_steer_rate_radps / p.wheelbase_m
    bound = rate_1pms * bend.step_m / np.sqrt(drive.square_m2ps2)
    onwards = _onwards(len(bound))
    held, change = onwards @ bend.curvature_1pm, onwards @ bend.by_curvature
    rows.at_most(np.maximum(bound, (bound + held) / 2) - held, offset=change)
    rows.at_most(np.maximum(bound, (bound - held) / 2) + held, offset=-change)


def _accel_rows(rows: _Rows, drive: Drive) -> None:
    """Bound acceleration by what the engine gives, and have ``use`` cover it at both ends.

    At each point ``use`` covers the step that leads there, driving, and the one that leaves
    it, braking: the same ends at which the speed profile holds its limits.
    """
    can, square, n = drive.abilities, drive.square_m2ps2, len(drive.square_m2ps2)
    following, unit = _following(n), sparse.identity(n, format="csc")
    spacing = drive.line.curve.spacing_m
    by_square = (following - unit) / (2 * spacing)
    accel = by_square @ square
    longer = (drive.bend.by_step + following @ drive.bend.by_step) / (2 * spacing)
    by_offset = -sparse.diags(accel) @ longer
    arriving = following.T
    rows.at_most(
        can.engine_mps2 - arriving @ accel,
        offset=arriving @ by_offset,
        square=arriving @ by_square - sparse.diags(can.engine_by_square),
    )
    resisting = sparse.diags(can.resistance_by_square)
    rows.at_most(
        -(arriving @ accel + can.resistance_mps2) / can.drive_share,
        offset=arriving @ by_offset / can.drive_share,
        square=(arriving @ by_square + resisting) / can.drive_share,
        use=-unit,
    )
    rows.at_most(
        (accel + can.resistance_mps2) / can.brake_share,
        offset=-by_offset / can.brake_share,
        square=-(by_square + resisting) / can.brake_share,
        use=-unit,
    )


def _friction_cones(rows: _Rows, drive: Drive) -> None:
    """|(use, cornering / lateral share)| <= load, point by point."""
    can, square, n = drive.abilities, drive.square_m2ps2, len(drive.square_m2ps2)
    curvature = drive.bend.curvature_1pm
    gathered = _Rows(n)
    gathered.at_most(can.load_mps2, square=-sparse.diags(can.load_by_square))
    gathered.at_most(np.zeros(n), use=-sparse.identity(n, format="csc"))
    gathered.at_most(
        curvature * square / can.lateral_share,
        offset=-sparse.diags(square / can.lateral_share) @ drive.bend.by_curvature,
        square=-sparse.diags(curvature / can.lateral_share),
    )
    by_point = np.arange(3 * n).reshape(3, n).T.ravel()
    rows.blocks.append(sparse.vstack(gathered.blocks, format="csr")[by_point])
    rows.bounds.append(np.concatenate(gathered.bounds)[by_point])


def _cost(drive: Drive) -> tuple[sparse.csc_matrix, Array]:
    """Hessian and gradient of the lap time and of ripple.

    Lap time is the sum of step / sqrt(square), the mixed terms of its Hessian left out.
    """
    square, step = drive.square_m2ps2, drive.bend.step_m
    n = len(square)
    half = np.full(n, 0.5)
    sway = ring_matrix(np.zeros(n), half, -half)  # sideways parts lengthen a step
    longer = sway.T @ sparse.diags(1 / (np.sqrt(square) * step)) @ sway
    onwards = _onwards(n)
    ripple = 2 * _RIPPLE_SM2 * (onwards @ drive.bend.by_curvature).T
    by_offset = longer + ripple @ (onwards @ drive.bend.by_curvature)
    by_square = sparse.diags(0.75 * step * square**-2.5)
    hessian = sparse.block_diag((by_offset, by_square, sparse.csc_matrix((n, n))), format="csc")
    rising = ripple @ (onwards @ drive.bend.curvature_1pm)
    along = drive.bend.by_step.T @ square**-0.5
    return hessian, np.concatenate((along + rising, -0.5 * step * square**-1.5, np.zeros(n)))


def _following(n: int) -> sparse.csc_matrix:
    """Picks for each point the one after it; its transpose the one before."""
    return ring_matrix(np.zeros(n), np.ones(n), np.zeros(n))


def _onwards(n: int) -> sparse.csc_matrix:
    """The change from each point to the one after it."""
    return _following(n) - sparse.identity(n, format="csc")


def _solve(hessian: sparse.csc_matrix, gradient: Array, rows: _Rows, cones: list) -> Array | None:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOLERANCE
    solver = clarabel.DefaultSolver(
        sparse.triu(hessian, format="csc"),
        gradient,
        sparse.vstack(rows.blocks, format="csc"),
        np.concatenate(rows.bounds),
        cones,
        settings,
    )
    solution = solver.solve()
    done = (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved)
    return np.asarray(solution.x) if solution.status in done else None
