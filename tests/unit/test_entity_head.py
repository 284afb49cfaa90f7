"""Tags to names: only allowed sequences, and the characters that they cover."""

import numpy as np

from transforms.model.entity_head import TAGS, begin_tag, best_path, read_spans
from transforms.records import EntityType

PERSON, ORG = begin_tag(EntityType.PERSON), begin_tag(EntityType.ORG)


def logits(*tags: int) -> np.ndarray:
    rows = np.zeros((len(tags), TAGS), np.float32)
    rows[range(len(tags)), tags] = 5
    return rows


def test_the_likeliest_tags_are_taken_when_they_are_allowed() -> None:
    tags = [0, PERSON, PERSON + 1, 0, ORG]
    assert best_path(logits(*tags)) == tags


def test_a_name_never_begins_in_its_middle() -> None:
    assert best_path(logits(PERSON + 1))[0] != PERSON + 1


def test_a_name_goes_on_in_its_own_type_only() -> None:
    path = best_path(logits(ORG, PERSON + 1))
    assert path != [ORG, PERSON + 1]
    assert all(tag == 0 or tag % 2 or path[i - 1] in (tag, tag - 1) for i, tag in enumerate(path))


def test_pieces_of_a_name_are_joined_and_neighbours_stay_apart() -> None:
    offsets = np.array([[0, 3], [3, 5], [6, 9], [9, 12]], np.int32)
    rows = logits(ORG, ORG + 1, ORG, PERSON)
    assert [span[:3] for span in read_spans([ORG, ORG + 1, ORG, PERSON], offsets, rows)] == [
        (0, 5, EntityType.ORG), (6, 9, EntityType.ORG), (9, 12, EntityType.PERSON),
    ]  # fmt: skip
