"""What a person got wrong."""


class InputError(ValueError):
    """Bad input from a person: one line of what, where and remedy, shown without a traceback."""
