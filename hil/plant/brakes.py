"""Brakes: pressure to dry friction at each wheel, discs that heat, pads that fade."""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.hil.plant.state import AMBIENT_C


@kernel
def pad_factor(p, disc_c):
    """What is left of the pads' friction: 1 up to ``fade_from_c``, linear from there on."""
    share = (disc_c - p.brakes_fade_from_c) / (p.brakes_fade_to_c - p.brakes_fade_from_c)
    return 1.0 - (1.0 - p.brakes_faded_factor) * min(1.0, max(0.0, share))


@kernel
def brake_torque(p, s, i, nm_per_bar, bar, disc_j_per_k, dt_s):
    """Torque in Nm that wheel ``i``'s brake can take up; its disc warms by what it does.

    A lumped disc: what the wheel turns against the pads goes in, and out to the air in
    proportion to the excess of temperature, more with speed.
    """
    disc_c = s.disc_c[i]
    torque_nm = nm_per_bar * bar * pad_factor(p, disc_c)
    cooling = p.brakes_cooling_w_per_k + p.brakes_cooling_j_per_km * abs(s.vx_mps)
    heat_w = torque_nm * abs(s.wheel_radps[i]) - cooling * (disc_c - AMBIENT_C)
    s.disc_c[i] = disc_c + dt_s * heat_w / disc_j_per_k
    return torque_nm


@kernel
def rolling_torque(p, load_n, speed_mps):
    """Rolling resistance in Nm: a torque of the wheel, so that it stops with the wheel."""
    return load_n * p.tyre_radius_m * (p.tyre_rolling + p.tyre_rolling_spm * abs(speed_mps))
