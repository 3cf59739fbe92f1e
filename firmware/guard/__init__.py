"""The guard: whether the actuators may obey the host, judged from the bus alone."""
