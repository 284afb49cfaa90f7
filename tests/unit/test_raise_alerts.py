"""An alert says what the story's articles say, and when a person should know of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pipeline.alert_rules import alert_rules, settings_hash
from pipeline.settings import Settings
from transforms.raise_alerts import AlertRules, raise_alert
from transforms.records import (
    Alert,
    AlertState,
    ChangeType,
    Direction,
    Evidence,
    Member,
    Position,
    RaisedAlert,
    Severity,
    Status,
    StoryUpdate,
)  # fmt: skip
from transforms.story_facts import SeverityRules
from transforms.text.sketch import sketch_text

START = datetime(2026, 3, 1, tzinfo=UTC)


def member(article: str, hour: int = 0, **changes: object) -> Member:
    at = START + timedelta(hours=hour)
    values = {
        "article": article, "position": Position("news", 0, hour), "sha256": article, "url": f"https://example.org/{article}",
        "title": f"title of {article}", "publisher": article, "language": "en", "at": at, "received_at": at, "direction": Direction.CLOSING,
        "change_type": ChangeType.LICENCE, "status": Status.ANNOUNCED, "contested": False, "score": 0.9, "actors": ("Meta",),
        "evidence": (Evidence(0, 1, "a"),), "model": "m",
    }  # fmt: skip
    return Member(**(values | changes))  # type: ignore[arg-type]


def raised(before: list[Member], members: list[Member], merged_into: str = "", articles_per_alert: int = 20) -> RaisedAlert:
    update = StoryUpdate(
        story_id="s", actor="Meta", before=tuple(before), members=tuple(members), received_at=START, merged_into=merged_into
    )
    return raise_alert(update, AlertRules(articles_per_alert))


def alert(before: list[Member], members: list[Member], merged_into: str = "", articles_per_alert: int = 20) -> Alert:
    return raised(before, members, merged_into, articles_per_alert).alert


def test_first_article_raises_and_the_second_updates() -> None:
    first, second = alert([], [member("a")]), alert([member("a")], [member("a"), member("b", 1)])
    assert (first.state, first.revision) == (AlertState.RAISED, 1)
    assert raised([], [member("a")]).is_notable
    assert (second.state, second.revision) == (AlertState.UPDATED, 2)
    assert first.alert_id == second.alert_id


def test_second_publisher_is_notable_and_a_third_is_not() -> None:
    one, two, three = member("a"), member("b", 1), member("c", 2)
    assert raised([one], [one, two]).is_notable
    assert not raised([one, two], [one, two, three]).is_notable


def test_same_publisher_again_is_not_notable() -> None:
    one, again = member("a", publisher="p"), member("b", 1, publisher="p")
    assert not raised([one], [one, again]).is_notable
    assert alert([one], [one, again]).publisher_count == 1


@pytest.mark.parametrize(
    ("changes", "told"), [({"status": Status.IN_FORCE}, "status"), ({"contested": True}, "contested"), ({"status": Status.RUMOURED}, "")]
)
def test_move_in_status_or_a_denial_is_notable(changes: dict[str, object], told: str) -> None:
    one, two, three = member("a"), member("b", 1), member("c", 2, **changes)
    assert ",".join(raised([one, two], [one, two, three]).changes) == told


def test_rumour_that_is_denied_later_is_a_denial_and_an_announcement_is_not() -> None:
    rumour, denial = member("a", status=Status.RUMOURED), member("b", 1, status=Status.DENIED)
    assert alert([rumour], [rumour, denial]).status is Status.DENIED
    assert alert([], [member("a"), denial]).status is Status.ANNOUNCED
    earlier = member("b", 0, status=Status.DENIED)
    assert alert([], [earlier, member("a", 1, status=Status.RUMOURED)]).status is Status.RUMOURED


def test_reprint_makes_a_story_neither_notable_nor_more_severe() -> None:
    sketch = sketch_text(
        "The company said on Tuesday that its next model will be offered through its own service only, weights stay inside."
    )
    one, reprint = member("a", sketch=sketch), member("b", 1, sketch=sketch)
    shown = raised([one], [one, reprint])
    assert (shown.changes, shown.alert.publisher_count, shown.alert.severity) == ((), 1, Severity.MEDIUM)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"title": "another headline"}, ()),
        ({"evidence": (Evidence(0, 2, "ab"),), "score": 0.8}, ()),
        ({"status": Status.RUMOURED}, ("status", "corrected")),
        ({"change_type": ChangeType.PLATFORM}, ("kind", "corrected")),
        ({"objects": ("Llama",)}, ("corrected",)),
        ({"marks": ("#15",)}, ("corrected",)),
    ],
)
def test_edit_is_told_when_it_changes_what_is_said(edit: dict[str, object], told: tuple[str, ...]) -> None:
    assert raised([member("a")], [member("a", edits=1, **edit)]).changes == told


def test_alert_names_all_its_inputs_and_what_it_was_made_with() -> None:
    members = [member(str(number), number) for number in range(5)]
    update = StoryUpdate(story_id="s", actor="Meta", before=(), members=tuple(members), received_at=START)
    shown = raise_alert(update, AlertRules(articles_per_alert=2, settings="0123")).alert
    assert [(one.position.offset, one.sha256) for one in shown.inputs] == [(number, str(number)) for number in range(5)]
    assert (shown.settings, shown.model) == ("0123", "m")


def test_weighty_actor_is_one_step_more_severe_and_high_is_the_most() -> None:
    rules = SeverityRules(weighty_actors=frozenset({"Meta"}))
    assert rules.severity(Status.RUMOURED, "Meta", 1) is Severity.MEDIUM
    assert rules.severity(Status.RUMOURED, "Ai2", 1) is Severity.LOW
    assert rules.severity(Status.IN_FORCE, "Meta", 9) is Severity.HIGH


def test_severity_table_comes_from_the_settings() -> None:
    settings = Settings.model_validate({"alerts": {"rumoured": ["low", "high"], "corroborated_by": 3, "weighty_actors": []}})
    rules = alert_rules(settings).severity
    assert [rules.severity(Status.RUMOURED, "Meta", publishers) for publishers in (1, 2, 3)] == [Severity.LOW, Severity.LOW, Severity.HIGH]
    assert settings_hash(settings) != settings_hash(Settings())
    assert settings_hash(Settings()) == settings_hash(Settings.model_validate({"reading": {"group": "another"}}))


def test_story_without_articles_is_retracted_with_its_heir() -> None:
    retracted = alert([member("a")], [], merged_into="heir")
    assert (retracted.state, retracted.merged_into, retracted.revision) == (AlertState.RETRACTED, "heir", 2)


@pytest.mark.parametrize(
    ("status", "publishers", "severity"),
    [
        (Status.IN_FORCE, 1, Severity.MEDIUM),
        (Status.IN_FORCE, 2, Severity.HIGH),
        (Status.ANNOUNCED, 2, Severity.HIGH),
        (Status.PROPOSED, 2, Severity.MEDIUM),
        (Status.RUMOURED, 2, Severity.LOW),
        (Status.DENIED, 1, Severity.LOW),
    ],
)
def test_severity_follows_status_and_corroboration(status: Status, publishers: int, severity: Severity) -> None:
    members = [member(str(number), number, status=status) for number in range(publishers)]
    assert alert([], members).severity is severity


def test_alert_points_to_so_many_articles_at_most_and_counts_all() -> None:
    members = [member(str(number), number) for number in range(5)]
    shown = alert([], members, articles_per_alert=2)
    assert (len(shown.articles), shown.article_count) == (2, 5)


def test_same_articles_give_the_same_bytes() -> None:
    members = [member("a"), member("b", 1), member("c", 2)]
    fresh, grown = raised([], members), raised(members[:2], members)
    assert msgspec.json.encode(fresh.alert) == msgspec.json.encode(grown.alert)
    assert fresh.is_notable is not grown.is_notable  # what came before shows here alone


def test_alert_of_the_longest_articles_stays_far_below_a_megabyte() -> None:
    actors = tuple(f"actor {number} " + "x" * 180 for number in range(30))
    quote = (Evidence(0, 600, "文" * 600),) * 3
    members = [
        member(str(number), number, title="文" * 100_000, url="https://example.org/" + "x" * 1_980, evidence=quote, actors=actors)
        for number in range(200)
    ]
    shown = alert([], members, articles_per_alert=200)
    assert len(msgspec.json.encode(shown)) < 500_000
    assert 0 < len(shown.articles) < shown.article_count == 200


def test_articles_left_out_of_state_are_still_counted() -> None:
    shown = alert([], [member("a", stands_for=7)])
    assert (shown.article_count, shown.revision, shown.state) == (7, 7, AlertState.UPDATED)


def test_headline_falls_back_to_the_evidence() -> None:
    assert alert([], [member("a", title="")]).headline == "a"


def test_edited_article_gives_the_alert_another_revision() -> None:
    before, after = alert([], [member("a")]), alert([member("a")], [member("a", edits=1, title="corrected")])
    assert (before.revision, after.revision) == (1, 2)
    assert after.article_count == 1
