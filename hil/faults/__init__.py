"""Faults: every way in which car, bus, host and race control can go wrong, to be injected."""
