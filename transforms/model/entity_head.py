"""Names in a sentence, read from the encoder's piece features by a small network and the best path over begin and inside tags."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from transforms.model.encoder import WEIGHTS
from transforms.records import EntityType

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from transforms.model.encoder import Pieces

    Floats = npt.NDArray[np.float32]

TYPES = (
    EntityType.PERSON, EntityType.ORG, EntityType.GPE, EntityType.MODEL, EntityType.LICENCE, EntityType.LAW, EntityType.PRODUCT,
)  # fmt: skip
# Tag 0 is no name; type i begins with tag 1 + 2 i and goes on with tag 2 + 2 i.
TAGS = 1 + 2 * len(TYPES)
IMPOSSIBLE = -1e9


class Span(NamedTuple):
    """A name found: characters into the sentence, its type, and how likely its tags are (mean probability)."""

    start: int
    end: int
    type: EntityType
    probability: float


def begin_tag(entity_type: EntityType) -> int:
    return 1 + 2 * TYPES.index(entity_type)


class EntityHead:
    """A network of one hidden layer on the features of a piece and its two neighbours."""

    def __init__(self, folder: Path) -> None:
        """Reads `entity_head.npz` in `folder`; FileNotFoundError when it is missing."""
        with np.load(folder / "entity_head.npz") as stored:
            arrays = {name: stored[name].astype(np.float32) for name in stored.files}
        self._mean, self._scale = arrays["mean"], arrays["scale"]
        self._hidden, self._hidden_bias = arrays["hidden"], arrays["hidden_bias"]
        self._out, self._out_bias = arrays["out"], arrays["out_bias"]

    def find(self, pieces: Pieces) -> list[Span]:
        """The names of one sentence, in order."""
        if not len(pieces.offsets):
            return []
        logits = self.logits(pieces.features)
        return read_spans(best_path(logits), pieces.offsets, logits)

    def logits(self, features: Floats) -> Floats:
        """Features of n pieces (n, width) -> logits of the tags (n, TAGS)."""
        inputs = with_neighbours((features - self._mean) / self._scale)
        hidden = np.maximum(inputs @ self._hidden + self._hidden_bias, 0)
        return np.asarray(hidden @ self._out + self._out_bias, np.float32)


def with_neighbours(features: Floats) -> Floats:
    """(n, width) -> (n, 3 width): the piece before, the piece, the piece behind; zeros at the ends."""
    nothing = np.zeros((1, features.shape[1]), features.dtype)
    return np.concatenate([np.concatenate([nothing, features[:-1]]), features, np.concatenate([features[1:], nothing])], 1)


@functools.cache
def transitions() -> Floats:
    """(TAGS, TAGS): 0 where the second tag may follow the first, else IMPOSSIBLE: a name goes on only in its own type."""
    matrix = np.zeros((TAGS, TAGS), np.float32)
    for tag in range(2, TAGS, 2):
        matrix[:, tag] = IMPOSSIBLE
        matrix[[tag - 1, tag], tag] = 0
    return matrix


def best_path(logits: Floats) -> list[int]:
    """The likeliest allowed sequence of tags (Viterbi)."""
    scores = logits[0].copy()
    scores[2::2] += IMPOSSIBLE
    origins = []
    for row in logits[1:]:
        sums = scores[:, None] + transitions()
        origins.append(sums.argmax(0))
        scores = sums.max(0) + row
    path = [int(scores.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def read_spans(path: list[int], offsets: npt.NDArray[np.int32], logits: Floats) -> list[Span]:
    """Tags of pieces -> names."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    spans: list[Span] = []
    place = 0
    while place < len(path):
        tag, first = path[place], place
        place += 1
        if tag == 0:
            continue
        while place < len(path) and path[place] == tag + 1:
            place += 1
        probability = float(np.mean([shares[i, path[i]] for i in range(first, place)]))
        spans.append(Span(int(offsets[first, 0]), int(offsets[place - 1, 1]), TYPES[(tag - 1) // 2], probability))
    return spans


@functools.lru_cache(maxsize=2)
def load_entity_head(folder: Path = WEIGHTS) -> EntityHead:
    """The process's one head."""
    return EntityHead(folder)
