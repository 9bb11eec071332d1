"""What is sent to partners is what the document of the partner API says they are sent."""

import json

from models.tables.operations import Outbox
from tests.docs.partner_api import POSTS, problems
from tests.fixtures.cohorts import STUDY_OVER, rows
from tests.tasks.conftest import At


def test_everything_sent_to_partners_is_in_the_document_and_as_it_says(at: At) -> None:
    case = at("certification")
    case.cards(0, 1, 2, 3, 4, 5)
    case.advance(STUDY_OVER)
    sent = [row for row in rows(Outbox) if row.kind.startswith("partner.")]
    for row in sent:
        resource = row.kind.removeprefix("partner.")
        assert problems(POSTS[resource], json.loads(row.payload)) == [], resource
    assert {row.kind.removeprefix("partner.") for row in sent} == POSTS.keys()
