"""Serves /metrics: the sum over all worker processes when PROMETHEUS_MULTIPROC_DIR is set, else this process."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

if TYPE_CHECKING:
    from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
THREADS = 4
IDLE_SECONDS = 10


class PortTakenError(Exception):
    """The port is in use; the text names it and the setting."""


class MetricsServer(ThreadingMixIn, HTTPServer):
    """Answers at most four requests at a time; a fifth waits in the system's queue."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int) -> None:
        self._free_threads = threading.BoundedSemaphore(THREADS)
        try:
            super().__init__((host, port), MetricsRequest)
        except OSError as error:
            raise PortTakenError(
                f"/metrics cannot be served on {host}:{port}: {error.strerror}; set metrics.port to a free port"
            ) from error

    def process_request(self, request: Any, client_address: Any) -> None:
        self._free_threads.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free_threads.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no matter for the log."""


class MetricsRequest(BaseHTTPRequestHandler):
    """GET /metrics, GET /healthz; everything else is 404."""

    timeout = IDLE_SECONDS
    server_version = "openweight"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.split("?", 1)[0]
        if path == "/metrics":
            content_type, body = write_metrics(self.headers.get("Accept", ""))
            self._answer(200, content_type, body)
        elif path == "/healthz":
            self._answer(200, "text/plain; charset=utf-8", b"ok\n")
        else:
            self._answer(404, "text/plain; charset=utf-8", b"not found; there are /metrics and /healthz\n")

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class names it so
        """Scrapes are not logged."""


def write_metrics(accept: str) -> tuple[str, bytes]:
    """Returns the content type and text of all metrics, in the format that the Accept header asks for."""
    registry = REGISTRY
    if FOLDER_VARIABLE in os.environ:
        # A new one for each scrape: it reads the files of all processes, also of those that came later.
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    encode, content_type = choose_encoder(accept)
    return content_type, encode(registry)


def serve_metrics(host: str, port: int) -> MetricsServer:
    """Starts serving in a daemon thread; `server_port` of the result is the port, `shutdown()` ends it.

    Raises:
        PortTakenError: when the port is in use or not allowed.
    """
    server = MetricsServer(host, port)
    threading.Thread(target=server.serve_forever, name="serve-metrics", daemon=True).start()
    return server


def wipe_metrics(folder: Path) -> None:
    """Removes what processes of an earlier run left; call it before the first process of this run starts."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)


def forget_process(process_id: int, folder: Path) -> None:
    """Removes the live gauges of a process that ended; its counters stay in the sum."""
    mark_process_dead(process_id, str(folder))  # type: ignore[no-untyped-call]
