"""The settings of stories and alerts: what belongs together, and how much is kept of it."""

from __future__ import annotations

from pydantic import Field

from pipeline.setting_values import Section
from transforms.group_stories import StoryLimits


class Stories(Section):
    open_days: int = Field(7, ge=1, le=365, description="days without a new report after which a story takes no more articles")
    members_per_actor: int = Field(500, ge=10, le=10_000, description="articles kept in state for one actor")
    agreement: float = Field(
        1.0, ge=0, le=5, description="how much an article must agree with a story to join it; more: smaller stories, and more of them"
    )
    articles_per_alert: int = Field(20, ge=1, le=200, description="articles that an alert points to; the count goes on")

    @property
    def limits(self) -> StoryLimits:
        return StoryLimits(self.open_days, self.members_per_actor, self.agreement)
