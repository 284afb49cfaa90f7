"""The settings that say which key of a message holds what."""

from __future__ import annotations

from pydantic import Field, model_validator

from pipeline.setting_values import Section, raise_together


class Fields(Section):
    """Which JSON key of a message holds what; dots lead into nested objects."""

    id: str = Field("id", description="identity in the producer's system")
    url: str = Field("url", description="link to the article")
    title: str = Field("title", description="headline")
    text: str = Field("text", description="body as plain text")
    html: str = Field("html", description="body as HTML, read when there is no text")
    published_at: str = Field("published_at", description="time of publication: ISO 8601, or seconds or milliseconds since 1970")
    publisher: str = Field("publisher", description="name of the source")
    language: str = Field("language", description="language as the producer declares it; a hint only")
    withdrawn: str = Field(
        "withdrawn", description="true: the publisher took the article back; title or text must still name whose change it was"
    )

    @model_validator(mode="after")
    def _agree(self) -> Fields:
        paths = {name: getattr(self, name) for name in type(self).model_fields}
        problems = [
            f"{inner} = {inner_path!r} lies within {outer} = {outer_path!r}, which is a text and holds no other fields"
            for outer, outer_path in paths.items()
            for inner, inner_path in paths.items()
            if inner_path.startswith(f"{outer_path}.")
        ]
        return raise_together(self, problems)
