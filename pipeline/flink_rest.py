"""What Flink's REST interface is asked: jobs, checkpoints, stop with a savepoint, cancel."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx

TERMINAL_STATES = frozenset({"FINISHED", "FAILED", "CANCELED"})
REQUEST_LIMIT_SECONDS = 10


class FlinkAway(Exception):  # noqa: N818 - a state of the cluster, not a mistake
    """The cluster does not answer, or does not know what it was asked for; the text says which."""


@dataclass(frozen=True)
class CheckpointStatus:
    """How well the job's progress is kept; `completed_id` is 0 before the first checkpoint."""

    completed_id: int
    completed_count: int
    failed_count: int
    restored_count: int
    age_seconds: float
    duration_seconds: float
    size_bytes: int
    path: str


class FlinkRest:
    """One cluster, by `address`: host:port of its REST interface. Every method raises FlinkAway."""

    def __init__(self, address: str) -> None:
        self.address = address
        # A proxy of the machine's environment is for the world outside, not for its own engine.
        self.client = httpx.Client(base_url=f"http://{address}", timeout=REQUEST_LIMIT_SECONDS, trust_env=False)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = self.client.request(method, path, json=body)
            answer.raise_for_status()
            return answer.json() if answer.content else {}
        except httpx.HTTPStatusError as error:
            reason = error.response.text[:300]
            raise FlinkAway(f"Flink at {self.address} refuses {method} {path}: {error.response.status_code} {reason}") from None
        except (httpx.HTTPError, ValueError) as error:
            raise FlinkAway(f"Flink at {self.address} does not answer {method} {path}: {error}") from None

    def count_slots(self) -> int:
        """Slots of all TaskManagers that have registered."""
        return int(self.ask("GET", "/overview")["slots-total"])

    def count_slots_of_each(self) -> int:
        """Slots of one TaskManager, all being alike; 0 while none has registered."""
        overview = self.ask("GET", "/overview")
        return int(overview["slots-total"]) // (int(overview["taskmanagers"]) or 1)

    def list_jobs(self) -> list[dict[str, Any]]:
        """Each with `jid`, `name`, `state`, `start-time` (milliseconds since 1970)."""
        return list(self.ask("GET", "/jobs/overview")["jobs"])

    def read_state(self, job_id: str) -> str:
        return str(self.ask("GET", f"/jobs/{job_id}/status")["status"])

    def are_all_tasks_running(self, job_id: str) -> bool:
        vertices = self.ask("GET", f"/jobs/{job_id}")["vertices"]
        return bool(vertices) and all(vertex["status"] == "RUNNING" for vertex in vertices)

    def read_exceptions(self, job_id: str) -> tuple[int, str]:
        """Return how many failures are on record, 16 at most, and the stack trace of the newest, empty when there was none."""
        entries = self.ask("GET", f"/jobs/{job_id}/exceptions")["exceptionHistory"]["entries"]
        return len(entries), str(entries[0]["stacktrace"]) if entries else ""

    def count_restarts(self, job_id: str) -> int:
        values = self.ask("GET", f"/jobs/{job_id}/metrics?get=numRestarts")
        return int(float(values[0]["value"])) if values else 0  # type: ignore[index]  # this path answers with a list

    def read_checkpoints(self, job_id: str) -> CheckpointStatus:
        answer = self.ask("GET", f"/jobs/{job_id}/checkpoints")
        newest = answer["latest"]["completed"] or {}
        return CheckpointStatus(
            completed_id=newest.get("id", 0),
            completed_count=answer["counts"]["completed"],
            failed_count=answer["counts"]["failed"],
            restored_count=answer["counts"]["restored"],
            age_seconds=max(0.0, time.time() - newest["latest_ack_timestamp"] / 1000) if newest else 0.0,
            duration_seconds=newest.get("end_to_end_duration", 0) / 1000,
            size_bytes=newest.get("state_size", 0),
            path=newest.get("external_path", ""),
        )

    def read_state_sizes(self, job_id: str, checkpoint_id: int) -> dict[str, int]:
        """Return the bytes of state by the name of each task, which lists the stages fused into it."""
        names = {vertex["id"]: str(vertex["name"]) for vertex in self.ask("GET", f"/jobs/{job_id}")["vertices"]}
        tasks = self.ask("GET", f"/jobs/{job_id}/checkpoints/details/{checkpoint_id}")["tasks"]
        return {names[vertex]: int(task["state_size"]) for vertex, task in tasks.items() if vertex in names}

    def stop_with_savepoint(self, job_id: str, folder_url: str) -> str:
        """Begin to stop; returns the trigger to ask `read_savepoint` about. The source never ends, so it is never drained."""
        body = {"drain": False, "targetDirectory": folder_url}
        return str(self.ask("POST", f"/jobs/{job_id}/stop", body)["request-id"])

    def read_savepoint(self, job_id: str, trigger: str) -> tuple[bool, str, str]:
        """Return whether it has ended, the location of the savepoint, and the cause of a failure."""
        answer = self.ask("GET", f"/jobs/{job_id}/savepoints/{trigger}")
        operation = answer.get("operation") or {}
        cause = str((operation.get("failure-cause") or {}).get("stack-trace", ""))
        return answer["status"]["id"] == "COMPLETED", str(operation.get("location", "")), cause

    def cancel(self, job_id: str) -> None:
        self.ask("PATCH", f"/jobs/{job_id}?mode=cancel")
