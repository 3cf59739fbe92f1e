"""Validation: the plant on standard manoeuvres, against theory and against a peer's models."""
