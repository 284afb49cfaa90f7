"""`openweight settings`: the effective settings."""

from __future__ import annotations

import json

from rich.table import Table

from pipeline.exit_codes import ExitCode
from pipeline.settings import Settings, each_setting
from pipeline.terminal import console


def print_settings(settings: Settings, *, is_all: bool, is_json: bool) -> ExitCode:
    if is_json:
        print(json.dumps(settings.model_dump(mode="json"), indent=2))
        return ExitCode.DONE
    table = Table("key", "value", *(("meaning",) if is_all else ()), box=None)
    for section, name, field in each_setting():
        value = getattr(getattr(settings, section), name)
        is_default = value == field.default
        if is_all or not is_default:
            shown = "" if value is None else ", ".join(value) if isinstance(value, tuple) else str(value)
            table.add_row(f"{section}.{name}", shown, *((field.description or "",) if is_all else ()), style="" if is_default else "bold")
    console().print(table if table.row_count else "all settings have their defaults; --all lists them")
    return ExitCode.DONE
