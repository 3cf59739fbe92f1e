"""What a log says of a drive: laps, corners, timing, faults, and one lap beside another."""
