"""Faults inside a Python worker: Python imports this module at its start when a test has put its folder on PYTHONPATH.

So the product holds no failpoint that could be switched on. FAULTS_FOLDER names a folder with files that a test writes while all runs:
`armed` holds a point and a count: the process is killed (SIGKILL) when it passes that point for the so-many-th time, and the file becomes
`fired`; `bug` holds the name of a bug that the code is to have; `labels` the path of a file of labelled articles that are judged by their labels. An article whose bytes hold FAULT-EXIT, FAULT-KILL or FAULT-HANG ends its
process, or hangs it.
"""

# ruff: noqa: SLF001, PLC0415 - it changes what is private, and imports nothing before the worker does

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("FAULTS_FOLDER", "/nonexistent"))
ARMED, FIRED, BUG = (str(FOLDER / name) for name in ("armed", "fired", "bug"))
LABELS = FOLDER / "labels"
passed: Counter[str] = Counter()


def pass_point(point: str) -> None:
    """Ends this process when the test has armed this point."""
    if not os.path.exists(ARMED):  # noqa: PTH110 - a point is passed with each record
        return
    try:
        armed, count = Path(ARMED).read_text().split()
    except (OSError, ValueError):
        return
    if armed != point:
        return
    passed[point] += 1
    if passed[point] >= int(count):
        Path(ARMED).rename(FIRED)
        os.kill(os.getpid(), signal.SIGKILL)


def has_bug(name: str) -> bool:
    try:
        return os.path.exists(BUG) and Path(BUG).read_text().strip() == name  # noqa: PTH110 - the same
    except OSError:
        return False


def change_reading(module: Any) -> None:
    hand_on, choose_pause = module.PollPartition._hand_on, module.PollPartition._choose_pause

    def hand_on_and_pass(self: Any, topic: str, partition: int, buffer: Any) -> Iterator[Any]:
        if has_bug("commit_before_flush") and buffer.records:
            end = buffer.next_offset + min(self._plan.records_per_poll, len(buffer.records))
            commit_now(self._connection, self._plan.group, topic, partition, end)
        for record in hand_on(self, topic, partition, buffer):
            yield record
            pass_point("after_poll")

    def pass_and_choose(self: Any, *arguments: Any) -> float:
        # The offset is written, the timer is not set yet.
        pass_point("after_offset")
        return float(choose_pause(self, *arguments))

    module.PollPartition._hand_on = hand_on_and_pass
    module.PollPartition._choose_pause = pass_and_choose


def commit_now(connection: Any, group: str, topic: str, partition: int, offset: int) -> None:
    from kafka import TopicPartition
    from kafka.structs import OffsetAndMetadata

    from connectors.kafka.connection import share_admin

    offsets = {TopicPartition(topic, partition): OffsetAndMetadata(offset, "", -1)}
    share_admin(connection).ask(lambda client: client.alter_group_offsets(group, offsets))


def change_buffer(module: Any) -> None:
    pop = module.PartitionBuffer.pop

    def pop_and_skip(self: Any) -> Any:
        record = pop(self)
        if has_bug("offset_plus_one"):
            self.next_offset += 1
        return record

    module.PartitionBuffer.pop = pop_and_skip


def change_writing(module: Any) -> None:
    process, finish_bundle = module.SendMessages.process, module.SendMessages.finish_bundle

    def send_and_pass(self: Any, message: Any) -> None:
        process(self, message)
        pass_point("mid_produce")

    def finish_and_pass(self: Any) -> None:
        has_sent = bool(self._sent)
        if has_sent:
            pass_point("before_flush")
        if has_bug("no_flush"):
            self._sent = []
        finish_bundle(self)
        if has_sent:
            pass_point("after_flush")

    module.SendMessages.process = send_and_pass
    module.SendMessages.finish_bundle = finish_and_pass


def change_committing(module: Any) -> None:
    commit = module.OffsetCommitter.commit

    def pass_and_commit(self: Any, *arguments: Any) -> None:
        pass_point("at_checkpoint")
        commit(self, *arguments)

    module.OffsetCommitter.commit = pass_and_commit


def change_decoding(module: Any) -> None:
    call = module.DecodeMessage.__call__

    def fail_or_decode(self: Any, raw: Any) -> Any:
        value = raw.value or b""
        if b"FAULT-EXIT" in value:
            os._exit(3)
        if b"FAULT-KILL" in value:
            os.kill(os.getpid(), signal.SIGKILL)
        while b"FAULT-HANG" in value:
            pass
        return call(self, raw)

    module.DecodeMessage.__call__ = fail_or_decode


def change_attempting(module: Any) -> None:
    process = module._AttemptEach.process

    def process_and_swallow(self: Any, record: Any) -> list[Any]:
        outputs: list[Any] = process(self, record)
        if has_bug("swallow_decode_errors") and self._stage == "decode":
            return [output for output in outputs if not hasattr(output, "tag")]
        return outputs

    module._AttemptEach.process = process_and_swallow


def change_judging(module: Any) -> None:
    if LABELS.exists():
        from judge_by_labels import judge_by_labels

        judge_by_labels(module, Path(LABELS.read_text()))


CHANGES: dict[str, Callable[[Any], None]] = {
    "connectors.kafka.read": change_reading,
    "connectors.kafka.fetch": change_buffer,
    "connectors.kafka.write": change_writing,
    "connectors.kafka.commit": change_committing,
    "transforms.decode": change_decoding,
    "transforms.attempt": change_attempting,
    "transforms.flag_policy_change": change_judging,
}


class ChangeAfterImport(importlib.abc.MetaPathFinder):
    """Imports a module as usual and changes it before anybody sees it."""

    def find_spec(self, name: str, path: Any, _target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name not in CHANGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_change(module: Any) -> None:
                run(module)
                CHANGES[name](module)

            spec.loader.exec_module = run_and_change  # type: ignore[method-assign]
        return spec


if FOLDER.is_dir() and "pipeline.run_worker" in sys.orig_argv:
    sys.meta_path.insert(0, ChangeAfterImport())
