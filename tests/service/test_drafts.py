"""Drafts are kept beside the log, and leave by the transaction that submits them."""

from __future__ import annotations

import json

import pytest

from sluicegate.service import drafts
from sluicegate.service.applications import Submission
from tests.fakes import Broken
from tests.plane import Plane, no, yes
from tests.worlds import API, RELEASE, STAGE, plan_value

ASKED = Submission(
    release=RELEASE,
    stage=STAGE,
    surface=API,
    organization=json.dumps({"name": "Example Utility", "registeredIn": "US"}),
    file="organization.yaml",
)


@pytest.fixture
def plane() -> Plane:
    made = Plane()
    made.opened()
    return made


def save(plane: Plane, who: str = "applicant", **changes: str) -> str:
    kept = yes(drafts.save(plane.ledger, plane.who[who], plane.id(), ASKED._replace(**changes)))
    return str(kept["draft"])


def kept(plane: Plane, who: str = "applicant") -> list[str]:
    return [each["draft"] for each in drafts.listed(plane.ledger, plane.who[who])["drafts"]]


def test_a_draft_is_no_entry_and_is_submitted_once(plane):
    size, draft = plane.size, save(plane)
    assert plane.size == size
    command = plane.id()
    first = yes(drafts.submit(plane.ledger, plane.who["applicant"], command, draft))
    assert kept(plane) == []
    assert drafts.submit(plane.ledger, plane.who["applicant"], command, draft) == first
    assert no(drafts.submit(plane.ledger, plane.who["applicant"], plane.id(), draft)) == "draft_unknown"
    assert plane.size == size + 2  # its organization, and the case


def test_a_draft_that_is_refused_or_whose_commit_fails_stays(plane):
    plane.submit()
    draft = save(plane)
    assert no(drafts.submit(plane.ledger, plane.who["applicant"], plane.id(), draft)) == "already_applied"
    other = save(plane, surface="codex")
    plane.store.breaks = "before"
    with pytest.raises(Broken):
        drafts.submit(plane.ledger, plane.who["applicant"], plane.id(), other)
    assert kept(plane) == [draft, other] or kept(plane) == [other, draft]
    yes(drafts.submit(plane.ledger, plane.who["applicant"], plane.id(), other))


def test_nobody_else_has_it(plane):
    draft = save(plane)
    for act in (drafts.submit, drafts.discard):
        assert no(act(plane.ledger, plane.who["rival"], plane.id(), draft)) == "draft_unknown"
    assert kept(plane, "rival") == []
    assert yes(drafts.discard(plane.ledger, plane.who["applicant"], plane.id(), draft))["discarded"]


def test_an_unannounced_stage_is_not_told_of(plane):
    hidden = plan_value("secret-release", models=["secret"], announced=False)
    plane.apply(hidden)
    who = plane.who["applicant"]
    refused = drafts.save(plane.ledger, who, plane.id(), ASKED._replace(release="secret-release"))
    unknown = drafts.save(plane.ledger, who, plane.id(), ASKED._replace(release="other-release"))
    assert no(refused) == no(unknown) == "stage_unknown"
