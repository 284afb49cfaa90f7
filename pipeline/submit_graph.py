"""Builds the graph and hands it to Beam's job server, in a process of its own: python -m pipeline.submit_graph FILE.

A process of its own, since Beam loads 130 MB that nobody needs afterwards. The file is a pickle that the parent has just written:
it never leaves the machine or the run.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class GraphReference:
    """A function `(pipeline, *arguments) -> None` that builds the graph, named so that only the submitting process imports it."""

    module: str
    function: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Submission:
    graph: GraphReference
    options: tuple[str, ...]

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(pickle.dumps(self))


def submit_graph(submission: Submission) -> None:
    """Submit, and watch until the parent, which knows from Flink when the job runs, ends this process.

    Raises:
        RuntimeError: the job server or Flink refused the job; only this side is told why.
    """
    import apache_beam as beam  # noqa: PLC0415 - whoever only writes a submission does not load Beam
    from apache_beam.options.pipeline_options import PipelineOptions  # noqa: PLC0415

    build = getattr(importlib.import_module(submission.graph.module), submission.graph.function)
    pipeline = beam.Pipeline(options=PipelineOptions(list(submission.options)))
    build(pipeline, *submission.graph.arguments)
    pipeline.run().wait_until_finish()


if __name__ == "__main__":
    # Under its real name, so that the pickle finds its class.
    from pipeline.submit_graph import submit_graph as submit

    submit(pickle.loads(Path(sys.argv[1]).read_bytes()))  # noqa: S301 - written by our own parent process
