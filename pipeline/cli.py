"""The command `openweight`: what each sub-command takes; what it does stands in pipeline/commands."""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Optional

import structlog
import typer

from pipeline.broken_pipe import Commands, write_nowhere
from pipeline.configure_logging import configure_logging
from pipeline.exit_codes import ExitCode
from pipeline.foreseen import foresee
from pipeline.settings import Settings, load_settings

# As in the workers: the models' small matrices gain nothing from numpy's threads. Before anything imports numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Apache Beam tells the root logger at import that a Google library is missing, which nobody here needs.
logging.getLogger().addFilter(lambda record: "apitools" not in record.getMessage())

app = typer.Typer(
    name="openweight",
    cls=Commands,
    help="Flags policy changes about open-weight AI models in the world's news, in any language.",
    epilog="Exit codes: 0 done; 1 a check found something; 2 wrong usage or settings; 3 broker away; 4 engine or machine failed; "
    "130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)

SettingsFile = Annotated[
    Optional[Path], typer.Option("--settings", metavar="FILE", help="Settings file; else OPENWEIGHT_SETTINGS, or openweight.toml here.")  # noqa: UP045 - typer reads it
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text for people.")]

Range = Annotated[str, typer.Option("--range", metavar="FROM..TO", help="Times (UTC) or offsets; either may be left out.")]
Anew = Annotated[bool, typer.Option("--fresh", help="Begin anew, also when an earlier call was stopped.")]


def main() -> None:
    """Runs the command; every foreseen failure is one clear line and an exit code of its own."""
    configure_logging()
    try:
        try:
            app()
        finally:
            # What is still to be written, here and not at Python's own end, which would complain of a reader that has gone.
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        write_nowhere()
        sys.exit(ExitCode.DONE)
    except Exception as error:
        code = foresee(error)
        if code is None:
            raise
        print("\n".join(f"openweight: {line}" for line in str(error).splitlines()), file=sys.stderr)  # noqa: T201 - the last word
        sys.exit(code)


def settings_of(file: Path | None) -> Settings:
    settings = load_settings(file)
    for warning in settings.warnings():
        structlog.get_logger().warning(warning.text, fix=warning.fix)
    return settings


@app.callback(invoke_without_command=True)
def openweight(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the versions of this program, Beam, Flink and the model.")] = False,
) -> None:
    if version:
        from pipeline.versions import describe_versions  # noqa: PLC0415 - loads Beam

        typer.echo(describe_versions())
        raise typer.Exit
    _ = context


@app.command()
def run(
    settings: SettingsFile = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over: the old state is moved aside and offsets begin anew.")] = False,
    samples: Annotated[bool, typer.Option("--samples", help="Feed the sample articles once, and print alerts as they come.")] = False,
) -> None:
    """Run the job: starts broker and engine when none are configured, resumes from the newest complete checkpoint.

    Example: openweight run --settings /etc/openweight.toml
    """
    from pipeline.commands.run import run_job  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(run_job(settings_of(settings), is_fresh=fresh, has_samples=samples))


@app.command()
def stop(settings: SettingsFile = None) -> None:
    """Stop the run of this state folder in order, and end what a killed one left behind.

    Example: openweight stop
    """
    from pipeline.commands.stop import stop_run  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(stop_run(settings_of(settings)))


@app.command()
def watch(
    settings: SettingsFile = None,
    json: AsJson = False,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest alert that the topics hold.")] = False,
    all_revisions: Annotated[bool, typer.Option("--all", help="Show every revision, not only those that a person should know of.")] = False,
    limit: Annotated[int, typer.Option(metavar="COUNT", min=0, help="Stop after so many alerts; 0: never.")] = 0,
) -> None:
    """Subscribe to the alert topics and print alerts as they come.

    Example: openweight watch --from-start --json | jq .headline
    """
    from pipeline.commands.watch import watch_alerts  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(watch_alerts(settings_of(settings), is_json=json, is_from_start=from_start, is_all=all_revisions, limit=limit))


@app.command()
def assess(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, one article each, or - for standard input; .txt: one article.")],
    settings: SettingsFile = None,
) -> None:
    """Assess articles without a broker: JSON lines in, JSON lines out, in order.

    Example: openweight assess articles.jsonl > assessed.jsonl
    """
    from pipeline.commands.assess import assess_file  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(assess_file(settings_of(settings), file))


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines or a .txt file; - for standard input.")],
    line: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="Which line of the file, empty ones counted.")] = 1,
    settings: SettingsFile = None,
) -> None:
    """Show one article's way through every stage, and why it was or was not flagged.

    Example: openweight explain articles.jsonl --line 3
    """
    from pipeline.commands.explain import explain_article  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(explain_article(settings_of(settings), file, line))


@app.command()
def feed(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="JSON lines, one message each; - for standard input.")],
    topic: Annotated[str, typer.Option(metavar="TOPIC", help="Topic to write to; the first of reading.topics when empty.")] = "",
    rate: Annotated[float, typer.Option(metavar="RATE", min=0, help="Messages a second; 0: as fast as the broker takes them.")] = 0,
    settings: SettingsFile = None,
) -> None:
    """Write the lines of files to a news topic.

    Example: openweight feed seeds/samples.jsonl --rate 2
    """
    from pipeline.commands.feed import feed_files  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(feed_files(settings_of(settings), files, topic, rate))


@app.command()
def topics(
    settings: SettingsFile = None,
    create: Annotated[bool, typer.Option("--create", help="Create what is missing.")] = False,
) -> None:
    """Compare the broker's topics with deploy/topics.toml; exit code 1 when they differ.

    Example: openweight topics --create
    """
    from pipeline.commands.topics import show_topics  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(show_topics(settings_of(settings), is_creating=create))


@app.command()
def verify(
    settings: SettingsFile = None,
    json: AsJson = False,
    alert: Annotated[str, typer.Option(metavar="ID", help="Instead: make this alert again from the messages it names.")] = "",
) -> None:
    """Prove that every input offset has exactly one outcome, or that an alert still holds; exit code 1 when not.

    Example: openweight verify --alert 5d41402abc4b2a76
    """
    if alert:
        from pipeline.commands.verify_alert import verify_alert  # noqa: PLC0415 - a command loads only what it needs

        sys.exit(verify_alert(settings_of(settings), alert, is_json=json))
    from pipeline.commands.verify import verify_topics  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(verify_topics(settings_of(settings), is_json=json))


@app.command()
def replay(
    to: Annotated[str, typer.Option(metavar="PREFIX", help="First part of the names of the topics written to; made when missing.")],
    settings: SettingsFile = None,
    within: Range = "",
    fresh: Anew = False,
) -> None:
    """Read the news topics again by the present code and settings, into topics of their own; goes on where it was stopped.

    Example: openweight replay --to backfill --range 2026-01-01..2026-02-01
    """
    from pipeline.commands.replay import replay_topics  # noqa: PLC0415 - a command loads only what it needs
    from pipeline.rerun import window_of  # noqa: PLC0415 - the same

    sys.exit(replay_topics(settings_of(settings), to, window_of(within), is_fresh=fresh))


@app.command()
def whatif(
    *,
    other: Annotated[Path, typer.Argument(metavar="OTHER", help="Settings file to compare with the present settings.")],
    settings: SettingsFile = None,
    file: Annotated[Optional[Path], typer.Option(metavar="FILE", help="JSON lines instead of the news topics.")] = None,  # noqa: UP045 - typer reads it
    within: Range = "",
    fresh: Anew = False,
    json: AsJson = False,
) -> None:
    """Show which alerts other settings would add, remove or change over the same articles; exit code 1 when any.

    Example: openweight whatif strict.toml --file articles.jsonl
    """
    from pipeline.commands.whatif import compare  # noqa: PLC0415 - a command loads only what it needs
    from pipeline.rerun import window_of  # noqa: PLC0415 - the same

    sys.exit(compare(settings_of(settings), settings_of(other), file, window_of(within), is_json=json, is_fresh=fresh))


@app.command()
def policy(
    settings: SettingsFile = None,
    json: AsJson = False,
    at: Annotated[
        Optional[datetime],  # noqa: UP045 - typer reads it
        typer.Option(
            metavar="DATE", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="As it stood then (UTC), by the dates of the reports."
        ),
    ] = None,
) -> None:
    """Show where every actor stands on open weights, by what was reported.

    Example: openweight policy --at 2026-03-01
    """
    from pipeline.commands.policy import show_policy  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(show_policy(settings_of(settings), is_json=json, at=at))


@app.command()
def doctor(settings: SettingsFile = None) -> None:
    """Check broker, engine, topics, model and this machine, and say what to do; exit code 1 when something is wrong.

    Example: openweight doctor
    """
    from pipeline.commands.doctor import examine  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(examine(settings_of(settings)))


@app.command(name="settings")
def show_settings(
    settings: SettingsFile = None,
    all_keys: Annotated[
        bool, typer.Option("--all", help="Every key with its meaning, not only those that differ from the default.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Print the effective settings; secrets are never among them, only the files that hold them.

    Example: openweight settings --all
    """
    from pipeline.commands.settings import print_settings  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(print_settings(settings_of(settings), is_all=all_keys, is_json=json))


if __name__ == "__main__":
    main()
