"""Logs of CAN frames, whatever program wrote them, as arrays of frames."""
