"""What the trained heads read in each sentence: is a change told, of what, which way, how sure, when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from transforms.records import ChangeType, Direction, Status

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

DIRECTIONS = (Direction.OPENING, Direction.CLOSING, Direction.MIXED, Direction.UNCLEAR)
CHANGE_TYPES = (
    ChangeType.RELEASE_STRATEGY, ChangeType.WEIGHTS_ACCESS, ChangeType.LICENCE, ChangeType.REGULATION, ChangeType.PLATFORM,
)  # fmt: skip
STATUSES = (Status.IN_FORCE, Status.ANNOUNCED, Status.PROPOSED, Status.RUMOURED, Status.DENIED)
OBJECTS = ("weights", "ai_other", "software", "data", "other")

# The heads' columns, in the order in which they stand side by side in one matrix.
COLUMNS = {"change": 1, "object": len(OBJECTS), "direction": 4, "change_type": 5, "status": 5, "past": 1, "denial": 1}
# Vectors have length 1: their logits are scaled up, so that the heads' weights stay near 1.
VECTOR_SCALE = 10.0


@dataclass(frozen=True)
class SentenceScores:
    """Of n sentences: logits of `change`, `past`, `denial` (n,) and of `weights` against other objects (n,); shares (n, classes)."""

    change: Floats
    past: Floats
    denial: Floats
    weights: Floats
    direction: Floats
    change_type: Floats
    status: Floats


class SentenceHeads:
    """The heads: one matrix (384, sum of COLUMNS) and its bias."""

    def __init__(self, folder: Path) -> None:
        """Reads `sentence_heads.npz` in `folder`; FileNotFoundError when it is missing."""
        with np.load(folder / "sentence_heads.npz") as stored:
            self._matrix, self._bias = stored["matrix"], stored["bias"]

    def score(self, vectors: Floats) -> SentenceScores:
        """Vectors (n, 384) -> scores of n sentences."""
        return split_logits(VECTOR_SCALE * vectors @ self._matrix + self._bias)


def split_logits(logits: Floats) -> SentenceScores:
    """Logits (n, sum of COLUMNS) -> scores."""
    parts, at = {}, 0
    for name, width in COLUMNS.items():
        parts[name] = logits[:, at : at + width]
        at += width
    others = parts["object"][:, 1:]
    top = others.max(1, keepdims=True, initial=-1e9)
    return SentenceScores(
        change=parts["change"][:, 0],
        past=parts["past"][:, 0],
        denial=parts["denial"][:, 0],
        weights=parts["object"][:, 0] - (top[:, 0] + np.log(np.exp(others - top).sum(1))),
        direction=_softmax(parts["direction"]),
        change_type=_softmax(parts["change_type"]),
        status=_softmax(parts["status"]),
    )


def _softmax(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max(1, keepdims=True, initial=-1e9))
    return np.asarray(shares / shares.sum(1, keepdims=True), np.float32)
