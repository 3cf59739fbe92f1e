"""What is worked out before the car moves: track geometry, racing line, speed profile, slip map."""
