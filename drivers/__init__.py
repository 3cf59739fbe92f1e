"""The ports: buses and clocks, read and written from inside compiled code."""
