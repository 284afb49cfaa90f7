"""What the submitting process calls: the graph of `build`, between the broker's topics of these settings."""

from __future__ import annotations

import apache_beam as beam

from pipeline.build import build
from pipeline.ends import kafka_ends
from pipeline.settings import Settings


def lay_graph(pipeline: beam.Pipeline, settings_json: str, run_id: str = "") -> None:
    settings = Settings.model_validate_json(settings_json)
    build(pipeline, kafka_ends(settings, run_id), settings)
