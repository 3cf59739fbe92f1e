"""Logs to signals: frames and DBC files to columns of physical values."""
