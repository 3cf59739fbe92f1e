"""What a message's frames look like from outside: identifier, flags and length."""

from __future__ import annotations

from typing import Final

from cantools.database.can import Message

from tianyuan.dbc.frame import BRS, EXTENDED, FDF

LENGTHS: Final = (*range(9), 12, 16, 20, 24, 32, 48, 64)  # that a frame can have


def padded(length: int) -> int:
    """Return the shortest length of a frame that holds ``length`` bytes, at most 64."""
    return next(fit for fit in LENGTHS if fit >= length)


def can_id(message: Message) -> int:
    """Return the message's identifier, with the bit of an extended one."""
    return message.frame_id | (EXTENDED if message.is_extended_frame else 0)


def key(message: Message, channel: int) -> int:
    """Return what a frame of this message is found by: its can_id and, above it, its channel."""
    return can_id(message) | channel << 32


def header(message: Message, channel: int) -> int:
    """First word of a frame of this message: can_id, length, flags and channel.

    A message longer than a classic frame is sent as CAN FD whether the DBC file says so
    or not, and the bit rate is switched where its attribute CANFD_BRS asks for it.
    """
    fd = message.is_fd or message.length > 8
    length = padded(message.length) if fd else message.length
    flags = (FDF | (BRS if _switches_rate(message) else 0)) if fd else 0
    return can_id(message) | length << 32 | flags << 40 | channel << 48


def _switches_rate(message: Message) -> bool:
    if message.dbc is None:
        return False
    attribute = message.dbc.attributes.get("CANFD_BRS")
    definition = message.dbc.attribute_definitions.get("CANFD_BRS")
    default = definition.default_value if definition else 0
    return str(attribute.value if attribute else default) == "1"
