"""Scenarios: a car, a circuit, conditions and faults, driven and judged by bus and plant alone."""
