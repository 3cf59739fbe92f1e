"""The driver: pure numba mathematics on plain records; no I/O, no clock, no CAN."""
