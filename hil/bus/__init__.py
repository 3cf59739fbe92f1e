"""The car's buses in virtual time: arbitration, length of frames, queues, errors."""
