"""`openweight explain`: one article through every stage, and why it was or was not flagged."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.table import Table
from rich.text import Text

from pipeline.assess import LightPath
from pipeline.commands.assess import read_messages
from pipeline.exit_codes import ExitCode
from pipeline.open_input import open_input
from pipeline.settings import Settings
from pipeline.terminal import console, harmless
from transforms.attempt import Refused
from transforms.flag_policy_change import assessment
from transforms.model.judge import Judgement, model_version
from transforms.records import AnnotatedDocument, Assessment, EntityType

ENTITY_STYLE = {
    EntityType.PERSON: "magenta", EntityType.ORG: "cyan", EntityType.GPE: "blue", EntityType.MODEL: "yellow",
    EntityType.LICENCE: "green", EntityType.LAW: "green", EntityType.PRODUCT: "cyan",
}  # fmt: skip
SHOWN_CHARACTERS = 6_000
STRONGEST_SENTENCES = 5


def explain_article(settings: Settings, file: Path, line: int) -> ExitCode:
    """Prints the page; USAGE when the file has no such line or the line is no article."""
    try:
        with open_input(file) as stream:
            raw = next((found for found in read_messages(stream, file) if found.position.offset == line - 1), None)
    except OSError as error:
        print(f"openweight explain: {file}: {error.strerror}", file=sys.stderr)
        return ExitCode.USAGE
    if raw is None:
        print(f"openweight explain: {file} has no article on line {line}", file=sys.stderr)
        return ExitCode.USAGE
    path = LightPath(settings)
    try:
        annotated = path.annotate(raw)
    except Refused as refused:
        print(f"openweight explain: line {line} is refused: {refused.reason} ({harmless(refused.detail)})", file=sys.stderr)
        return ExitCode.USAGE
    judgement = path.judge(annotated)
    result = assessment(annotated, judgement, model_version())
    screen = console()
    screen.print(_summary(annotated, result))
    screen.print(_marked_text(result, annotated.document.article.content))
    screen.print(_sentences(judgement, annotated.document.article.content))
    return ExitCode.DONE


def _summary(annotated: AnnotatedDocument, result: Assessment) -> Table:
    article, document = annotated.document.article, annotated.document
    spans = ", ".join(f"{span.language} {span.start}-{span.end}" for span in document.language_spans)
    table = Table(show_header=False, box=None)
    table.add_row("article", harmless(article.id, 200))
    table.add_row("title", harmless(article.title, 300))
    table.add_row("published", str(article.published_at or "not said"))
    table.add_row("warnings", ", ".join(article.warnings) or "none")
    table.add_row("language", f"{document.language}   ({spans})")
    terms = f"{len(annotated.gate_hits)} terms" if annotated.gate_hits else "no terms"
    table.add_row("gate", f"{'candidate, read by the model' if annotated.is_candidate else 'not a candidate'}; {terms}")
    verdict = "FLAGGED" if result.flag else "not flagged"
    table.add_row("verdict", Text(f"{verdict}, score {result.score:.3f}", style="bold red" if result.flag else "bold"))
    if result.flag or result.novelty != "none":
        table.add_row(
            "change", f"{result.direction}, {result.change_type}, {result.status}, {result.novelty}{', contested' * result.contested}"
        )
        table.add_row("actors", harmless(", ".join(result.actors), 300))
    table.add_row("model", result.model)
    return table


def _marked_text(result: Assessment, content: str) -> Text:
    """The text with evidence underlined and names coloured by type."""
    shown = content[:SHOWN_CHARACTERS]
    # One harmless character for each of the text, so that offsets stay.
    text = Text("".join(character if character == "\n" else harmless(character) or " " for character in shown))
    for evidence in result.evidence:
        text.stylize("underline bold", evidence.start, evidence.end)
    for entity in result.entities:
        text.stylize(ENTITY_STYLE[entity.type], entity.start, entity.end)
    names = sorted({f"{entity.canonical} ({entity.type})" for entity in result.entities})
    text.append(f"{' …' if len(content) > SHOWN_CHARACTERS else ''}\n\nnames: {harmless(', '.join(names)) or 'none'}\n")
    return text


def _sentences(judgement: Judgement, content: str) -> Table | str:
    """The strongest sentences for a change and the strongest against it, with their probability."""
    if judgement.scores is None:
        return "no sentence was read by the model"
    ranked = sorted(zip(judgement.scores.change.tolist(), judgement.readings, strict=True), key=lambda pair: -pair[0])
    table = Table("change", "sentence", box=None)
    for share, reading in ranked[:STRONGEST_SENTENCES]:
        table.add_row(f"{share:.2f}", harmless(content[reading.start : reading.end], 400))
    table.add_row("", "")
    for share, reading in ranked[max(STRONGEST_SENTENCES, len(ranked) - STRONGEST_SENTENCES) :]:
        table.add_row(f"{share:.2f}", harmless(content[reading.start : reading.end], 400), style="dim")
    return table
