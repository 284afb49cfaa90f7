"""From settings to what an alert depends on, with a hash of it."""

from __future__ import annotations

import hashlib
import json

from pipeline.settings import Settings
from transforms.raise_alerts import AlertRules

# What an alert follows from besides the articles and the weights; where it is read and written is no part of it.
SECTIONS = ("fields", "limits", "judgement", "stories", "alerts")


def alert_rules(settings: Settings) -> AlertRules:
    return AlertRules(settings.stories.articles_per_alert, settings.alerts.rules, settings_hash(settings))


def settings_hash(settings: Settings) -> str:
    """12 hexadecimal digits that change whenever a setting does that alerts depend on."""
    values = settings.model_dump(mode="json", include=set(SECTIONS))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
