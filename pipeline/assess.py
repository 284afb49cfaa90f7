"""The light path without Beam: one message in, one assessment out, by the very steps of the job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from pipeline.settings import Settings
from transforms import decode, detect_language, extract_entities, flag_policy_change
from transforms.attempt import FAILED, Refused, cut_detail
from transforms.decode import BYTE_ORDER_MARK, DecodeLimits, DecodeMessage
from transforms.extract_entities import FindEntities
from transforms.flag_policy_change import JudgeArticle
from transforms.model.judge import Judgement
from transforms.records import AnnotatedDocument, Assessment, Outcome, Position, RawMessage

# Of a line that is none, whose id nobody has cut.
LIMIT_ID_CHARACTERS = 2_000


class RejectedLine(msgspec.Struct, frozen=True):
    """The output line of an input line that is no article."""

    id: str
    reason: str
    detail: str
    outcome: Outcome = Outcome.REJECTED


class LightPath:
    """Decode, DetectLanguage, ExtractEntities, FlagPolicyChange in one call; loads the models when it is made."""

    def __init__(self, settings: Settings) -> None:
        self._decode = DecodeMessage(settings.fields.model_dump(), DecodeLimits(**settings.limits.model_dump()))
        self._extract = FindEntities(settings.judgement.entity_model_for)
        self._judge = JudgeArticle(settings.judgement.threshold)
        for step in (self._decode, self._extract, self._judge):
            step.setup()
        # The steps in their order, by the names of their stages.
        self.steps: dict[str, Callable[[Any], Any]] = {
            decode.STAGE: self._decode,
            detect_language.STAGE: detect_language.detect,
            extract_entities.STAGE: self._extract,
            flag_policy_change.STAGE: self._judge,
        }

    def annotate(self, raw: RawMessage) -> AnnotatedDocument:
        """The article with its language and entities.

        Raises:
            Refused: the message is no article.
        """
        return self._extract(detect_language.detect(self._decode(raw)))

    def judge(self, annotated: AnnotatedDocument) -> Judgement:
        """The decision with the scores of all sentences that were read."""
        return self._judge.judge(annotated)

    def assess(self, raw: RawMessage) -> Assessment:
        """What the job concludes of the message.

        Raises:
            Refused: the message is no article.
        """
        return self._judge(self.annotate(raw))


def raw_line(name: str, number: int, line: bytes, at: datetime) -> RawMessage:
    """A line of a file as if a broker had handed it over."""
    return RawMessage(
        position=Position(name, 0, number), timestamp_milliseconds=int(at.timestamp() * 1000), key=None, value=line.rstrip(b"\r\n")
    )


def assess_lines(path: LightPath, messages: Iterable[RawMessage]) -> Iterator[Assessment | RejectedLine]:
    """One result for each message, in order."""
    for raw in messages:
        try:
            yield path.assess(raw)
        except Refused as refused:
            yield RejectedLine(id=_id_of(raw), reason=refused.reason, detail=cut_detail(refused.detail))
        except Exception as error:  # noqa: BLE001 - one line that fails must not end the batch; the job sets it aside as well
            yield RejectedLine(id=_id_of(raw), reason=FAILED, detail=cut_detail(f"{type(error).__name__}: {error}"))


def _id_of(raw: RawMessage) -> str:
    """The id that the line gives itself, cut off when it is long, else its number, counted from 1."""
    try:
        found = msgspec.json.decode((raw.value or b"").removeprefix(BYTE_ORDER_MARK), type=dict).get("id")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    is_id = isinstance(found, (str, int)) and not isinstance(found, bool) and found != ""
    return str(found)[:LIMIT_ID_CHARACTERS] if is_id else f"line {raw.position.offset + 1}"
