"""The settings of stories, alerts and the ledger: what belongs together, how severe it is, and how much is kept of it."""

from __future__ import annotations

from pydantic import Field

from pipeline.setting_values import Section
from transforms.closed_sets import Severity, Status
from transforms.group_stories import StoryLimits
from transforms.policy_book import LedgerLimits
from transforms.story_facts import USUAL_SEVERITY, SeverityRules

Pair = tuple[Severity, Severity]
# Those on whom many others build, and whose law reaches furthest.
USUAL_WEIGHTY_ACTORS = (
    "Alibaba", "China", "DeepSeek", "European Union", "Google", "Hugging Face", "Meta", "Microsoft", "Mistral AI", "OpenAI",
    "United States",
)  # fmt: skip


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


class Alerts(Section):
    """Severity by status: told by one independent publisher, and by `corroborated_by` or more; weighty actors one step more."""

    in_force: Pair = Field(USUAL_SEVERITY[Status.IN_FORCE], description="severity of a change in force: one publisher, several")
    announced: Pair = Field(USUAL_SEVERITY[Status.ANNOUNCED], description="severity of an announced change: one publisher, several")
    proposed: Pair = Field(USUAL_SEVERITY[Status.PROPOSED], description="severity of a proposed change: one publisher, several")
    rumoured: Pair = Field(USUAL_SEVERITY[Status.RUMOURED], description="severity of a rumour: one publisher, several")
    denied: Pair = Field(USUAL_SEVERITY[Status.DENIED], description="severity of a rumour that was denied: one publisher, several")
    corroborated_by: int = Field(2, ge=2, le=100, description="how many independent publishers are several")
    weighty_actors: tuple[str, ...] = Field(USUAL_WEIGHTY_ACTORS, description="actors whose changes are one step more severe")

    @property
    def rules(self) -> SeverityRules:
        by_status: dict[Status, Pair] = USUAL_SEVERITY | {
            Status.IN_FORCE: self.in_force,
            Status.ANNOUNCED: self.announced,
            Status.PROPOSED: self.proposed,
            Status.RUMOURED: self.rumoured,
            Status.DENIED: self.denied,
        }
        return SeverityRules(tuple(by_status.items()), self.corroborated_by, frozenset(self.weighty_actors))


class Ledger(Section):
    history: int = Field(20, ge=1, le=200, description="changes that the ledger keeps for each actor and object")
    objects_per_actor: int = Field(200, ge=1, le=2_000, description="objects of one actor that may still change in the ledger")
    kept_days: int = Field(1_825, ge=30, le=36_500, description="days without a report after which an actor's stances change no more")

    @property
    def limits(self) -> LedgerLimits:
        return LedgerLimits(self.history, self.objects_per_actor, self.kept_days)
