"""What a person's bad input raises; the command line shows it as its one line."""


class InputError(ValueError):
    """Bad input from a person: one line of what, where and remedy, shown without a traceback."""
