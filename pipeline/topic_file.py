"""The topics of these settings: deploy/topics.toml under the prefix that is set."""

from __future__ import annotations

from pathlib import Path

from connectors.kafka.topics import TopicDefinition, read_topic_definitions
from pipeline.settings import Settings

TOPICS_FILE = Path(__file__).resolve().parents[1] / "deploy" / "topics.toml"
WRITTEN_IN_FILE = "openweight."
NEWS_IN_FILE = "news.articles"


def read_topics(settings: Settings) -> dict[str, TopicDefinition]:
    """Definitions by topic; the news topics of the settings take the file's example for theirs, those of a pattern are not ours.

    Raises:
        TopicFileError: the file is missing or wrong.
    """
    definitions = read_topic_definitions(TOPICS_FILE)
    written = {
        f"{settings.writing.topic_prefix}.{name.removeprefix(WRITTEN_IN_FILE)}": definition
        for name, definition in definitions.items()
        if name.startswith(WRITTEN_IN_FILE)
    }
    names = () if settings.reading.topic_pattern else settings.reading.topics
    return dict.fromkeys(names, definitions[NEWS_IN_FILE]) | written
