"""What the linking costs with many stories open: state in bytes, and milliseconds for each article.

Fills actors with open stories, reads an actor's state back from its bytes as the engine hands it over, links a further article, and writes the
state again. Stories for each actor stay the same while actors grow in number, as in the news; the last line is one actor whose state is
full (`stories.members_per_actor`), the most that an article can cost. Usage: python tests/bench/stories.py [--stories 100 10000 100000]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.table import Table

from transforms.coding import RecordCoder
from transforms.group_stories import StoryLimits, group_into_stories
from transforms.link_stories import link
from transforms.records import ChangeType, Direction, Evidence, Member, Members, Position, Status
from transforms.text.sketch import SIZE

START = datetime(2026, 3, 1, tzinfo=UTC)
CODER = RecordCoder(Members)
LIMITS = StoryLimits()
MEASURED_ARTICLES = 1_000
QUOTE = "The company said that weights of its next model will be offered through its own service only, and that nobody else will have them."


def article(number: int, story: int, chance: random.Random) -> Member:
    """An article of an open story, with the three quotes and the marks that a real one has."""
    at = START + timedelta(hours=number % 150)
    return Member(
        article=f"https://news.example/{number}", position=Position("news.articles", number % 8, number), sha256=f"{number:064x}",
        url=f"https://news.example/{number}", title=f"Report number {number} on the change", publisher=f"Paper {number % 900}",
        language="en", at=at, received_at=at, direction=(Direction.CLOSING, Direction.OPENING)[story % 2],
        change_type=ChangeType.WEIGHTS_ACCESS, status=Status.ANNOUNCED, contested=False, score=0.97, actors=("Harrowgate Labs",),
        evidence=tuple(Evidence(200 * i, 200 * i + len(QUOTE), QUOTE) for i in range(3)), model="0123456789ab",
        content_sha256=f"{number:064x}", objects=(f"Model {story}",), marks=tuple(f"#{story}{i}7" for i in range(6)),
        sketch=chance.randbytes(2 * SIZE), outline=tuple(f"name {i}" for i in range(12)),
    )  # fmt: skip


def measure(actors: int, stories_per_actor: int, articles_per_story: int) -> tuple[int, float]:
    """Returns the bytes of all actors' state, and the milliseconds that one further article takes, reading and writing state included."""
    chance = random.Random(7)  # noqa: S311 - the same articles each time
    per_actor = stories_per_actor * articles_per_story
    states = [
        CODER.encode(Members(members=tuple(article(actor * per_actor + i, i % stories_per_actor, chance) for i in range(per_actor))))
        for actor in range(actors)
    ]
    opened = len(group_into_stories("x", CODER.decode(states[0]).members, LIMITS))
    if opened != stories_per_actor:
        raise SystemExit(f"{opened} stories are open for an actor, {stories_per_actor} were meant: nothing is measured")
    size_bytes = sum(map(len, states))
    new = [
        (chance.randrange(actors), article(actors * per_actor + i, chance.randrange(stories_per_actor), chance))
        for i in range(MEASURED_ARTICLES)
    ]
    seconds = 0.0
    for actor, member in new:
        started = time.process_time()
        known, _ = link("x", CODER.decode(states[actor]).members, member, LIMITS)
        CODER.encode(Members(members=known))
        seconds += time.process_time() - started
    return size_bytes, 1000 * seconds / len(new)


def main() -> int:
    """Prints the table; 1 when an article costs more than twice as much with the most stories as with the fewest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, nargs="+", default=[100, 10_000, 100_000])
    parser.add_argument("--stories-per-actor", type=int, default=5)
    parser.add_argument("--articles-per-story", type=int, default=4)
    options = parser.parse_args()
    table = Table("open stories", "actors", "state MB", "bytes/article", "ms/article", box=None)
    costs = []
    full = LIMITS.members_per_actor // 10
    cases = [(stories // options.stories_per_actor, options.stories_per_actor, options.articles_per_story) for stories in options.stories]
    for actors, stories, articles in [*cases, (1, full, 10)]:
        size_bytes, milliseconds = measure(actors, stories, articles)
        costs.append(milliseconds)
        per_article = size_bytes / (actors * stories * articles)
        table.add_row(f"{actors * stories}", f"{actors}", f"{size_bytes / 1e6:.1f}", f"{per_article:.0f}", f"{milliseconds:.2f}")
    console = Console()
    console.print(table)
    ratio = costs[-2] / costs[0]
    console.print(f"with {options.stories[-1]} stories an article costs {ratio:.2f} times what it does with {options.stories[0]}")
    return int(ratio > 2)


if __name__ == "__main__":
    sys.exit(main())
