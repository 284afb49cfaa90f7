"""The stage that decides, on the weights that are shipped."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from transforms.attempt import Refused
from transforms.flag_policy_change import JudgeArticle, assessment
from transforms.model.actors import Candidate, find_candidates, rank_actors
from transforms.model.decision import Decision, choose_evidence, vote
from transforms.model.judge import Judgement, model_version
from transforms.model.reading import choose_sentences, join_readings
from transforms.records import (
    AnnotatedDocument,
    Article,
    ChangeType,
    Direction,
    Document,
    Entity,
    EntityType,
    LanguageSpan,
    Novelty,
    Position,
    RawMessage,
    Status,
)  # fmt: skip


def annotated(
    title: str, text: str, entities: tuple[tuple[str, str, EntityType], ...] = (), *, is_candidate: bool = True
) -> AnnotatedDocument:
    content = f"{title}\n{text}"
    raw = RawMessage(position=Position("news", 0, 7), timestamp_milliseconds=0, key=None, value=b"")
    article = Article(
        raw=raw,
        received_at=datetime(2026, 11, 24, tzinfo=UTC),
        sha256="00",
        id="7",
        url="https://example.org/7",
        title=title,
        content=content,
    )
    document = Document(article=article, language="en", language_spans=(LanguageSpan(0, len(content), "en"),))
    found = tuple(
        Entity(content.find(surface), content.find(surface) + len(surface), surface, canonical, kind)
        for surface, canonical, kind in entities
    )
    return AnnotatedDocument(document=document, entities=found, is_candidate=is_candidate, gate_hits=())


CLOSING = annotated(
    "Harrowgate Labs stops publishing its models",
    "Harrowgate Labs said on Monday that it will no longer release the weights of its language models for download.\n"
    "From the next version on, customers can reach them only through the company's own cloud.\n"
    "The firm was founded in 2021 and has 300 staff.",
    (("Harrowgate Labs", "Harrowgate Labs", EntityType.ORG),),
)
SPORT = annotated(
    "Open weight final goes to Tanaka",
    "Kenji Tanaka won the open weight title in Osaka on Sunday.\nHe threw his rival after two minutes.\nThe crowd of 9,000 cheered.",
)


def test_closing_lab_is_flagged_with_verbatim_evidence_and_actor() -> None:
    found = JudgeArticle()(CLOSING)
    assert found.flag
    assert found.direction is Direction.CLOSING
    assert found.novelty is Novelty.NEW
    assert found.actors == ("Harrowgate Labs",)
    content = CLOSING.document.article.content
    assert found.evidence
    assert all(content[e.start : e.end] == e.text for e in found.evidence)
    assert 0 <= found.score <= 1


def test_sport_is_not_flagged() -> None:
    found = JudgeArticle()(SPORT)
    assert not found.flag
    assert (found.direction, found.change_type, found.status, found.novelty) == (
        Direction.NONE, ChangeType.NONE, Status.NONE, Novelty.NONE,
    )  # fmt: skip
    assert found.evidence == ()


def test_article_that_the_gate_turned_away_is_not_read(tmp_path: Path) -> None:
    # A folder without an encoder: reading the article would fail.
    (tmp_path / "any.npz").write_bytes(b"1")
    turned_away = annotated("Rain", "It rained.", is_candidate=False)
    found = JudgeArticle(weights=str(tmp_path))(turned_away)
    assert (found.flag, found.score, found.novelty) == (False, 0.0, Novelty.NONE)


def test_threshold_of_the_settings_wins_over_the_trained_one() -> None:
    score = JudgeArticle()(CLOSING).score
    assert not JudgeArticle(threshold=1.01)(CLOSING).flag
    assert JudgeArticle(threshold=score / 2)(CLOSING).flag


def test_article_without_sentences_is_not_flagged() -> None:
    found = JudgeArticle()(annotated("...", "—"))
    assert not found.flag
    assert found.score == 0.0


def test_same_article_is_judged_the_same_twice() -> None:
    assert JudgeArticle()(CLOSING) == JudgeArticle()(CLOSING)


def test_missing_weights_stop_the_worker_at_setup(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        JudgeArticle(weights=str(tmp_path)).setup()


def test_version_changes_with_the_weights(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "heads.npz").write_bytes(content)
    assert model_version(tmp_path / "a") != model_version(tmp_path / "b")


def test_title_and_sentences_with_hits_are_read_first() -> None:
    content = "A title\n" + " ".join(f"Sentence number {n} ends." for n in range(100, 140))
    hit = content.index("number 131")
    chosen = choose_sentences(content, "A title", (hit,), limit=3)
    assert [content[r.start : r.end] for r in chosen] == ["A title", "Sentence number 100 ends.", "Sentence number 131 ends."]
    assert [r.context for r in chosen] == ["", "A title", "A title"]


def test_what_the_text_repeats_of_title_and_sentences_is_read_once() -> None:
    content = "A title ends here.\nA title  ends here.\nOne. Two. One."
    chosen = choose_sentences(content, "A title ends here.")
    assert [content[r.start : r.end] for r in chosen] == ["A title ends here.", "One.", "Two."]


def test_evidence_is_the_strongest_sentence_and_those_near_it() -> None:
    assert choose_evidence(np.array([0.1, 0.9, 0.8, 0.3, 0.7, 0.75, 0.72, 0.6], np.float32)) == (1, 2, 5, 6, 4)
    assert choose_evidence(np.array([0.2, 0.1], np.float32)) == (0,)


def test_sentences_are_joined_behind_their_title() -> None:
    content = "A  title\nOne. Two. Three."
    readings = choose_sentences(content, "A  title")
    assert join_readings(content, "A  title", [readings[0], readings[1], readings[3]]) == ("One. Three.", "A title")
    assert join_readings(content, "A  title", readings[:1]) == ("A  title", "")


def test_each_reading_has_one_vote_in_which_strong_sentences_prevail() -> None:
    shares = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6]], np.float32)
    strength = np.array([0.9, 0.3, 0.3], np.float32)
    other = (np.array([[0.1, 0.9]], np.float32), np.ones(1, np.float32))
    assert vote([(shares, strength)]) == 0
    assert vote([(shares, strength), other]) == 1
    assert vote([(shares, np.zeros(3, np.float32)), (shares, np.zeros(3, np.float32))]) == 0


@pytest.mark.parametrize(
    ("surface", "canonical", "kind", "actor"),
    [
        ("Brussels", "Brussels", EntityType.GPE, "European Union"),
        ("Llama 4", "Llama", EntityType.MODEL, "Meta"),
        ("Kerala", "Kerala", EntityType.GPE, "Kerala"),
    ],
)
def test_seats_and_models_stand_for_somebody(surface: str, canonical: str, kind: EntityType, actor: str) -> None:
    entity = Entity(0, len(surface), surface, canonical, kind)
    assert [one.name for one in find_candidates((entity,), [(0, 40)], 0, ChangeType.REGULATION)] == [actor]


def test_unknown_model_stands_for_nobody() -> None:
    assert find_candidates((Entity(0, 5, "Zanzi", "Zanzi", EntityType.MODEL),), [(0, 40)], 0, ChangeType.LICENCE) == []


def test_a_paper_is_no_actor_and_behind_a_body_stands_its_state() -> None:
    paper = Entity(0, 9, "読売新聞", "Yomiuri Shimbun", EntityType.ORG)
    body = Entity(10, 16, "Senado", "Senate of Mexico", EntityType.ORG)
    found = find_candidates((paper, body), [(0, 40)], 0, ChangeType.LICENCE)
    assert [(one.name, one.state) for one in found] == [("Senate of Mexico", "Mexico")]
    assert rank_actors(found, np.zeros(len(found[0].features)), 1.0) == ("Senate of Mexico", "Mexico")


def test_known_person_stands_for_the_organisation() -> None:
    person = Entity(0, 15, "Mark Zuckerberg", "Mark Zuckerberg", EntityType.PERSON)
    unknown = Entity(20, 28, "Jane Doe", "Jane Doe", EntityType.PERSON)
    found = find_candidates((person, unknown), [(0, 40)], 0, ChangeType.RELEASE_STRATEGY)
    assert [candidate.name for candidate in found] == ["Meta"]


def test_likeliest_actor_comes_first_and_unlikely_ones_are_left_out() -> None:
    candidates = [Candidate("A", (0.0,)), Candidate("B", (2.0,)), Candidate("C", (1.5,))]
    assert rank_actors(candidates, np.array([1.0]), -1.0) == ("B", "C")
    assert rank_actors([], np.array([1.0]), 0.0) == ()


def test_article_that_repeats_a_name_gives_an_assessment_that_fits_its_topic() -> None:
    text = "OpenAI, " * 25_000
    entities = tuple(Entity(at, at + 6, "OpenAI", "OpenAI", EntityType.ORG) for at in range(0, len(text), 8))
    document = msgspec.structs.replace(annotated("文" * 100_000, text), entities=entities)
    result = assessment(document, Judgement(Decision.none(), [], None, ("OpenAI",)), "m")
    assert len(msgspec.json.encode(result)) < 200_000
    assert (len(result.entities), result.warnings) == (500, ("entities_cut",))


def test_hash_of_the_content_follows_from_the_content_alone() -> None:
    one, other = (assessment(annotated("t", text), Judgement(Decision.none(), [], None, ()), "m") for text in ("a", "b"))
    again = assessment(annotated("t", "a", is_candidate=False), Judgement(Decision.none(), [], None, ()), "m2")
    assert one.content_sha256 == again.content_sha256 != other.content_sha256
    assert one.warnings == ()


def test_article_whose_assessment_would_not_fit_its_topic_is_refused() -> None:
    length = 200_000
    many = tuple(LanguageSpan(at, at + 1, "en") for at in range(length))
    large = annotated("Rain", "x" * length, is_candidate=False)
    large = msgspec.structs.replace(large, document=msgspec.structs.replace(large.document, language_spans=many))
    judge = JudgeArticle()
    judge.setup()
    with pytest.raises(Refused, match="too_large"):
        judge(large)
