"""Offsets hold for any text: what is quoted is what stands there."""

import string
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.model.entities.pipeline import read_entities
from transforms.text.fold import fold
from transforms.text.gazetteer import read_names
from transforms.text.scan import load_scanner

SCRIPTS = (
    string.ascii_letters, "абвгдежзикЁё", "אבגדה", "ابتثجیک\u0640\u064b\u200c", "कखगमटाे\u093c\u094d।", "কখগ়া", "அகதமா", "กขคเา",
    "ガギメタ・のは\u3099", "메타는의", "\u1106\u1166\u1110\u1161\u11ab", "e\u0302\u0316", "கெொே\u0bbe\u0bd7", "元平台模型", "ΑΒγδάς", "აბგ",
    " \n\t.,-'’\u00ad\u200b\u0301", string.digits, "😀\ud800\U0001f469\u200d\U0001f4bb", "ﷺİﬁ",
)  # fmt: skip
letters = st.one_of([st.sampled_from(script) for script in SCRIPTS])
names = st.sampled_from([name.spelling for name in read_names()])
texts = st.lists(st.one_of(st.text(letters, max_size=12), names, st.text(max_size=8)), max_size=12).map(" ".join)
unspaced = st.lists(st.one_of(st.text(letters, max_size=3), names), max_size=8).map("".join)


@given(st.one_of(texts, unspaced))
@settings(max_examples=400, deadline=None)
def test_every_name_is_the_slice_of_the_content_and_none_overlap(text: str) -> None:
    scan = load_scanner().scan(text)
    end = 0
    for entity in scan.entities:
        assert text[entity.start : entity.end] == entity.surface
        assert entity.start >= end
        assert entity.canonical
        end = entity.end
    assert all(0 <= hit < len(text) for hit in scan.gate_hits)


@given(st.one_of(texts, st.text()))
@settings(max_examples=400, deadline=None)
def test_folding_keeps_the_way_back(text: str) -> None:
    folded = fold(text)
    spans = [folded.original(i, i + 1) for i in range(len(folded.text))]
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    assert all(fold(text[start:end]).text == folded.text[i] for i, (start, end) in enumerate(spans))


@given(st.text(letters, min_size=1, max_size=20), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_matches_grow_no_faster_than_the_text(part: str, times: int) -> None:
    once = len(load_scanner().scan(part + " . ").gate_hits)
    assert len(load_scanner().scan((part + " . ") * times).gate_hits) <= once * times


@given(st.one_of(texts, unspaced))
@settings(max_examples=60, deadline=None)
def test_the_pipeline_keeps_offsets_too(text: str) -> None:
    entities = read_entities(text, "", load_scanner().scan(text))
    assert all(text[e.start : e.end] == e.surface for e in entities)
    assert all(left.end <= right.start for left, right in pairwise(entities))
