"""Logs as they are written: in pieces, each safe from a power cut before the next."""
