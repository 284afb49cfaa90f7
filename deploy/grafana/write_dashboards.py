"""Writes the Grafana dashboards from the tables of panels.py; a test holds the files equal to it.

Usage: python deploy/grafana/write_dashboards.py [--check]   (--check writes nothing and says what is out of date)
"""  # noqa: INP001 - a script beside what it writes, not a package

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from panels import DASHBOARDS, MARKS, Panel

FOLDER = Path(__file__).resolve().parent / "dashboards"
COLUMNS = 24
HEIGHTS = {"stat": 4, "timeseries": 8, "bars": 8, "bargauge": 8, "table": 6}
STATS_IN_A_LINE = 6
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
DOWN_OR_UP = [{"type": "value", "options": {"0": {"text": "no", "color": "red"}, "1": {"text": "yes", "color": "green"}}}]
# As `openweight watch` has them.
COLOURS = {"opening": "green", "closing": "red", "mixed": "yellow", "unclear": "purple", "complete": "green", "failed": "red"}
NOT_SHOWN = ("Time", "Value", "__name__", "instance", "job", "alertstate")


def panel_json(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    is_instant = panel.kind in {"stat", "bargauge", "table"}
    targets = [
        {
            "refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": query, "legendFormat": legend or panel.title,
            "instant": is_instant, "range": not is_instant, "format": "table" if panel.kind == "table" else "time_series",
        }
        for index, (legend, query) in enumerate(panel.queries.items())
    ]  # fmt: skip
    written = {
        "id": number, "title": panel.title, "description": panel.meaning, "type": "timeseries" if panel.kind == "bars" else panel.kind,
        "datasource": DATASOURCE, "gridPos": place, "targets": targets,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _colours(panel)}, "options": _options(panel),
    }  # fmt: skip
    if panel.kind == "table":
        written["transformations"] = [{"id": "organize", "options": {"excludeByName": dict.fromkeys(NOT_SHOWN, True)}}]
    return written


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": "short" if panel.unit == "yes" else panel.unit, "min": 0}
    if panel.empty:
        defaults["noValue"] = panel.empty
    if panel.unit == "yes":
        defaults["mappings"] = DOWN_OR_UP
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.kind in {"timeseries", "bars"}:
        is_bars = panel.kind == "bars"
        defaults["custom"] = {
            "drawStyle": "bars" if is_bars else "line", "fillOpacity": 60 if is_bars else 10, "showPoints": "never",
            "stacking": {"mode": "normal" if is_bars else "none"},
            "thresholdsStyle": {"mode": "off" if panel.bad_from is None else "dashed"},
        }  # fmt: skip
    return defaults


def _colours(panel: Panel) -> list[dict[str, Any]]:
    """The same colour for the same direction everywhere."""
    if "{{direction}}" not in panel.queries and not panel.queries.keys() & COLOURS.keys():
        return []
    return [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for name, colour in COLOURS.items()
    ]  # fmt: skip


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {"colorMode": "value", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}}
    if panel.kind == "bargauge":
        return {"orientation": "horizontal", "displayMode": "basic", "reduceOptions": {"calcs": ["lastNotNull"]}}
    if panel.kind == "table":
        return {"showHeader": True}
    # A single series has its name in the title.
    legend = {"showLegend": list(panel.queries) != [""], "displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"]}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def lay_out(sections: dict[str, list[Panel]]) -> list[dict[str, Any]]:
    """A row for each section, below it its panels from left to right; one that stands alone in its line has all of it."""
    placed: list[dict[str, Any]] = []
    top = 0
    for title, panels in sections.items():
        placed.append({
            "id": len(placed) + 1, "title": title, "type": "row", "collapsed": False, "panels": [], "targets": [],
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        })  # fmt: skip
        top += 1
        for line in _lines_of(panels):
            width, height = COLUMNS // len(line), HEIGHTS[line[0].kind]
            for column, panel in enumerate(line):
                placed.append(panel_json(panel, len(placed) + 1, {"x": column * width, "y": top, "w": width, "h": height}))
            top += height
    return placed


def _lines_of(panels: list[Panel]) -> list[list[Panel]]:
    found: list[list[Panel]] = []
    for panel in panels:
        room = {"stat": STATS_IN_A_LINE, "table": 1}.get(panel.kind, 2)
        if found and len(found[-1]) < room and HEIGHTS[found[-1][0].kind] == HEIGHTS[panel.kind]:
            found[-1].append(panel)
        else:
            found.append([panel])
    return found


def dashboard(name: str) -> dict[str, Any]:
    meaning, sections = DASHBOARDS[name]
    link = {"type": "dashboards", "tags": ["openweight"], "title": "openweight-monitor", "asDropdown": False, "keepTime": True}
    variable = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    marks = [
        {"name": kind, "datasource": DATASOURCE, "enable": True, "iconColor": colour, "expr": query, "step": "60s", "titleFormat": text}
        for text, (kind, colour, query) in MARKS.items()
    ]
    return {
        "uid": f"openweight-{name}", "title": f"openweight: {name}", "description": meaning, "tags": ["openweight"], "schemaVersion": 39,
        "editable": False, "graphTooltip": 1, "refresh": "15s", "time": {"from": "now-6h", "to": "now"}, "timezone": "utc", "links": [link],
        "templating": {"list": [variable]}, "annotations": {"list": marks}, "panels": lay_out(sections),
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    wanted = {FOLDER / f"{name}.json": json.dumps(dashboard(name), indent=1) + "\n" for name in DASHBOARDS}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.name} is out of date: make schemas\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(wanted[path], "utf-8")
        sys.stdout.write(f"wrote {path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
