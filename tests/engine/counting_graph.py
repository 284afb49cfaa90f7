"""A graph whose state shows: two keys count up by a timer, and write each count with the pid of the worker to a file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.coders import VarIntCoder
from apache_beam.io.flink.flink_streaming_impulse_source import FlinkStreamingImpulseSource
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Duration, Timestamp


class Count(beam.DoFn):  # type: ignore[misc]  # Beam has no types that mypy reads
    COUNT = ReadModifyWriteStateSpec("count", VarIntCoder())
    IS_RUNNING = ReadModifyWriteStateSpec("is_running", VarIntCoder())
    TICK = TimerSpec("tick", TimeDomain.REAL_TIME)

    def __init__(self, output: str) -> None:
        self.output = output

    def process(
        self,
        _element: Any,
        is_running: Any = beam.DoFn.StateParam(IS_RUNNING),  # noqa: B008 - how Beam declares a parameter
        tick: Any = beam.DoFn.TimerParam(TICK),  # noqa: B008 - how Beam declares a parameter
    ) -> None:
        if not is_running.read():
            is_running.write(1)
            tick.set(Timestamp.now())

    @on_timer(TICK)  # type: ignore[untyped-decorator]  # the same
    def count_up(
        self,
        key: str = beam.DoFn.KeyParam,
        count: Any = beam.DoFn.StateParam(COUNT),  # noqa: B008 - how Beam declares a parameter
        tick: Any = beam.DoFn.TimerParam(TICK),  # noqa: B008 - how Beam declares a parameter
    ) -> Iterator[int]:
        value = (count.read() or 0) + 1
        count.write(value)
        tick.set(Timestamp.now() + Duration(seconds=0.1))
        with Path(self.output).open("a") as file:
            file.write(f"{key} {value} {os.getpid()}\n")
        yield value


def build(pipeline: beam.Pipeline, output: str) -> None:
    (
        pipeline
        | "Tick" >> FlinkStreamingImpulseSource().set_interval_ms(5000)
        | "Keys" >> beam.FlatMap(lambda _: [("a", 0), ("b", 0)])
        | "Count" >> beam.ParDo(Count(output))
    )
