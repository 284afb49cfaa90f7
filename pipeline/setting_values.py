"""What settings are made of: sections, kinds of values that several share, and what is allowed in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, TypeVar

import re2
from pydantic import AfterValidator, BaseModel, ConfigDict

TOPIC_NAME = re.compile(r"(?!\.\.?$)[a-zA-Z0-9._-]{1,249}")
HOST_AND_PORT = re.compile(r"(?:[^\s:/,\[\]]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")
LARGEST_PORT = 65535
SectionType = TypeVar("SectionType")


def _check_addresses(text: str) -> str:
    for part in text.split(","):
        match = HOST_AND_PORT.fullmatch(part.strip())
        if text.strip() and not (match and 0 < int(match[1]) <= LARGEST_PORT):
            raise ValueError(f"{part.strip()!r} is not host:port, such as broker:9092")
    return text


def _as_text(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def _check_pattern(text: str) -> str:
    options = re2.Options()
    # Otherwise the library prints what is raised here as well.
    options.log_errors = False
    try:
        re2.compile(text, options)
    except re2.error as error:
        raise ValueError(f"no regular expression that RE2 knows: {_as_text(error)}") from None
    return text


# The processes of a run work in other folders than the one that reads the settings: a relative path would lead elsewhere.
FileOrFolder = Annotated[Path, AfterValidator(Path.absolute)]
Addresses = Annotated[str, AfterValidator(_check_addresses)]
Pattern = Annotated[str, AfterValidator(_check_pattern)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def raise_together(section: SectionType, problems: list[str]) -> SectionType:
    """Return the section; ValueError with all problems when there are any."""
    if problems:
        raise ValueError("; ".join(problems))
    return section
