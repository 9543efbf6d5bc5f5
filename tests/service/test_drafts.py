"""Drafts are kept beside the log, and leave by the transaction that submits them."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from sluicegate.acts import drafts
from tests.fakes import Broken
from tests.plane import Plane, no, yes
from tests.waiting import eventually
from tests.worlds import API, RELEASE, STAGE, plan_value

ASKED = {
    "release": RELEASE,
    "stage": STAGE,
    "surface": API,
    "organization": json.dumps({"name": "Example Utility", "registeredIn": "US"}),
}


@pytest.fixture
def plane() -> Plane:
    made = Plane()
    made.opened()
    return made


def save(plane: Plane, who: str = "applicant", **changes: str) -> Any:
    return plane.do(who, drafts.SAVE, **{**ASKED, **changes})


def saved(plane: Plane, **changes: str) -> str:
    return str(yes(save(plane, **changes)).draft)


def submit(plane: Plane, draft: str, who: str = "applicant", command: str = "") -> Any:
    return plane.do(who, drafts.SUBMIT, command, draft=draft)


def kept(plane: Plane, who: str = "applicant") -> list[str]:
    return [each.draft for each in plane.do(who, drafts.LIST).drafts]


def test_a_draft_is_no_entry_and_is_submitted_once(plane):
    size, draft = plane.size, saved(plane)
    assert plane.size == size
    command = plane.id()
    first = yes(submit(plane, draft, command=command))
    assert kept(plane) == []
    assert submit(plane, draft, command=command) == first
    assert no(submit(plane, draft)) == "draft_unknown"
    assert plane.size == size + 2  # its organization, and the case


def test_a_draft_that_is_refused_or_whose_commit_fails_stays(plane):
    plane.submit()
    draft = saved(plane)
    assert no(submit(plane, draft)) == "already_applied"
    other = saved(plane, surface="codex")
    plane.store.breaks = "before"
    with pytest.raises(Broken):
        submit(plane, other)
    assert kept(plane) == [draft, other] or kept(plane) == [other, draft]
    yes(submit(plane, other))


def test_nobody_else_has_it(plane):
    draft = saved(plane)
    for act in (drafts.SUBMIT, drafts.DISCARD, drafts.EDIT):
        assert no(plane.do("rival", act, draft=draft)) == "draft_unknown"
    assert kept(plane, "rival") == []
    assert yes(plane.do("applicant", drafts.DISCARD, draft=draft)).discarded


def test_a_draft_is_edited_in_part_under_its_own_name(plane):
    draft = saved(plane, organization=json.dumps({"name": "Example Utility"}))
    command = plane.id()
    edit = {"draft": draft, "organization": ASKED["organization"], "file": "better.yaml"}
    first = yes(plane.do("applicant", drafts.EDIT, command, **edit))
    assert (first.draft, first.ineligible) == (draft, ())
    assert plane.do("applicant", drafts.EDIT, command, **edit) == first
    assert yes(plane.do("applicant", drafts.EDIT, draft=draft, surface="moon")).ineligible == (
        "no surface 'moon', expected one of api, codex",
    )
    assert yes(plane.do("applicant", drafts.EDIT, draft=draft, surface="codex")).ineligible == ()
    (listed,) = plane.do("applicant", drafts.LIST).drafts
    assert (listed.draft, listed.release, listed.surface) == (draft, RELEASE, "codex")
    case = yes(submit(plane, draft)).application
    assert plane.case(case).question.surface == "codex"
    assert plane.do("applicant", drafts.EDIT, command, **edit) == first
    assert no(plane.do("applicant", drafts.EDIT, draft=draft)) == "draft_unknown"


def test_an_edit_that_is_refused_changes_nothing(plane):
    draft = saved(plane)
    assert (
        no(plane.do("applicant", drafts.EDIT, draft=draft, stage="lost", surface="moon")) == "stage_unknown"
    )
    plane.store.breaks = "before"
    with pytest.raises(Broken):
        plane.do("applicant", drafts.EDIT, draft=draft, surface="codex")
    (listed,) = plane.do("applicant", drafts.LIST).drafts
    assert (listed.draft, listed.stage, listed.surface) == (draft, STAGE, API)


def test_what_is_not_eligible_is_said_each_time_and_not_kept_with_the_command(plane):
    command, organization = plane.id(), json.dumps({"name": "Example Utility"})
    asked = {**ASKED, "organization": organization}
    first = yes(plane.do("applicant", drafts.SAVE, command, **asked))
    assert first.ineligible
    assert plane.do("applicant", drafts.SAVE, command, **asked) == first
    results = [done.result for done in plane.store.contents.done.values()]
    assert {"draft": first.draft, "ineligible": []} in results


def test_an_unannounced_stage_is_not_told_of(plane):
    hidden = plan_value("secret-release", models=["secret"], announced=False)
    plane.apply(hidden)
    refused = save(plane, release="secret-release")
    unknown = save(plane, release="other-release")
    assert no(refused) == no(unknown) == "stage_unknown"


def bodies(plane: Plane) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in plane.store.principals.drafts(plane.who["applicant"].id)]


def test_a_draft_is_kept_with_what_its_file_was_read_as(plane):
    saved(plane)
    saved(plane, organization="nothing: of use")
    readings = [each["reading"] for each in bodies(plane)]
    assert readings[0]["value"] == {"name": "Example Utility", "registeredIn": "US"}
    assert [each["line"] for each in readings[1]["fault"]["at"]] == [1, 1, 1]


def test_what_was_read_is_submitted_and_nothing_is_read_again(plane):
    """The text of this one was changed behind the back of the store."""
    draft = saved(plane)
    (kept_as,) = plane.store.principals.drafts(plane.who["applicant"].id)
    with plane.store.write() as ports:
        ports.principals.remove_draft(draft)
        body = {**json.loads(kept_as.body), "organization": "[" * 60_000}
        ports.principals.add_draft(replace(kept_as, body=json.dumps(body)))
    assert [each.ineligible for each in plane.do("applicant", drafts.LIST).drafts] == [()]
    yes(submit(plane, draft))


def test_a_draft_that_an_earlier_build_kept_is_listed_and_submitted(plane):
    draft = saved(plane)
    (kept_as,) = plane.store.principals.drafts(plane.who["applicant"].id)
    body = json.loads(kept_as.body)
    del body["reading"]
    with plane.store.write() as ports:
        ports.principals.remove_draft(draft)
        ports.principals.add_draft(replace(kept_as, body=json.dumps(body)))
    assert [each.ineligible for each in plane.do("applicant", drafts.LIST).drafts] == [()]
    yes(submit(plane, draft))


def test_a_draft_that_changes_between_its_reading_and_the_lock_is_not_submitted(plane):
    draft, answers = saved(plane), list[Any]()
    (kept_as,) = plane.store.principals.drafts(plane.who["applicant"].id)
    with plane.ledger._lock.hold():
        submitting = threading.Thread(target=lambda: answers.append(submit(plane, draft)))
        submitting.start()
        eventually(plane.ledger.waiting)
        with plane.store.write() as ports:
            ports.principals.remove_draft(draft)
            ports.principals.add_draft(replace(kept_as, body=kept_as.body + " "))
    submitting.join()
    assert [no(each) for each in answers] == ["draft_changed"]
    yes(submit(plane, draft))


def test_a_page_of_drafts_goes_on_where_the_one_before_ended(plane):
    for _ in range(3):
        saved(plane)
    every = kept(plane)
    first = yes(plane.do("applicant", drafts.LIST, limit=2))
    assert ([each.draft for each in first.drafts], first.next) == (every[:2], every[1])
    rest = yes(plane.do("applicant", drafts.LIST, before=first.next))
    assert ([each.draft for each in rest.drafts], rest.next) == (every[2:], None)
