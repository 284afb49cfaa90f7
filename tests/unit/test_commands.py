"""The command line as people meet it: help, exit codes, one clear line for what went wrong."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEATHER = b'{"id": "one", "title": "Weather", "text": "It will rain in the north tomorrow, the service said."}'


def openweight(*arguments: str, folder: Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)} | environment
    return subprocess.run(command, cwd=folder, input=stdin, capture_output=True, timeout=110, env=environment, check=False)


def test_help_names_every_command(tmp_path: Path) -> None:
    answer = openweight("--help", folder=tmp_path)
    assert answer.returncode == 0
    for command in (b"run", b"watch", b"assess", b"explain", b"feed", b"topics", b"verify", b"doctor", b"settings", b"stop"):
        assert command in answer.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",), ("assess",), ("explain", "a", "--line", "0"), ("policy", "--at", "soon"), ("replay", "--to", "x", "--range", "soon"),
        ("replay", "--to", "openweight"), ("replay", "--to", "../x"), ("settings", "--settings", "."),
        ("whatif", "other.toml", "--file", "nowhere.jsonl"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "other.toml").touch()
    answer = openweight(*arguments, folder=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr
    assert b"Traceback" not in answer.stderr


def test_bad_settings_end_with_2_and_name_every_problem(tmp_path: Path) -> None:
    answer = openweight("doctor", folder=tmp_path, OPENWEIGHT_ENGINE__PARALLELISM="none", OPENWEIGHT_READING__START="soon")
    assert answer.returncode == 2
    assert b"engine.parallelism" in answer.stderr
    assert b"reading.start" in answer.stderr
    assert b"Traceback" not in answer.stderr


@pytest.mark.parametrize("command", ["watch", "verify", "topics"])
def test_command_that_needs_a_broker_says_how_to_get_one(command: str, tmp_path: Path) -> None:
    answer = openweight(command, folder=tmp_path)
    assert answer.returncode == 3
    assert b"openweight run" in answer.stderr


def test_prefix_whose_topics_the_job_would_read_as_news_is_refused(tmp_path: Path) -> None:
    answer = openweight("replay", "--to", "news.again", folder=tmp_path, OPENWEIGHT_READING__TOPIC_PATTERN=r"news\..*")
    assert answer.returncode == 2
    assert b"reading.topic_pattern" in answer.stderr


@pytest.mark.parametrize(("option", "buffering"), [("--all", {}), ("--json", {}), ("--json", {"PYTHONUNBUFFERED": "1"})])
def test_reader_that_has_gone_is_no_finding(option: str, buffering: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "settings", option]
    with subprocess.Popen(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)} | buffering, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(110) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_stop_says_that_nothing_runs(tmp_path: Path) -> None:
    for _ in range(2):
        answer = openweight("stop", folder=tmp_path)
        assert (answer.returncode, b"nothing runs" in answer.stderr) == (0, True)
        (tmp_path / ".local").mkdir(exist_ok=True)


def test_missing_file_is_named(tmp_path: Path) -> None:
    answer = openweight("assess", "nowhere.jsonl", folder=tmp_path)
    assert answer.returncode == 2
    assert b"nowhere.jsonl" in answer.stderr


def test_settings_are_printed_without_secrets(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2")
    answer = openweight(
        "settings", "--json", folder=tmp_path, OPENWEIGHT_BROKER__SECURITY_PROTOCOL="SASL_PLAINTEXT", OPENWEIGHT_BROKER__USERNAME="me",
        OPENWEIGHT_BROKER__PASSWORD_FILE=str(secret), OPENWEIGHT_BROKER__BOOTSTRAP_SERVERS="127.0.0.1:9",
    )  # fmt: skip
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["broker"]["password_file"] == str(secret)
    assert b"hunter2" not in answer.stdout + answer.stderr


def test_assess_answers_every_line_in_order_and_bad_ones_with_the_reason(tmp_path: Path) -> None:
    lines = [
        WEATHER,
        b"not json",
        b'{"id": "three"}',
        b'{"id": "\xff"}',
    ]
    answer = openweight("assess", "-", folder=tmp_path, stdin=b"\n".join(lines))
    assert answer.returncode == 0
    results = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [(result["id"], result["outcome"]) for result in results] == [
        ("one", "assessed"),
        ("line 2", "rejected"),
        ("three", "rejected"),
        ("line 4", "rejected"),
    ]
    assert results[0]["language"] == "en"
    assert results[0]["flag"] is False
    assert [result.get("reason") for result in results] == [None, "not_json", "no_text", "not_utf8"]


def test_a_line_without_an_id_of_its_own_is_known_by_its_number_and_a_long_id_is_cut(tmp_path: Path) -> None:
    # A file's name need not be UTF-8, its lines may end as on Windows, and a page of HTML may be none.
    name = os.fsdecode(b"news-\xff.jsonl")
    lines = [
        b"",
        b'{"id": true}',
        b'{"id": "%s"}' % (b"x" * 900_000),
        b'\xef\xbb\xbf{"id": "marked"}',
        b'{"id": "page", "html": "<"}',
        WEATHER,
    ]
    (tmp_path / name).write_bytes(b"\r\n".join(lines))
    answer = openweight("assess", name, folder=tmp_path)
    results = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [result["id"] for result in results] == ["line 2", "x" * 2000, "marked", "page", "one"]
    assert [result["outcome"] for result in results] == ["rejected"] * 4 + ["assessed"]
    assert answer.stderr == b""


def test_assess_answers_while_it_reads(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "assess", "-"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(WEATHER + b"\n")
            assert select.select([process.stdout], [], [], 100)[0], "no answer before the end of the input"
            assert json.loads(process.stdout.readline())["id"] == "one"
            process.stdin.close()
            assert process.wait(100) == 0
        finally:
            process.kill()


def test_explain_counts_lines_as_editors_do_and_says_why_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "articles.jsonl").write_bytes(b"\n" + WEATHER + b"\nnot json\n")
    answer = openweight("explain", "articles.jsonl", "--line", "3", folder=tmp_path)
    assert answer.returncode == 2
    assert b"line 3 is refused: not_json" in answer.stderr
    assert answer.stdout == b""


def test_explain_shows_the_way_through_the_stages(tmp_path: Path) -> None:
    (tmp_path / "article.txt").write_text("OpenAI said it will publish the weights of its next model under an open licence.", "utf-8")
    answer = openweight("explain", "article.txt", folder=tmp_path)
    assert answer.returncode == 0
    text = answer.stdout.decode()
    assert "candidate, read by the model" in text
    assert "OpenAI (ORG)" in text
