"""What is wrong with a protection, whatever its message."""

from __future__ import annotations

from typing import Final

from tianyuan.dbc.checksums import CHECKSUMS
from tianyuan.dbc.protection_records import BY_COUNTER, MOST_WINDOW, Protection, Window

MODES: Final = {"P1": ("BOTH", "ALT", "LOW", "NIBBLE"), "P11": ("BOTH", "NIBBLE")}
PROFILES: Final = ("P1", "P2", "P5", "P11", "counter")


def problem_of(protection: Protection) -> str:
    """Say what is wrong and what would be right, or ''."""
    return _own_problem(protection) or _window_problem(protection.window)


def _own_problem(protection: Protection) -> str:
    profile, checksum = protection.profile, protection.checksum
    if profile not in PROFILES:
        return f"protection profile {profile!r}: must be one of {', '.join(PROFILES)}"
    if profile in MODES and protection.mode not in MODES[profile]:
        return f"data id mode {protection.mode!r}: must be one of {', '.join(MODES[profile])}"
    if not 0 <= protection.data_id <= 0xFFFF:
        return f"data id {protection.data_id}: must be 0 to 0xFFFF"
    ids = protection.data_ids
    if profile == "P2" and (len(ids) != 16 or not all(0 <= each <= 0xFF for each in ids)):
        return "data ids: must be 16 numbers of 0 to 0xFF, one a counter"
    if profile == "counter" and checksum and checksum not in CHECKSUMS:
        return f"checksum {checksum!r}: must be one of {', '.join(CHECKSUMS)}"
    if profile == "counter" and bool(checksum) != bool(protection.crc):
        return "checksum and crc go together: name the checksum and the signal that has it"
    named = [protection.crc, protection.counter]
    named += [protection.nibble] if protection.mode == "NIBBLE" else []
    if len(set(named)) < len(named):
        return f"signals {', '.join(named)}: must be different ones"
    if not 0 <= protection.sync < BY_COUNTER:
        return f"sync {protection.sync}: must be 0 to {BY_COUNTER - 1}"
    return ""


def _window_problem(window: Window | None) -> str:
    """What contradicts AUTOSAR's rules for a window, or ''."""
    if window is None:
        return ""
    if not 1 <= window.size <= MOST_WINDOW:
        return f"window size {window.size}: must be 1 to {MOST_WINDOW}"
    for state in ("init", "valid", "invalid"):
        good, wrong = getattr(window, f"min_ok_{state}"), getattr(window, f"max_error_{state}")
        if good < 1 or wrong < 0 or good + wrong > window.size:
            return (
                f"min_ok_{state} {good}, max_error_{state} {wrong}: must be at least 1 and 0, "
                f"and together at most the window's {window.size}"
            )
    if not window.min_ok_valid <= window.min_ok_init <= window.min_ok_invalid:
        return "min_ok: valid must ask for no more than init, and init for no more than invalid"
    if not window.max_error_invalid <= window.max_error_init <= window.max_error_valid:
        return "max_error: invalid must bear no more than init, and init no more than valid"
    return ""
