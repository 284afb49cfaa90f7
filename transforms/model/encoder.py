"""The sentence encoder: text to one vector and to features of its pieces, by onnxruntime on the weights beside this file."""

from __future__ import annotations

import functools
import json
import threading
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import sentencepiece

from transforms.text.compose import FILLER, compose

if TYPE_CHECKING:
    import numpy.typing as npt

WEIGHTS = Path(__file__).parent / "weights"
WIDTH = 384
FEATURE_WIDTH = 3 * WIDTH
LIMIT_PIECES = 128
LIMIT_CHARACTERS = 2000
CONTEXT_LIMIT_PIECES = 32
LAST_INVISIBLE = 0x10000

_PREFIX = "query: "
_START, _END = 0, 2
_PATH_ALONE = onnxruntime.RunOptions()
_PATH_ALONE.only_execute_path_to_fetches = True
_BLOCK = np.dtype([("scale", "<f2"), ("values", "u1", (16,))])


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of one sentence: for each its `features` (n, 1152) and `offsets` (n, 2) into the text given.

    The features are the layers 4, 6 and 8 as they were before the tuning. Pieces past the limit are not there; a piece that is only a
    space is not there either.
    """

    features: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Encoded(Pieces):
    """One sentence with its `vector` (384,): the mean over the sentence's pieces of the last layer, of length 1."""

    vector: npt.NDArray[np.float32]


def _pieces_of(tokens: Tokens, features: npt.NDArray[np.float32]) -> Pieces:
    places = tokens.first + np.asarray(tokens.places, np.intp)
    return Pieces(features[0, places].astype(np.float32), np.asarray(tokens.offsets, np.int32).reshape(-1, 2))


class Encoder:
    """Encodes one sentence at a time: int8 scales depend on the batch, and a batch of one gives the same answer every time."""

    def __init__(self, folder: Path = WEIGHTS, kept: int = 256) -> None:
        """Loads the weights in `folder`; `kept` results are remembered. FileNotFoundError when a file is missing."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession((folder / "encoder.onnx").read_bytes(), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer(folder)
        self._rows = EmbeddingRows(folder)
        self._kept = kept
        self._results: OrderedDict[tuple[str, str], Encoded] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, text: str, context: str = "") -> Encoded:
        """Encodes `text` as seen after `context` (for instance the title), of which no piece is in the result."""
        with self._lock:
            found = self._results.get((text, context))
            if found is not None:
                self._results.move_to_end((text, context))
                return found
        encoded = self._run(text, context)
        with self._lock:
            self._results[text, context] = encoded
            while len(self._results) > self._kept:
                self._results.popitem(last=False)
        return encoded

    def _run(self, text: str, context: str) -> Encoded:
        tokens = self._tokenizer.tokens(text, context)
        hidden, features = self._session.run(None, {"embeddings": self._rows.embed(tokens.ids)[None]})
        vector = hidden[0, tokens.first :].mean(0)
        vector = vector / max(float(np.linalg.norm(vector)), 1e-9)
        pieces = _pieces_of(tokens, features)
        return Encoded(pieces.features, pieces.offsets, vector.astype(np.float32))

    def read_pieces(self, text: str) -> Pieces:
        """The pieces of `text` read alone, without the layers that only the vector needs: some half of the time, and not remembered."""
        tokens = self._tokenizer.tokens(text)
        [features] = self._session.run(["features"], {"embeddings": self._rows.embed(tokens.ids)[None]}, _PATH_ALONE)
        return _pieces_of(tokens, features)


@dataclass(frozen=True, slots=True)
class Tokens:
    """`ids` of the whole input; the sentence begins at `first`; its piece `places[i]` stands for the characters `offsets[i]`."""

    ids: list[int]
    first: int
    places: list[int]
    offsets: list[tuple[int, int]]


class Tokenizer:
    """Text to the ids of the model's vocabulary, with the characters that each piece stands for."""

    def __init__(self, folder: Path = WEIGHTS) -> None:
        self._model = sentencepiece.SentencePieceProcessor()
        self._model.LoadFromSerializedProto((folder / "pieces.model").read_bytes())
        characters = json.loads((folder / "characters.json").read_text("utf-8"))
        # Soft hyphens and the like would be unknown pieces in the midst of words; the vocabulary's own list makes spaces of some.
        invisible = {chr(code): "" for code in range(LAST_INVISIBLE) if unicodedata.category(chr(code)) == "Cf"}
        self._characters: dict[str, str] = invisible | {chr(int(code)): text for code, text in characters.items()}
        self._prefix_ids: list[int] = self._model.EncodeAsIds(_PREFIX.strip())

    def tokens(self, text: str, context: str = "", limit: int = LIMIT_PIECES) -> Tokens:
        """`<s> query: context </s> text </s>`, without the context's part when there is none; at most `limit` pieces of text."""
        ids = [_START, *self._prefix_ids]
        if context:
            ids += [*self._pieces(context)[0][:CONTEXT_LIMIT_PIECES], _END]
        first = len(ids)
        piece_ids, spans = self._pieces(text)
        kept = [(place, span) for place, span in enumerate(spans[:limit]) if span is not None]
        return Tokens([*ids, *piece_ids[:limit], _END], first, [place for place, _ in kept], [span for _, span in kept])

    def _pieces(self, text: str) -> tuple[list[int], list[tuple[int, int] | None]]:
        """Ids and spans; a piece that is only a space has the span None."""
        characters, origins, ends = self._normalise(text)
        pieces: list[str] = self._model.EncodeAsPieces("".join(characters))
        ids: list[int] = [self._model.PieceToId(piece) for piece in pieces]
        spans: list[tuple[int, int] | None] = []
        end = -1  # sentencepiece puts a space before the text
        for piece in pieces:
            start, end = end, end + len(piece)
            start += piece.startswith("▁")
            spans.append((origins[start], ends[end - 1]) if end > start else None)
        return ids, spans

    def _normalise(self, text: str) -> tuple[list[str], list[int], list[int]]:
        """The characters as the vocabulary knows them, single spaces, and where in `text` that which each came from begins and ends."""
        characters: list[str] = []
        origins: list[int] = []
        ends: list[int] = []
        for place, character in enumerate(compose(text[:LIMIT_CHARACTERS])):
            if character == FILLER and characters:
                ends[-1] = place + 1
                continue
            for known in self._characters.get(character, character):
                # A lone surrogate cannot be encoded and makes sentencepiece raise.
                written = " " if known.isspace() or "\ud800" <= known <= "\udfff" else known
                if written == " " and (not characters or characters[-1] == " "):
                    continue
                characters.append(written)
                origins.append(place)
                ends.append(place + 1)
        while characters and characters[-1] == " ":
            characters.pop()
            origins.pop()
            ends.pop()
        return characters, origins, ends


class EmbeddingRows:
    """The vocabulary's vectors, 4 bits a value, mapped from two files so that processes share them."""

    def __init__(self, folder: Path = WEIGHTS) -> None:
        blocks = WIDTH // 32
        self._halves = [np.memmap(folder / name, _BLOCK, "r").reshape(-1, blocks) for name in ("rows-1.bin", "rows-2.bin")]
        self._positions = np.load(folder / "positions.npy")

    def embed(self, ids: list[int]) -> npt.NDArray[np.float32]:
        """Ids -> (len(ids), 384): the vectors of the pieces plus those of their places."""
        border = len(self._halves[0])
        blocks = np.stack([self._halves[i >= border][i - border * (i >= border)] for i in ids])
        values = np.concatenate([blocks["values"] & 15, blocks["values"] >> 4], -1).astype(np.float32)
        vectors = ((values - 8) * blocks["scale"].astype(np.float32)[..., None]).reshape(len(ids), WIDTH)
        return np.asarray(vectors + self._positions[: len(ids)], np.float32)


def load_encoder(folder: Path = WEIGHTS) -> Encoder:
    """The process's one encoder, so that the entity stage and the flag stage share their passes over a sentence."""
    return _load_encoder(folder)


@functools.lru_cache(maxsize=2)
def _load_encoder(folder: Path) -> Encoder:
    # Without a default: lru_cache keeps f() and f(WEIGHTS) apart, and every sentence was encoded twice.
    return Encoder(folder)
