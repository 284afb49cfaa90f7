"""Where names that the model read begin and end, and which of two that overlap stays."""

import pytest

from transforms.model.entities import spans
from transforms.model.entities.spans import settle, whole_words
from transforms.records import Entity, EntityType

ORG, GPE = EntityType.ORG, EntityType.GPE


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("日本の", "日本"),
        ("つくば市では", "つくば市"),
        ("の上野", "上野"),
        ("みずほ", "みずほ"),
        ("元公司的", "元公司"),
        ("소리테크놀로지는", "소리테크놀로지"),
        ("한국의", "한국"),
        ("김다은", "김다은"),
        ("وسوريا", "سوريا"),
        ("وليد", "وليد"),
        ("ובישראל", "ובישראל"),
        ("בישראל", "ישראל"),
        ("Berlin", "Berlin"),
        ("在香港", "香港"),
    ],
)
def test_a_particle_is_no_part_of_the_name(text: str, name: str) -> None:
    start, end = whole_words(text, 0, len(text))
    assert text[start:end] == name


def test_a_place_stays_when_the_longer_name_has_only_a_particle_more() -> None:
    place = Entity(1, 6, "دمشق1"[:5], "Damascus", GPE)
    longer = Entity(0, 6, "ب" + place.surface, "", GPE)
    assert settle(6, [place], [longer]) == [place]


def test_a_longer_name_stays_before_the_place_in_it() -> None:
    place = Entity(0, 10, "Australian", "Australia", GPE)
    longer = Entity(0, 31, "Australian Competition Commissi", "", ORG)
    assert settle(31, [place], [longer]) == [longer]


def test_a_word_without_end_does_not_make_a_name_of_all_of_it() -> None:
    start, end = whole_words("x" * 5000, 4000, 4010)
    assert end - start < 200


def test_a_name_is_compared_only_with_places_that_it_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [Entity(at, at + 5, "Chile", "Chile", GPE) for at in range(0, 6000, 6)]
    read = [Entity(at, at + 11, "Chile Chile", "", ORG) for at in range(0, 6000, 12)]
    compared: list[tuple[Entity, Entity]] = []
    monkeypatch.setattr(spans, "_holds", lambda longer, place: compared.append((longer, place)))
    settle(6000, places, read)
    assert len(compared) == len(places)
