"""Serves /metrics, /healthz and /readyz: the sum over all worker processes when PROMETHEUS_MULTIPROC_DIR is set, else this process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
THREADS = 4
IDLE_SECONDS = 10
# Stands in the names of the files with what all dead processes counted.
DEAD_PROCESS_ID = 0


class PortTakenError(Exception):
    """The port is in use; the text names it and the setting."""


class MetricsServer(ThreadingMixIn, HTTPServer):
    """Answers at most four requests at a time; a fifth waits in the system's queue."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, find_troubles: Callable[[], dict[str, str]]) -> None:
        self.find_troubles = find_troubles
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
    """GET /metrics, /healthz, /readyz; everything else is 404."""

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
        elif path == "/readyz":
            troubles = self.server.find_troubles()  # type: ignore[attr-defined]  # a MetricsServer
            text = "".join(f"{part}: {trouble}\n" for part, trouble in troubles.items()) or "ok\n"
            self._answer(503 if troubles else 200, "text/plain; charset=utf-8", text.encode())
        else:
            self._answer(404, "text/plain; charset=utf-8", b"not found; there are /metrics, /healthz and /readyz\n")

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
    encode, content_type = choose_encoder(accept)
    if FOLDER_VARIABLE in os.environ:
        # A new one for each scrape: it reads the files of all processes, also of those that came later.
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        with _hold(Path(os.environ[FOLDER_VARIABLE]), fcntl.LOCK_SH):
            return content_type, encode(registry)
    return content_type, encode(registry)


def serve_metrics(host: str, port: int, find_troubles: Callable[[], dict[str, str]] = dict) -> MetricsServer:
    """Starts serving in a daemon thread; `server_port` of the result is the port, `shutdown()` ends it.

    `find_troubles` says what is not ready, by part, with a reason; /readyz answers 503 then.

    Raises:
        PortTakenError: when the port is in use or not allowed.
    """
    server = MetricsServer(host, port, find_troubles)
    threading.Thread(target=server.serve_forever, name="serve-metrics", daemon=True).start()
    return server


def wipe_metrics(folder: Path) -> None:
    """Removes what processes of an earlier run left; call it before the first process of this run starts."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)


def forget_process(process_id: int, folder: Path) -> None:
    """Adds the counters and histograms of a process that ended to those of all that ended before, and removes its files.

    The files of a worker that is started again and again would fill the folder, and each scrape reads them all. Its gauges go: whoever
    took over its partitions speaks for them.
    """
    with _hold(folder, fcntl.LOCK_EX):
        for kind in ("counter", "histogram"):
            file = folder / f"{kind}_{process_id}.db"
            if file.exists():
                _add_values(file, folder / f"{kind}_{DEAD_PROCESS_ID}.db")
                file.unlink()
        for file in folder.glob(f"gauge_*_{process_id}.db"):
            file.unlink(missing_ok=True)


def _add_values(file: Path, total: Path) -> None:
    try:
        values = list(MmapedDict.read_all_values_from_file(str(file)))  # type: ignore[no-untyped-call]
    except (RuntimeError, struct.error, ValueError):
        return  # The process was killed while it wrote; what it counted cannot be read.
    sums = MmapedDict(str(total))  # type: ignore[no-untyped-call]
    for key, value, timestamp, _ in values:
        sums.write_value(key, sums.read_value(key)[0] + value, timestamp)  # type: ignore[no-untyped-call]
    sums.close()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def _hold(folder: Path, kind: int) -> Iterator[None]:
    """Keeps a scrape from reading while files are added up: it would count them twice, or fail on one that is gone."""
    with (folder / "adding-up.lock").open("a") as file:
        fcntl.flock(file, kind)
        yield
