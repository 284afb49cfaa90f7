"""The failures that are no fault of this program, and the exit code of each."""

from __future__ import annotations

from pipeline.exit_codes import ExitCode
from pipeline.settings import SettingsError


def foresee(error: Exception) -> ExitCode | None:
    """The exit code of a failure whose text a user can act on; None for a fault of this program."""
    from connectors.kafka.connection import BrokerUnreachableError  # noqa: PLC0415 - a command loads only what it needs
    from connectors.kafka.topics import TopicFileError  # noqa: PLC0415 - the same
    from connectors.prometheus import PortTakenError  # noqa: PLC0415 - the same
    from pipeline.flink_rest import FlinkAway  # noqa: PLC0415 - the same
    from pipeline.running import NothingRunsError  # noqa: PLC0415 - the same
    from pipeline.start_failure import StartFailure  # noqa: PLC0415 - the same

    codes: dict[type[Exception], ExitCode] = {
        SettingsError: ExitCode.USAGE,
        TopicFileError: ExitCode.USAGE,
        NothingRunsError: ExitCode.BROKER_AWAY,
        BrokerUnreachableError: ExitCode.BROKER_AWAY,
        FlinkAway: ExitCode.ENGINE_FAILED,
        StartFailure: ExitCode.ENGINE_FAILED,
        PortTakenError: ExitCode.ENGINE_FAILED,
        # A disk that is full, a file that may not be read: the text names the reason and the file.
        OSError: ExitCode.ENGINE_FAILED,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), None)
