"""Who types the command."""

import getpass


def author() -> str:
    """Return the name that an act is recorded under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
