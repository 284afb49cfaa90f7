"""Writes what is generated from the code: JSON Schemas, the diagram, the tables of settings, metrics, topics and languages.

Usage: python -m pipeline.write_documents [--check]   (--check writes nothing and says what is out of date)
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import msgspec
from prometheus_client.metrics import MetricWrapperBase

from connectors.kafka.topics import read_topic_definitions
from pipeline.build import build
from pipeline.ends import Ends
from pipeline.settings import Settings, each_setting
from pipeline.topic_file import TOPICS_FILE
from transforms import metrics
from transforms.records import Alert, Assessment, OutgoingMessage, PolicyState, RawMessage
from transforms.text.languages import languages

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "transforms" / "schemas"
MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


class _Begin(beam.PTransform):
    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        return begin | beam.Create([]).with_output_types(RawMessage)


class _End(beam.PTransform):
    def expand(self, messages: beam.PCollection) -> beam.PCollection:
        return messages | beam.Map(_nothing).with_input_types(OutgoingMessage)


def _nothing(_message: OutgoingMessage) -> None:
    return None


def diagram() -> str:
    """The graph of build() as mermaid: its top-level transforms and what flows between them."""
    pipeline = beam.Pipeline()
    build(pipeline, Ends(read=_Begin(), write=_End()), Settings())
    components = pipeline.to_runner_api().components
    root = components.transforms[pipeline.to_runner_api().root_transform_ids[0]]
    stages = {name: components.transforms[name] for name in root.subtransforms}
    made_by = {output: name for name, stage in stages.items() for output in stage.outputs.values()}
    lines = ["```mermaid", "flowchart LR"]
    lines += [f"  {_node(stage.unique_name)}[{stage.unique_name}]" for stage in stages.values()]
    for stage in stages.values():
        for collection in sorted(set(stage.inputs.values())):
            if collection in made_by:
                source = stages[made_by[collection]]
                tag = next(tag for tag, output in source.outputs.items() if output == collection)
                label = "|rejected| " if tag == "rejected" else ""
                lines.append(f"  {_node(source.unique_name)} -->{label}{_node(stage.unique_name)}")
    return "\n".join([*lines, "```"])


def _node(label: str) -> str:
    return re.sub(r"\W", "", label)


def settings_table() -> str:
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for section, name, field in each_setting():
        default = field.default
        shown = "" if default in (None, "") else ", ".join(default) if isinstance(default, tuple) else str(default)
        rows.append(f"| `{section}.{name}` | {f'`{shown}`' if shown else ''} | {field.description} |")
    return "\n".join(rows)


def metrics_table() -> str:
    rows = ["| metric | labels | meaning |", "|---|---|---|"]
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            suffix = {"counter": "_total", "histogram": "_bucket"}.get(str(metric._type), "")  # noqa: SLF001 - the only way to ask
            labels = ", ".join(metric._labelnames)  # noqa: SLF001 - the same
            rows.append(f"| `{metric._name}{suffix}` | {labels} | {metric._documentation} |")  # noqa: SLF001 - the same
    return "\n".join(rows)


def topics_table() -> str:
    rows = ["| topic | partitions | cleanup | key | value | written by | read by |", "|---|---|---|---|---|---|---|"]
    for name, one in read_topic_definitions(TOPICS_FILE).items():
        cleanup = one.config.get("cleanup.policy", "")
        rows.append(f"| `{name}` | {one.partitions} | {cleanup} | {one.key} | {one.value} | {one.written_by} | {one.read_by} |")
    return "\n".join(rows)


def languages_table() -> str:
    rows = ["| tag | language | script |", "|---|---|---|"]
    rows += [f"| `{one.tag}` | {one.name} | {one.script} |" for one in languages().values()]
    return "\n".join(rows)


GENERATED = {
    "diagram": diagram, "settings": settings_table, "metrics": metrics_table, "topics": topics_table, "languages": languages_table,
}  # fmt: skip
DOCUMENTS = ("ARCHITECTURE.md", "deploy/README.md", "transforms/languages/README.md")


def schema(record: Any) -> str:
    generated = msgspec.json.schema(record)
    generated = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": record.__name__} | generated
    return json.dumps(generated, indent=2, ensure_ascii=False) + "\n"


def contents() -> Iterator[tuple[Path, str]]:
    """Every generated file with what should be in it."""
    for name, record in (("alert", Alert), ("assessment", Assessment), ("policy", PolicyState)):
        yield SCHEMAS / f"{name}.schema.json", schema(record)
    for name in DOCUMENTS:
        text = (ROOT / name).read_text("utf-8")
        yield ROOT / name, MARKED.sub(lambda found: f"{found[1]}{GENERATED[found[2]]()}\n{found[3]}", text)


def main(arguments: list[str]) -> int:
    stale = [(path, text) for path, text in contents() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path, _ in stale:
            print(f"{path.relative_to(ROOT)} is out of date: make schemas", file=sys.stderr)  # noqa: T201 - a command
        return 1 if stale else 0
    for path, text in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")  # noqa: T201 - a command
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
