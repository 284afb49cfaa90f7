"""The heartbeat: an article of our own that goes the way of all articles, and is never news."""

from __future__ import annotations

# A score that no article reaches.
NEVER = float("inf")


def sent_topic(prefix: str) -> str:
    """Where `openweight run` puts the heartbeat, and the job reads it beside the news."""
    return f"{prefix}.heartbeat"


def arrived_topic(prefix: str) -> str:
    """Where the heartbeat's assessment goes, apart from those of the news."""
    return f"{prefix}.heartbeat.arrived"


def is_heartbeat(topic: str) -> bool:
    """Whether it is such a topic, of whatever prefix: what stands there has no part in any story."""
    return topic.endswith(sent_topic(""))
