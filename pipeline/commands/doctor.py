"""`openweight doctor`: is everything there, does everything run, and what to do when not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rich.table import Table

from connectors.kafka.connection import BrokerUnreachableError, wait_for_broker
from connectors.kafka.topics import compare_topics
from pipeline.ends import kafka_connection
from pipeline.exit_codes import ExitCode
from pipeline.fetch_jars import JarKind, fetch_jars
from pipeline.find_java import find_java
from pipeline.flink_rest import TERMINAL_STATES, FlinkAway, FlinkRest
from pipeline.running import NothingRunsError, read_addresses, with_broker
from pipeline.settings import Settings
from pipeline.start_failure import StartFailure
from pipeline.terminal import console
from pipeline.topic_file import read_topics

LEAST_FREE_GIGABYTES = 2
ANSWER_SECONDS = 5
OLD_CHECKPOINT_SECONDS = 120


class Finding(NamedTuple):
    """One check: `advice` is empty when nothing is wrong."""

    subject: str
    state: str
    advice: str = ""


def examine(settings: Settings) -> ExitCode:
    """Prints every check; FOUND when one is not in order."""
    table = Table("", "check", "state", "what to do", box=None)
    has_problem = False
    for check in (_python, _java, _maven_and_jars, _extensions, _model, _state_folder, _warnings, _broker, _engine):
        for finding in check(settings):
            has_problem |= bool(finding.advice)
            mark = "problem" if finding.advice else "ok"
            table.add_row(mark, finding.subject, finding.state, finding.advice, style="bold red" if finding.advice else "")
    console().print(table)
    return ExitCode.FOUND if has_problem else ExitCode.DONE


def _python(_settings: Settings) -> Iterator[Finding]:
    is_supported = (3, 11) <= sys.version_info < (3, 14)
    yield Finding("Python", sys.version.split()[0], "" if is_supported else "use Python 3.11 to 3.13")


def _java(settings: Settings) -> Iterator[Finding]:
    try:
        java = find_java(settings.engine.java_home)
        yield Finding("Java", f"{java.major_version} at {java.executable}")
    except StartFailure as failure:
        yield Finding("Java", "not found", str(failure))


def _maven_and_jars(settings: Settings) -> Iterator[Finding]:
    needed = [JarKind.ENGINE] if settings.broker.bootstrap_servers else list(JarKind)
    for kind in needed:
        try:
            yield Finding(f"jars of the {kind.value}", f"{len(fetch_jars(kind, settings.state.folder.absolute()))}, hashes right")
        except StartFailure as failure:
            yield Finding(f"jars of the {kind.value}", "not there", str(failure))


def _extensions(_settings: Settings) -> Iterator[Finding]:
    # Without them the job works, several times slower, and says nothing.
    for module, package in (("crc32c", "kafka-python[crc32c]"), ("langdetect_rs", "langdetect-rs")):
        is_there = importlib.util.find_spec(module) is not None
        yield Finding(module, "installed" if is_there else "missing, the job is slow", "" if is_there else f"pip install '{package}'")


def _model(_settings: Settings) -> Iterator[Finding]:
    from transforms.model.judge import load_judge, model_version  # noqa: PLC0415 - loads 200 MB
    from transforms.model.probe import LEAST_AGREEMENT, measure_agreement  # noqa: PLC0415 - the same

    try:
        load_judge()
        yield Finding("model", model_version())
        agreement = measure_agreement()
        advice = "" if agreement >= LEAST_AGREEMENT else "use another machine, or another version of onnxruntime"
        yield Finding("model on this processor", f"agrees to {agreement:.4f} with where it was trained", advice)
    except (OSError, ValueError) as error:
        yield Finding("model", f"cannot be loaded: {error}", "git checkout transforms/model/weights, or make train")


def _state_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.state.folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        yield Finding("state folder", f"{folder} cannot be written", "change its owner, or set state.folder")
        return
    free = shutil.disk_usage(existing).free / 1e9
    advice = "" if free >= LEAST_FREE_GIGABYTES else f"make room: at least {LEAST_FREE_GIGABYTES} GB for topics and checkpoints"
    yield Finding("state folder", f"{folder}, {free:.0f} GB free", advice)


def _warnings(settings: Settings) -> Iterator[Finding]:
    for warning in settings.warnings():
        yield Finding("settings", warning.text, warning.fix)


def _broker(settings: Settings) -> Iterator[Finding]:
    try:
        settings = with_broker(settings)
    except NothingRunsError:
        yield Finding("broker", "not running, and none is configured")
        return
    connection = kafka_connection(settings)
    try:
        wait_for_broker(connection, ANSWER_SECONDS, _silent)
        yield Finding("broker", f"{connection.bootstrap_servers} answers")
        differences = compare_topics(connection, read_topics(settings))
    except BrokerUnreachableError as error:
        yield Finding("broker", str(error), "openweight run, or look at broker.bootstrap_servers and the network")
        return
    state = "; ".join(f"{one.topic} {one.what}: {one.found}" for one in differences) or "as defined"
    yield Finding("topics", state, "openweight topics" if differences else "")


def _engine(settings: Settings) -> Iterator[Finding]:
    addresses = read_addresses(settings)
    address = settings.engine.address or (addresses.flink if addresses else "")
    if not address:
        yield Finding("engine", "not running, and none is configured")
        return
    rest = FlinkRest(address)
    try:
        running = [job for job in rest.list_jobs() if job["state"] not in TERMINAL_STATES]
        yield Finding("engine", f"{address} answers, {rest.count_slots()} slots")
        if not running:
            yield Finding("job", "not running", "openweight run")
        for job in running:
            status = rest.read_checkpoints(job["jid"])
            is_old = not status.completed_id or status.age_seconds > OLD_CHECKPOINT_SECONDS
            yield Finding(
                "job", f"{job['state'].lower()}, checkpoint {status.completed_id} is {status.age_seconds:.0f} s old",
                "look at the engine's page and logs/taskmanager.log in the state folder" if is_old else "",
            )  # fmt: skip
    except FlinkAway as away:
        yield Finding("engine", str(away), "openweight run")


_silent: Callable[[str], None] = lambda _line: None  # noqa: E731 - the table says it
