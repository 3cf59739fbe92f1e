"""The motors that turn the wheel and press the pedals: from a command to CONTROLS."""
