"""The one kind of error that a person who starts the system can act on."""


class StartFailure(Exception):  # noqa: N818 - named for what the operator sees
    """Something outside the code stands in the way; the text names it and the fix, on one line."""
