"""Whether a multiplexed signal is ever in a frame: by what its multiplexors are sent as."""

from __future__ import annotations

from collections.abc import Iterator

from cantools.database.can import Message, Signal

from tianyuan.control.errors import InputError
from tianyuan.dbc import layout
from tianyuan.firmware.car_messages import Messages
from tianyuan.firmware.car_shape import WIRED, Car
from tianyuan.firmware.wiring import constant, entries


def unselected(car: Car, message: Message, signal: Signal, messages: Messages) -> Iterator[str]:
    """What keeps a signal out of every frame, a clause for each multiplexor.

    One that a channel or an echo feeds may select it yet.
    """
    fed = {each.wired.signal for table in WIRED for each in entries(car, table)}
    fed |= set(car.echo)
    inner = signal
    while inner.multiplexer_signal:
        selector = message.get_signal_by_name(inner.multiplexer_signal)
        name, ids = f"{message.name}.{selector.name}", inner.multiplexer_ids or []
        raw = _raw(car, name, selector, messages)
        if name not in fed and raw not in ids:
            yield (
                f"{signal.name} is in a frame only while {selector.name} is "
                f"{' or '.join(map(str, ids))}, and that is sent as {raw}; say "
                f'"{name}" = {_physical(selector, ids[0]):g} in [constants]'
            )
        inner = selector


def _raw(car: Car, name: str, selector: Signal, messages: Messages) -> int:
    """What a multiplexor that nothing feeds is sent as."""
    if name in car.constants:
        try:
            return round(constant(car, name, car.constants[name], messages)[1])
        except InputError:  # a mistake of its own
            pass
    return layout.initial_bits(selector)


def _physical(selector: Signal, raw: int) -> float:
    return raw * float(selector.scale) + float(selector.offset)
