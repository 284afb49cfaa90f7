"""`openweight verify --alert`: one alert made again from the messages that it names, and whether it still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from connectors.kafka.partitions import ReadingPlan
from connectors.kafka.subscribe import read_positions, read_to_end
from pipeline.alert_rules import alert_rules
from pipeline.assess import LightPath
from pipeline.ends import kafka_connection
from pipeline.exit_codes import ExitCode
from pipeline.running import with_broker
from pipeline.settings import Settings
from pipeline.terminal import console, harmless
from transforms.attempt import Refused
from transforms.group_stories import group_into_stories
from transforms.key_articles import key_by_actor
from transforms.model.judge import model_version
from transforms.raise_alerts import raise_alert
from transforms.records import Alert, AlertState, Assessment, Direction, Member, Position, RawMessage, StoryUpdate

# What an alert carries beside what it says: how often it was told, and what it was made with.
NOT_COMPARED = {"revision", "state", "settings", "model", "merged_into", "retracted_because", "inputs", "schema_version"}


@dataclass(frozen=True)
class Proof:
    """What became of an alert's inputs, and in which fields the alert made anew is another one; `reasons` are lines for people."""

    inputs: tuple[tuple[str, str], ...]
    differing: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.reasons


def verify_alert(settings: Settings, alert_id: str, *, is_json: bool) -> ExitCode:
    """Prints what became of every input, and the verdict; FOUND when there is no such alert or it does not hold."""
    settings = with_broker(settings)
    connection, prefix = kafka_connection(settings), settings.writing.topic_prefix
    topics = tuple(f"{prefix}.alerts.{direction}" for direction in Direction if direction is not Direction.NONE)
    alert = find_alert(read_to_end(connection, ReadingPlan(topics=topics)), alert_id)
    if alert is None:
        console(to_error_output=True).print(f"openweight verify: no alert {harmless(alert_id, 100)} on {prefix}.alerts.*")
        return ExitCode.FOUND
    found = read_positions(connection, [one.position for one in alert.inputs])
    proof = prove(alert, found, LightPath(settings).assess, settings)
    if is_json:
        print(json.dumps({"alert_id": alert.alert_id, "holds": proof.holds, "inputs": dict(proof.inputs), "reasons": proof.reasons}))
    else:
        _print(alert, proof, settings)
    return ExitCode.DONE if proof.holds else ExitCode.FOUND


def find_alert(messages: Iterable[RawMessage], alert_id: str) -> Alert | None:
    """The newest revision of an alert; what cannot be read is passed over."""
    newest = None
    for message in messages:
        if message.key == alert_id.encode() and message.value:
            try:
                newest = msgspec.json.decode(message.value, type=Alert)
            except msgspec.MsgspecError:
                continue
    return newest


def prove(alert: Alert, found: dict[Position, RawMessage], assess: Callable[[RawMessage], Assessment], settings: Settings) -> Proof:
    """Makes the alert again from `found`, the messages at its inputs' places, and compares what it says."""
    inputs: list[tuple[str, str]] = []
    members: list[Member] = []
    for one in alert.inputs:
        outcome, member = _examine(found.get(one.position), one.sha256, assess, alert.actor)
        inputs.append((f"{one.position.topic}/{one.position.partition}@{one.position.offset}", outcome))
        members += [member] if member else []
    reasons = [f"{place}: {outcome}" for place, outcome in inputs if outcome != "as said"]
    if alert.state is AlertState.RETRACTED:
        reasons.append(f"the alert was taken back: {alert.retracted_because or 'no reason is given'}")
    if alert.article_count > len(alert.inputs):
        reasons.append(f"{alert.article_count - len(alert.inputs)} of its articles are no longer named: it can be made again only in part")
    again = _make_again(alert, members, settings)
    if again is None:
        reasons.append("its articles no longer make this story")
    differing = tuple(name for name in _said(alert) if again is not None and _said(again)[name] != _said(alert)[name])
    reasons += [f"{name} is another now: {_short(again, name)}, was {_short(alert, name)}" for name in differing]
    return Proof(tuple(inputs), differing, tuple(reasons))


def _examine(message: RawMessage | None, sha256: str, assess: Callable[[RawMessage], Assessment], actor: str) -> tuple[str, Member | None]:
    """What became of one input, and the article in the actor's stories when it still is one."""
    if message is None or message.value is None:
        return "gone from the topic", None
    if hashlib.sha256(message.value).hexdigest() != sha256:
        return "other bytes than those that the alert was made from", None
    try:
        assessment = assess(message)
    except Refused as refused:
        return f"no article any more: {refused.reason}", None
    mine = [member for name, member in key_by_actor(assessment) if name == actor and not member.gone_because]
    return ("as said", mine[0]) if mine else ("not flagged for this actor any more", None)


def _make_again(alert: Alert, members: list[Member], settings: Settings) -> Alert | None:
    story = group_into_stories(alert.actor, members, settings.stories.limits).get(alert.story_id)
    if story is None:
        return None
    update = StoryUpdate(story_id=alert.story_id, actor=alert.actor, before=(), members=story, received_at=story[0].received_at)
    return raise_alert(update, alert_rules(settings)).alert


def _said(alert: Alert) -> dict[str, object]:
    return {name: getattr(alert, name) for name in alert.__struct_fields__ if name not in NOT_COMPARED}


def _short(alert: Alert | None, name: str) -> str:
    value = getattr(alert, name)
    return harmless(f"{len(value)} of them" if name == "articles" else str(value), 120)


def _print(alert: Alert, proof: Proof, settings: Settings) -> None:
    screen = console()
    screen.print(f"alert {alert.alert_id}, revision {alert.revision}: {harmless(alert.headline, 200)}")
    for place, outcome in proof.inputs:
        screen.print(f"  {place:40} {outcome}")
    for what, then, now in (("model", alert.model, model_version()), ("settings", alert.settings, alert_rules(settings).settings)):
        screen.print(f"  {what:8} {now}, as then" if then == now else f"  {what:8} {now}, was {then or 'not said'}")
    screen.print("it holds" if proof.holds else "IT DOES NOT HOLD")
    for reason in proof.reasons:
        screen.print(f"  {reason}")
