"""What is printed for people: a console, and news text made harmless for it."""

from __future__ import annotations

import sys
import unicodedata

from rich.console import Console

WIDTH_OF_FILES = 200
# Bidirectional overrides and isolates turn the rest of a line around.
BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to the command; rich would end with 1, which is here what a check found."""
        raise BrokenPipeError


def console(*, to_error_output: bool = False) -> Console:
    """Colour on a terminal only; markup and highlighting off, since most of what is printed comes from outside."""
    is_terminal = (sys.stderr if to_error_output else sys.stdout).isatty()
    # A file or a pipe has no width; rich would fold tables at 80.
    return _Console(stderr=to_error_output, markup=False, highlight=False, soft_wrap=True, width=None if is_terminal else WIDTH_OF_FILES)


def harmless(text: str, limit_characters: int = 2_000) -> str:
    """One line of text in which no terminal finds an order: control characters and escapes become visible, line breaks spaces."""
    shown = "".join(_shown(character) for character in text[:limit_characters])
    return " ".join(shown.split()) + ("…" if len(text) > limit_characters else "")


def _shown(character: str) -> str:
    if character in "\n\t\r\u2028\u2029":
        return " "
    if character in BIDIRECTIONAL:
        return ""
    return "\ufffd" if unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} else character
