"""A receiver as the car's bus knows it: from what it says to frames of the car's DBC.

A frame is made the moment that its last value is there, so a position leaves with the GGA
and does not wait for the rest of its epoch. A velocity is a speed and the heading of the same
instant: once a receiver has told a heading, no velocity leaves without one. The heading is
that of two antennas and never the course over ground, from which it differs by the very
sideslip that the driver wants to know. What a receiver disowns leaves with quality None.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import SENSORS, record
from tianyuan.dbc.codec import SENT, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.drivers.fix import Fix, Quality
from tianyuan.drivers.local_frame import LocalFrame
from tianyuan.firmware.car_file import Car
from tianyuan.firmware.gnss.age import Clock
from tianyuan.firmware.gnss.carriers import POSITION, SLOT, VELOCITY, Carrier, bounds, carriers
from tianyuan.firmware.gnss.epochs import Epoch, Epochs
from tianyuan.firmware.tables import wire
from tianyuan.firmware.timing import limit_s

LATE_S: Final = 0.02  # beyond the delay that the driver reckons with: 1.4 m at 70 m/s
AHEAD_S: Final = 0.05  # a fix from further in the future says that a clock is wrong
AGES: Final = 20_000  # newest ages that are kept
_TURN_RAD: Final = 2.0 * math.pi


@dataclass(slots=True)
class FixCounts:
    """What became of the fixes, in frames."""

    sent: int = 0
    disowned: int = 0  # of those sent: with quality None
    late: int = 0  # of those sent: LATE_S older than the driver reckons with
    old: int = 0  # not sent: older than the car trusts a sensor
    ahead: int = 0  # not sent: from the future
    out_of_range: int = 0  # not sent: a value that its signal cannot carry
    incomplete: int = 0  # velocities not sent, for want of a heading of their instant

    def figures(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


class Receiver:
    """Makes frames of fixes, in ``frames``, by the car's own codec and protection.

    They are for the bus of ``channel``.

    ``offset_rad`` is how far the second antenna, seen from the primary one, is turned
    clockwise from the car's nose: a quarter turn where it is on the right. Raises InputError.
    """

    def __init__(self, car: Car, frame: LocalFrame, clock: Clock, offset_rad: float = 0.0) -> None:
        if not math.isfinite(offset_rad):
            raise InputError(f"heading offset {offset_rad}: not a number; give degrees clockwise")
        wired = wire(car)
        self.codec = wired.sensors
        self.carriers, self.channel = carriers(car, wired)
        self.frames = frames(len(self.carriers))
        self.counts = FixCounts()
        self.ages_s: deque[float] = deque(maxlen=AGES)
        self.epochs = Epochs()
        self.sd_m: float | None = None  # standard deviation of the position, as last told
        self.oldest_s = limit_s(car, "position")
        self._late_s = float(car.parameters["estimator"]["gnss_delay_s"]) + LATE_S
        self._frame, self._clock, self._offset_rad = frame, clock, offset_rad
        self._sent = records(self.codec, SENT)
        self._values = record(SENSORS).view(np.float64)
        self._bounds = {name: bounds(self.codec, name) for name in SLOT}
        self._where = (frame.latitude_deg, frame.longitude_deg)
        self._epoch: Epoch | None = None
        self._gone: set[str] = set()  # messages that have left, or were refused, of this epoch
        self._tells_heading: bool | None = None  # unknown before the first epoch has ended

    def rehearse(self) -> None:
        """Compile what makes frames, or take it from the cache, by one that nobody sees."""
        nobodys = records(self.codec, SENT)
        encode(self.codec, self.carriers[0].place, nobodys, self._values, self.frames, 0)

    def take(self, fix: Fix, t_ns: int) -> int:
        """Take in what was read at ``t_ns``; returns how many of ``frames`` are to be sent."""
        if fix.north_sd_m is not None and fix.east_sd_m is not None:
            self.sd_m = math.hypot(fix.north_sd_m, fix.east_sd_m)
        epoch = self.epochs.take(fix, t_ns)
        if epoch is None:
            return 0
        if epoch is not self._epoch:
            self._turn_to(epoch)
        if epoch.pointing is not None:
            self._tells_heading = True
        count = 0
        for carrier in self.carriers:
            if carrier.name not in self._gone and self._is_ready(carrier, epoch):
                self._gone.add(carrier.name)
                count += self._make(carrier, epoch, t_ns, count)
        return count

    def forget(self) -> None:
        """Begin anew with the sentences, after an interruption."""
        self.epochs.forget()
        self._epoch = None

    def _turn_to(self, epoch: Epoch) -> None:
        before, self._epoch = self._epoch, epoch
        self._gone.clear()
        if before is None or before.moving is None or before.pointing is not None:
            return
        if self._tells_heading:
            self.counts.incomplete += 1
        else:
            self._tells_heading = False

    def _is_ready(self, carrier: Carrier, epoch: Epoch) -> bool:
        if carrier.channels & POSITION and epoch.position is None:
            return False
        if not carrier.channels & VELOCITY:
            return True
        pointed = epoch.pointing is not None or self._tells_heading is False
        return epoch.moving is not None and pointed

    def _make(self, carrier: Carrier, epoch: Epoch, t_ns: int, at: int) -> int:
        """Make a message frame ``at`` if it may leave; returns 1 if so."""
        counts, age_s = self.counts, self._clock.age_s(epoch.utc_s, t_ns)
        self.ages_s.append(age_s)
        if age_s > self.oldest_s:
            counts.old += 1
            return 0
        if age_s < -AHEAD_S:
            counts.ahead += 1
            return 0
        owned = self._fill(carrier, epoch)
        if not self._fits(carrier):
            counts.out_of_range += 1
            return 0
        if encode(self.codec, carrier.place, self._sent, self._values, self.frames, at) < 0:
            counts.out_of_range += 1
            return 0
        counts.sent += 1
        counts.disowned += not owned
        counts.late += age_s > self._late_s
        return 1

    def _fill(self, carrier: Carrier, epoch: Epoch) -> bool:
        """Set the message's channels; returns whether the receiver stands by them."""
        owned = True
        if carrier.channels & POSITION and epoch.position is not None:
            owned &= self._fill_position(epoch.position)
        if carrier.channels & VELOCITY and epoch.moving is not None:
            self._set("gnss_speed_mps", epoch.moving.speed_mps or 0.0)
            owned &= self._fill_heading(epoch.pointing)
        return owned

    def _set(self, channel: str, value: float) -> None:
        self._values[SLOT[channel]] = value

    def _fill_position(self, fix: Fix) -> bool:
        quality = fix.quality or Quality.NONE
        self._set("gnss_quality", float(quality))
        if quality is Quality.NONE or fix.latitude_deg is None or fix.longitude_deg is None:
            return False  # the place stays the last one; nobody may use it
        self._where = (fix.latitude_deg, fix.longitude_deg)
        east, north = self._frame.east_north_m(*self._where, fix.height_m or 0.0)
        self._set("gnss_x_m", east)
        self._set("gnss_y_m", north)
        return True

    def _fill_heading(self, fix: Fix | None) -> bool:
        quality = (fix and fix.heading_quality) or Quality.NONE
        self._set("gnss_heading_quality", float(quality))
        if fix is None or quality is Quality.NONE or fix.heading_rad is None:
            return False
        nose_rad = fix.heading_rad - self._offset_rad
        heading = self._frame.heading_rad(*self._where, nose_rad)
        # Half the cars count from -180 degrees.
        wraps = heading > self._bounds["gnss_heading_rad"][1]
        self._set("gnss_heading_rad", heading - _TURN_RAD if wraps else heading)
        return True

    def _fits(self, carrier: Carrier) -> bool:
        """Whether the wire can carry every value: the codec would send the nearest it can."""
        for channel in carrier.channels:
            low, high = self._bounds[channel]
            if not low <= self._values[SLOT[channel]] <= high:
                return False
        return True
