"""What the host publishes about itself, by the names of ``dbc/host.dbc``."""

from __future__ import annotations

from typing import Final

import numpy as np

# Field and the signal that carries it; eight bytes a field, as the codec wants its channels.
SIGNALS: Final = {
    "x_m": "HOST_POSITION.X",
    "y_m": "HOST_POSITION.Y",
    "heading_rad": "HOST_MOTION.Heading",
    "speed_mps": "HOST_MOTION.Speed",
    "cross_track_m": "HOST_TRACKING.CrossTrack",
    "heading_error_rad": "HOST_TRACKING.HeadingError",
    "station_m": "HOST_PROGRESS.Station",
    "target_mps": "HOST_PROGRESS.Target",
    "mode": "HOST_STATE.Mode",
    "cause": "HOST_STATE.Cause",
    "laps": "HOST_STATE.Laps",
    "wake_us": "HOST_TIMING.Wake",
    "receive_us": "HOST_TIMING.Receive",
    "tick_us": "HOST_TIMING.Tick",
    "send_us": "HOST_TIMING.Send",
    "overruns": "HOST_OVERRUNS.Overruns",
    "refused": "HOST_OVERRUNS.Refused",
    "shutdown": "HOST_INPUT.Shutdown",
    "interface_down": "HOST_INPUT.InterfaceDown",
    "overruns_in_a_row": "HOST_INPUT.OverrunsInARow",
    "unsent_in_a_row": "HOST_INPUT.UnsentInARow",
    "bus_off": "HOST_BUSES.BusOff",
    "no_acknowledge": "HOST_BUSES.NoAcknowledge",
    "error_passive": "HOST_BUSES.ErrorPassive",
    "error_warning": "HOST_BUSES.ErrorWarning",
}
# The loop writes the timing, the overruns, the shutdown and what became of the frames sent;
# the tick writes the rest. So the frames hold all that a tick was told, and a replay can tell
# it again.
HOST: Final = np.dtype([(name, "f8") for name in SIGNALS])

MOST_BUSES: Final = 7  # of a car: the channels of their frames are 0 and on
HOST_CHANNEL: Final = MOST_BUSES  # frames of host.dbc, on a bus of their own
EVERY_TICK: Final = ("HOST_TIMING", "HOST_INPUT")
CYCLE_NS: Final = 10_000_000  # of the other messages
TICK_ID: Final = 0x700
POSITION_ID: Final = 0x701
GAP_ID: Final = 0x70A  # HOST_GAP, which the recorder writes and no tick sends
SNAPSHOT_ID: Final = 0x70B  # HOST_SNAPSHOT, which the loop adds to the ring and no bus carries
