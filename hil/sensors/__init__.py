"""Sensors: from the plant's truth to the channels of SENSORS, a family a file."""
