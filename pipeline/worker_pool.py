"""The pool that starts a Python worker for each request of Flink: python -m pipeline.worker_pool --port N ...

Beam's own pool binds every address, starts whatever `python` is on the PATH, and pipes what workers print to nobody, so that
64 kB of output hang the job. This one binds the address given, starts its own interpreter, and keeps the output in bounded files.
It loads neither Beam nor our stages, which would cost 130 MB: only the messages of the one service it offers.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent import futures
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from connectors.prometheus import forget_process, serve_metrics
from transforms import in_flight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SERVICE = "org.apache.beam.model.fn_execution.v1.BeamFnExternalWorkerPool"
METRICS_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# A worker's small matrices gain nothing from a pool of threads, which spins against the engine and the broker for their cores.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
LOG_LIMIT_BYTES = 10_000_000
OLD_LOGS = 3
LINE_LIMIT_BYTES = 65_536
GRACE_SECONDS = 2
REAP_SECONDS = 1
# A record at which a worker waits without using CPU gets so many times the seconds of one at which it works.
STANDSTILL_FACTOR = 10
log = logging.getLogger("worker_pool")
# What workers print, once more: it leads somewhere in a container alone.
printed = logging.getLogger("worker_pool.printed")
printed.propagate = False


@dataclass(frozen=True)
class Worker:
    process: subprocess.Popen[bytes]
    slot: int
    """Numbers the log file, from 1: reused, so that a worker that dies often does not fill the folder."""


class WorkerPool:
    """Starts, reaps and ends the workers, all in the thread that calls `run`.

    Linux kills a child when the *thread* that started it ends, and gRPC's threads come and go.
    """

    def __init__(self, log_folder: Path, metrics_folder: Path, state_cache_bytes: int, record_seconds: float = 60) -> None:
        self.log_folder = log_folder
        self.metrics_folder = metrics_folder
        self.state_cache_bytes = state_cache_bytes
        self.record_seconds = record_seconds
        self.in_flight_folder = log_folder / "in-flight"
        self.in_flight_folder.mkdir(parents=True, exist_ok=True)
        # What workers of a pool that was killed were at: they died with it, and of nothing that they did.
        for file in self.in_flight_folder.glob("*.in-flight"):
            file.unlink()
        self.workers: dict[str, Worker] = {}
        self.orders: queue.SimpleQueue[tuple[Callable[[], None], futures.Future[None]] | None] = queue.SimpleQueue()

    def run(self) -> None:
        """Carry out orders until `stop` is called, then end all workers."""
        while True:
            try:
                order = self.orders.get(timeout=REAP_SECONDS)
            except queue.Empty:
                self.end_hung()
                self.reap()
                continue
            if order is None:
                break
            action, done = order
            try:
                action()
                done.set_result(None)
            except Exception as error:  # noqa: BLE001 - handed to whoever ordered it
                done.set_exception(error)
        for worker_id in list(self.workers):
            self.end_worker(worker_id)

    def stop(self) -> None:
        self.orders.put(None)

    def carry_out(self, action: Callable[[], None]) -> None:
        """Have `action` done by the thread in `run`; raises what it raises."""
        done: futures.Future[None] = futures.Future()
        self.orders.put((action, done))
        done.result(timeout=60)

    def start_worker(self, worker_id: str, control_address: str) -> None:
        self.end_worker(worker_id)
        slot = next(number for number in range(1, 1000) if number not in {worker.slot for worker in self.workers.values()})
        command = [sys.executable, "-m", "pipeline.run_worker", "--id", worker_id, "--control", control_address]
        command += ["--parent", str(os.getpid()), "--state-cache-bytes", str(self.state_cache_bytes)]
        environment = {**os.environ, **ONE_THREAD, METRICS_FOLDER_VARIABLE: str(self.metrics_folder), "PYTHONUNBUFFERED": "1"}
        environment |= {in_flight.FOLDER_VARIABLE: str(self.in_flight_folder), in_flight.SLOT_VARIABLE: str(slot)}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        self.workers[worker_id] = Worker(process, slot)
        log.info("worker %s started with pid %d, its output is in worker-%d.log", worker_id, process.pid, slot)
        threading.Thread(target=keep_output, args=(process, self.log_folder / f"worker-{slot}.log"), daemon=True).start()

    def end_worker(self, worker_id: str) -> None:
        worker = self.workers.pop(worker_id, None)
        if worker is None:
            return
        if worker.process.poll() is not None:
            self.bury(worker_id, worker)
            return
        worker.process.terminate()
        try:
            worker.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        self.forget(worker)
        log.info("worker %s ended", worker_id)

    def forget(self, worker: Worker) -> None:
        try:
            forget_process(worker.process.pid, self.metrics_folder)
        except OSError:
            log.exception("the metrics of worker process %d stay", worker.process.pid)

    def reap(self) -> None:
        """Bury the workers that ended by themselves: no zombies, no gauges of the dead."""
        for worker_id, worker in list(self.workers.items()):
            if worker.process.poll() is not None:
                self.bury(worker_id, worker)
                del self.workers[worker_id]

    def bury(self, worker_id: str, worker: Worker) -> None:
        """For one that ended by itself: the record that it was at is a suspect."""
        found = None
        try:
            found = in_flight.note_death(self.in_flight_folder, str(worker.slot))
        except OSError:
            # The disk may be full: the pool goes on, and the workers with it.
            log.exception("what worker %s died at cannot be noted", worker_id)
        log.warning(
            "worker %s ended by itself with exit code %s%s", worker_id, worker.process.returncode,
            f", in stage {found.stage} at {found.record}" if found else "",
        )  # fmt: skip
        self.forget(worker)

    def end_hung(self) -> None:
        """Kill the workers that are at one record for too long; a loop may hold the interpreter's lock, so only another process can.

        By the CPU that they use, since on a machine that is busy with other things an innocent record takes long too; one that waits for
        ever uses none, and gets ten times as long.
        """
        for worker_id, worker in self.workers.items():
            found = in_flight.read_journal(in_flight.journal_file(self.in_flight_folder, str(worker.slot)))
            if found is None or worker.process.poll() is not None:
                continue
            cpu_seconds = read_cpu_seconds(worker.process.pid) - found.cpu_seconds_before
            seconds = time.monotonic() - found.begun_at
            if cpu_seconds > self.record_seconds or seconds > STANDSTILL_FACTOR * self.record_seconds:
                text = "worker %s hangs in stage %s at %s after %.0f s, %.0f s of CPU, and is killed"
                log.error(text, worker_id, found.stage, found.record, seconds, cpu_seconds)
                worker.process.kill()
                worker.process.wait()


def read_cpu_seconds(pid: int) -> float:
    """CPU seconds that a process has used; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class OutputKeeper(RotatingFileHandler):
    """A line that cannot be kept, as while the disk is full, is lost: whoever reads the pipe must go on, or the worker stands still."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class names it so
        pass


def keep_output(process: subprocess.Popen[bytes], file: Path) -> None:
    """Copy what a worker prints into a file that rotates, so that neither its pipe nor the disk fills up."""
    # Opened with the first line: that may fail too.
    keeper = OutputKeeper(file, maxBytes=LOG_LIMIT_BYTES, backupCount=OLD_LOGS, delay=True)
    assert process.stdout is not None  # noqa: S101 - started with a pipe, see start_worker
    with process.stdout as output:
        while line := output.readline(LINE_LIMIT_BYTES):
            text = line.decode(errors="replace").rstrip("\n")
            keeper.emit(logging.makeLogRecord({"msg": text}))
            printed.info("%s: %s", file.stem, text)
    keeper.close()


def remove_metrics_of_the_dead(folder: Path) -> None:
    """Delete the files of processes that are gone; those of a worker of another, living pool stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        pid = file.stem.rpartition("_")[2]
        if not Path(f"/proc/{pid}").exists():
            file.unlink(missing_ok=True)


def load_messages() -> Any:
    """Return Beam's module of worker messages without running apache_beam/__init__.py, which imports all of Beam."""
    spec = importlib.util.find_spec("apache_beam")
    if spec is None:
        raise ImportError("apache_beam is not installed for this Python; run make setup")
    sys.modules["apache_beam"] = importlib.util.module_from_spec(spec)  # known by its place, its code not run
    return importlib.import_module("apache_beam.portability.api.org.apache.beam.model.fn_execution.v1.beam_fn_api_pb2")


def serve(pool: WorkerPool, address: str) -> grpc.Server:
    """Offer Beam's worker pool service at exactly `address` (host:port).

    Raises:
        RuntimeError: the address cannot be bound.
    """
    messages = load_messages()

    def answer(action: Callable[[], None], response: Callable[..., Any]) -> Any:
        try:
            pool.carry_out(action)
        except Exception as error:
            log.exception("an order of Flink failed")
            return response(error=f"{type(error).__name__}: {error}")
        return response()

    def start(request: Any, _context: grpc.ServicerContext) -> Any:
        action = lambda: pool.start_worker(request.worker_id, request.control_endpoint.url)  # noqa: E731 - an order
        return answer(action, messages.StartWorkerResponse)

    def stop(request: Any, _context: grpc.ServicerContext) -> Any:
        return answer(lambda: pool.end_worker(request.worker_id), messages.StopWorkerResponse)

    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            function, request_deserializer=request.FromString, response_serializer=response.SerializeToString
        )
        for name, function, request, response in (
            ("StartWorker", start, messages.StartWorkerRequest, messages.StartWorkerResponse),
            ("StopWorker", stop, messages.StopWorkerRequest, messages.StopWorkerResponse),
        )
    }
    # Without so_reuseport=0 a second pool on the same port starts, and takes half of the requests.
    server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(address)
    server.start()
    return server


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log-folder", type=Path, required=True)
    parser.add_argument("--metrics-folder", type=Path, required=True)
    parser.add_argument("--metrics-address", default="", help="host:port of /metrics and /healthz, when no supervisor reads the folder")
    parser.add_argument("--state-cache-bytes", type=int, default=16 * 1024 * 1024)
    parser.add_argument("--record-seconds", type=float, default=60, help="a worker that works at one record for longer (CPU) is killed")
    given = parser.parse_args(None if arguments is None else list(arguments))
    given.log_folder.mkdir(parents=True, exist_ok=True)
    keeper = RotatingFileHandler(given.log_folder / "pool.log", maxBytes=LOG_LIMIT_BYTES, backupCount=OLD_LOGS)
    logging.basicConfig(level=logging.INFO, handlers=[keeper], format="%(asctime)s %(levelname)s %(message)s")
    remove_metrics_of_the_dead(given.metrics_folder)
    if given.metrics_address:
        os.environ[METRICS_FOLDER_VARIABLE] = str(given.metrics_folder)
        metrics_host, _, metrics_port = given.metrics_address.rpartition(":")
        serve_metrics(metrics_host, int(metrics_port))
        # A container: whoever looks for its log looks at what it prints.
        output = logging.StreamHandler(sys.stdout)
        log.addHandler(output)
        printed.addHandler(output)
    pool = WorkerPool(given.log_folder, given.metrics_folder, given.state_cache_bytes, given.record_seconds)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pool.stop())
    server = serve(pool, f"{given.host}:{given.port}")
    log.info("listening on %s:%d", given.host, given.port)
    pool.run()
    server.stop(grace=None)


if __name__ == "__main__":
    main()
