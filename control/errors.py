"""Errors that a person can mend."""


class InputError(ValueError):
    """Bad input from a person: one line of what, where and remedy, shown without a traceback."""
