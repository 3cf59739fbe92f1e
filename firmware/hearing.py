"""What each of our processes asks of a car's buses: the frames that it decodes, and no other."""

from __future__ import annotations

from tianyuan.dbc.codec import Codec
from tianyuan.dbc.identifiers import has_fd, identifiers
from tianyuan.drivers.address import Places


def asked_of(places: Places, hears: tuple[Codec, ...], says: tuple[Codec, ...] = ()) -> Places:
    """The buses, each asked for the messages that these codecs decode and encode on it."""
    return tuple(
        place
        if isinstance(place, str)
        else place._replace(
            identifiers=identifiers(hears, channel), fd=has_fd((*hears, *says), channel)
        )
        for channel, place in enumerate(places)
    )
