"""Logs through the same compiled tick: what came out then, and what comes out now."""

from tianyuan.hil.replay.own import read_ticks
from tianyuan.hil.replay.run import Outcome, replay

__all__ = ["Outcome", "read_ticks", "replay"]
