"""The host's own position as Foxglove's schemas have it: its 3D and its map panel draw these.

The schemas are foxglove.PoseInFrame, FrameTransform and LocationFix, cut to the fields sent
(https://docs.foxglove.dev/docs/visualization/message-schemas).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from tianyuan.drivers.local_frame import LocalFrame
from tianyuan.hil.decoding.decoder import Table

POSITION, MOTION = "HOST_POSITION", "HOST_MOTION"
TRACK_FRAME, CAR_FRAME = "track", "car"
_NS_PER_S: Final = 1_000_000_000


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_NUMBER: Final = {"type": "number"}
_STRING: Final = {"type": "string"}
_TIME: Final = _object(sec={"type": "integer"}, nsec={"type": "integer"}) | {"title": "time"}
_VECTOR: Final = _object(x=_NUMBER, y=_NUMBER, z=_NUMBER)
_QUATERNION: Final = _object(x=_NUMBER, y=_NUMBER, z=_NUMBER, w=_NUMBER)
SCHEMAS: Final = {
    "foxglove.PoseInFrame": _object(
        timestamp=_TIME,
        frame_id=_STRING,
        pose=_object(position=_VECTOR, orientation=_QUATERNION),
    ),
    "foxglove.FrameTransform": _object(
        timestamp=_TIME,
        parent_frame_id=_STRING,
        child_frame_id=_STRING,
        translation=_VECTOR,
        rotation=_QUATERNION,
    ),
    "foxglove.LocationFix": _object(
        timestamp=_TIME,
        frame_id=_STRING,
        latitude=_NUMBER,
        longitude=_NUMBER,
        altitude=_NUMBER,
        position_covariance={"type": "array", "items": _NUMBER},
        position_covariance_type={"type": "integer"},
    ),
}


class Poses:
    """Poses of the car from the host's frames; the heading is the newest before a position."""

    def __init__(self, frame: LocalFrame | None) -> None:
        self._frame = frame
        self._heading_rad = 0.0

    def of(self, tables: Sequence[Table]) -> Iterator[tuple[int, int, str, str, dict[str, Any]]]:
        """Place in the block, time, topic, schema and document of each message."""
        by_name = {table.stream.layout.message.name: table for table in tables}
        position, motion = by_name.get(POSITION), by_name.get(MOTION)
        headings = _column(motion, "Heading") if motion else np.zeros(0)
        places = motion.places if motion else np.zeros(0, np.int32)
        if position is not None:
            xs, ys = _column(position, "X"), _column(position, "Y")
            if xs.size and ys.size:
                before = np.searchsorted(places, position.places) - 1
                for k, newest in enumerate(before.tolist()):
                    heading = headings[newest] if newest >= 0 else self._heading_rad
                    at = (int(position.places[k]), int(position.t_ns[k]))
                    yield from self._messages(at, float(xs[k]), float(ys[k]), float(heading))
        if headings.size:
            self._heading_rad = float(headings[-1])

    def _messages(
        self, at: tuple[int, int], x_m: float, y_m: float, heading_rad: float
    ) -> Iterator[tuple[int, int, str, str, dict[str, Any]]]:
        if not all(map(math.isfinite, (x_m, y_m, heading_rad))):
            return
        stamp = {"sec": at[1] // _NS_PER_S, "nsec": at[1] % _NS_PER_S}
        where = {"x": x_m, "y": y_m, "z": 0.0}
        half = heading_rad / 2.0
        turned = {"x": 0.0, "y": 0.0, "z": math.sin(half), "w": math.cos(half)}
        pose = {"position": where, "orientation": turned}
        yield (
            *at,
            "/host/pose",
            "foxglove.PoseInFrame",
            {"timestamp": stamp, "frame_id": TRACK_FRAME, "pose": pose},
        )
        frames = {"parent_frame_id": TRACK_FRAME, "child_frame_id": CAR_FRAME}
        moved = {"translation": where, "rotation": turned}
        yield (
            *at,
            "/host/transform",
            "foxglove.FrameTransform",
            {"timestamp": stamp} | frames | moved,
        )
        if self._frame is not None:
            latitude, longitude = self._frame.latitude_longitude_deg(np.array(x_m), np.array(y_m))
            fix = {"latitude": float(latitude), "longitude": float(longitude), "altitude": 0.0}
            unknown = {"position_covariance": [0.0] * 9, "position_covariance_type": 0}
            yield (
                *at,
                "/host/location",
                "foxglove.LocationFix",
                {"timestamp": stamp, "frame_id": CAR_FRAME} | fix | unknown,
            )


def _column(table: Table, name: str) -> np.ndarray:
    """A column of a table, empty where it has none of this name."""
    for at, column in enumerate(table.stream.layout.columns):
        if column.name == name:
            return table.words[at].view(column.kind)
    return np.zeros(0)
