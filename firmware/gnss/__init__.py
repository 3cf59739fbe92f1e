"""A satellite receiver on a serial port, published as frames of the car's own DBC."""
