"""Text -> Doc whose tokens end wherever a name may end.

Letters of scripts that people mark together with their case endings stay together as words; of the others each character is a token: a name
there may end inside a word (메타는). `doc.text` is the text, character by character.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from transforms.text.borders import ENDING_BELONGS_TO_NAME
from transforms.text.scripts import BLOCKS, script_of
from transforms.text.sentences import split_sentences

# Where each token begins, under this key of `doc.user_data`: to find the tokens of a span without a walk through the Doc.
STARTS = "starts"


@cache
def token_pattern() -> re.Pattern[str]:
    """Words of the scripts of ENDING_BELONGS_TO_NAME, numbers, and single characters."""
    letters: dict[str, str] = defaultdict(str)
    for first, last, script in BLOCKS:
        if script in ENDING_BELONGS_TO_NAME:
            letters[script] += "".join(re.escape(chr(code)) for code in range(first, last + 1) if script_of(chr(code)))
    words = "|".join(f"[{found}][{found}\u0300-\u036f\u200b-\u200d]*" for found in letters.values())
    return re.compile(rf"{words}|\d+|.", re.DOTALL)


class Tokenizer:
    """Splits a text and marks where its sentences begin."""

    def __init__(self, vocab: Any) -> None:
        self._vocab = vocab

    def __call__(self, text: str) -> Doc:
        """Text of any length and script -> Doc; `doc.text == text`."""
        words: list[str] = []
        spaces: list[bool] = []
        starts: list[int] = []
        for found in token_pattern().finditer(text):
            if found.group() == " " and words and not spaces[-1]:
                spaces[-1] = True
                continue
            words.append(found.group())
            spaces.append(False)
            starts.append(found.start())
        begins = [False] * len(words)
        for start, _ in split_sentences(text):
            begins[bisect_right(starts, start) - 1] = True
        if begins:
            begins[0] = True
        doc = Doc(self._vocab, words=words, spaces=spaces, sent_starts=begins)
        doc.user_data[STARTS] = starts
        return doc


@spacy.registry.tokenizers("openweight_letters.v1")
def make_tokenizer() -> Callable[[Language], Tokenizer]:
    """What config.cfg names."""
    return lambda nlp: Tokenizer(nlp.vocab)


def span_of(doc: Doc, start: int, end: int, label: str, canonical: str = "") -> Span:
    """The tokens that hold the characters from `start` to `end` (end > start)."""
    starts = doc.user_data[STARTS]
    return Span(doc, bisect_right(starts, start) - 1, bisect_left(starts, end), label=label, kb_id=canonical)
