"""Tables of what has changed and when a cohort was looked at, so that a night looks only where it may matter.

Belongs here: news that was noted, cohorts that have any, how each was last looked at. Does not: facts of the programme.
Nothing here is a truth: without these rows every cohort is looked at. Rows of news are only ever added and deleted, so
that nobody who notes something waits for anybody (docs/decisions/0011).
"""

from datetime import date
from uuid import uuid4

from sqlmodel import Field

from models.tables.base import Table


def drawn_id() -> str:
    """Draw an id by lot: no sequence of the database need be right, after a crash or in a copy."""
    return uuid4().hex


class News(Table, table=True):
    """What a transaction wrote or removed: keys of one kind (workers, learners, classes …) as a JSON list of texts."""

    __tablename__ = "news"

    id: str = Field(default_factory=drawn_id, primary_key=True)
    kind: str
    keys: str


class CohortNews(Table, table=True):
    """A cohort has news: it is looked at once after this row was written, and the row goes in that transaction.

    No foreign key: one that writes this would wait for whoever looks at the cohort at this moment.
    """

    __tablename__ = "cohort_news"

    id: str = Field(default_factory=drawn_id, primary_key=True)
    cohort_code: str = Field(index=True)


class Look(Table, table=True):
    """How a cohort was last looked at: on which business date, and under which rules (a digest of them).

    On `changes_on` a rule may decide otherwise though nothing is new; None: on no day to come. On `round_on` it is
    looked at in any case; `missed` counts how often that found what no news had told.
    """

    __tablename__ = "looks"

    cohort_code: str = Field(foreign_key="cohorts.code", primary_key=True)
    looked_on: date
    rules: str
    changes_on: date | None = None
    round_on: date
    missed: int = 0
