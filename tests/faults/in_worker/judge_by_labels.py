"""The labels of the story set in place of the judgement: what is tried is the linking, and an order takes seconds instead of minutes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Words of what an unflagged article says nothing of go out, as they do for one that the model was unsure of.
UNFLAGGED_SCORE = 0.3
EVIDENCE_SENTENCES = 3


def judge_by_labels(module: Any, file: Path) -> None:
    """Changes transforms.flag_policy_change: an article whose id is in the file is judged by its labels, every other one as usual."""
    from transforms.model.decision import Decision  # noqa: PLC0415 - the worker imports it later than this file
    from transforms.model.judge import Judgement  # noqa: PLC0415 - the same
    from transforms.records import ChangeType, Direction, Novelty, Status  # noqa: PLC0415 - the same
    from transforms.text.sentences import split_sentences  # noqa: PLC0415 - the same

    rows = {row["id"]: row for row in map(json.loads, file.read_text("utf-8").splitlines())}
    judge = module.JudgeArticle.judge

    def judge_by_label(self: Any, annotated: Any) -> Any:
        article = annotated.document.article
        row = rows.get(article.id)
        if row is None or article.is_withdrawn:
            return judge(self, annotated)
        spans = [span for span in split_sentences(article.content) if span[0] >= len(article.title)][:EVIDENCE_SENTENCES]
        decision = Decision(
            row["flag"], 1.0 if row["flag"] else UNFLAGGED_SCORE, Novelty(row["novelty"]), Direction(row["direction"]),
            ChangeType(row["change_type"]), Status(row["status"]), row["contested"], tuple(range(len(spans))) if row["flag"] else (),
        )  # fmt: skip
        return Judgement(decision, [SimpleNamespace(start=start, end=end) for start, end in spans], None, tuple(row["actors"]))

    module.JudgeArticle.judge = judge_by_label
