"""The job on a Flink cluster: submitted from its newest state, the restore proven, watched, stopped with a savepoint."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

import structlog

from pipeline import restore_points
from pipeline.choose_ports import HOST, find_free_port, is_listening
from pipeline.engine import java_command
from pipeline.fetch_jars import JarKind, fetch_jars
from pipeline.flink_rest import TERMINAL_STATES, CheckpointStatus, FlinkAway, FlinkRest
from pipeline.processes import ChildProcess, wait_until
from pipeline.start_failure import StartFailure
from pipeline.submit_graph import GraphReference, Submission

if TYPE_CHECKING:
    from pipeline.find_java import JavaInstallation

log = structlog.get_logger()
