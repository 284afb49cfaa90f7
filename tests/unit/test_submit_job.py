"""What a submission asks for, and what it makes of Flink's failures."""

from pathlib import Path

from pipeline.submit_graph import GraphReference
from pipeline.submit_job import JobPlan, describe_options, is_about_restore, summarise

RESTORE_FAILURE = """\
java.lang.Exception: Exception while creating StreamOperatorStateContext.
\tat org.apache.flink.streaming.runtime.tasks.StreamTask.restoreInternal(StreamTask.java:768)
Caused by: org.apache.flink.util.FlinkException: Could not restore keyed state backend for ExecutableStageDoFnOperator
\t... 11 more
Caused by: java.io.EOFException
\t... 16 more
"""
PYTHON_FAILURE = """\
java.lang.Exception: Could not open stage
\tat org.apache.flink.streaming.runtime.tasks.StreamTask.restoreGates(StreamTask.java:793)
Caused by: java.lang.RuntimeException: Error received from SDK harness for instruction 1: Traceback (most recent call last):
  File "sdk_worker.py", line 310, in _execute
ModuleNotFoundError: No module named 'transforms'

\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient.onNext(FnApiControlClient.java:158)
"""


def make_plan(tmp_path: Path) -> JobPlan:
    graph = GraphReference("pipeline.build", "build")
    return JobPlan(graph, tmp_path, "127.0.0.1:1", "127.0.0.1:2", tmp_path / "c", tmp_path / "s", checkpoint_seconds=2.5, parallelism=3)


def test_failure_of_reading_state_back_is_told_from_one_of_the_code() -> None:
    assert is_about_restore(RESTORE_FAILURE)
    assert not is_about_restore(PYTHON_FAILURE)


def test_summary_is_the_last_cause_or_the_error_of_python() -> None:
    assert summarise(RESTORE_FAILURE) == "java.io.EOFException"
    assert summarise(PYTHON_FAILURE) == "ModuleNotFoundError: No module named 'transforms'"
    assert summarise("") == "Flink gave no reason"


def test_first_start_names_no_savepoint(tmp_path: Path) -> None:
    assert not any("savepoint" in option for option in describe_options(make_plan(tmp_path), "127.0.0.1:3", None, 1))


def test_restore_names_the_savepoint_as_a_url_and_each_worker_gets_a_process(tmp_path: Path) -> None:
    options = describe_options(make_plan(tmp_path), "127.0.0.1:3", tmp_path / "savepoint-1", 2)
    assert f"--savepoint_path=file://{tmp_path}/savepoint-1" in options
    assert {"--parallelism=3", "--sdk_worker_parallelism=2", "--max_parallelism=128", "--checkpointing_interval=2500"} <= set(options)
