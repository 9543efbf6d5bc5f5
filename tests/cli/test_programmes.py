"""Programmes by command line alone: asked for, signed, shown, given to one member, suspended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, WHERE, TimedPlane, timed_plane
from tests.worlds import OFFICER

PROGRAMMES = """\
  programmes:
    cyber:
      standard: {}
      daybreak_blue: {asks: {sso: true, retentionDays: {value: 30, declared: true}}}
      daybreak_red: {asks: {mfa: true, personNamed: true}}
      b: {travels: anthropic-user-profile-id}
  stages:
"""


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """A stage that is open, of a release with programmes."""
    with timed_plane(cli, tmp_path, PLAN.replace("  stages:\n", PROGRAMMES)) as made:
        made.answer("stage", "open", "gpt-5.6", "trusted-partners", "--key", made.key(OFFICER))
        yield made


def applied(plane: TimedPlane, *programmes: str) -> str:
    file = plane.organization("Example Utility")
    options = [each for name in programmes for each in ("--programme", name)]
    done = plane.answer("application", "submit", *WHERE, "--organization", file, *options, by="applicant")
    plane.answer(*plane.screening(done["application"]))
    return str(done["application"])


def agreed(plane: TimedPlane, case: str) -> None:
    plane.say(case, "oncd")
    assert plane.say(case, "ostp")["determination"] == "approved"


def test_a_programme_from_the_application_to_its_suspension(plane: TimedPlane) -> None:
    told = plane.text("status", by="applicant")
    assert "gpt-5.6: programmes, for those whose grant names them" in told
    assert (
        "  cyber: daybreak_blue: asks retentionDays 30 (declared), sso (declared); "
        "a request names it in access_programs"
    ) in told
    case = applied(plane, "cyber:daybreak_blue")
    assert "programme asked for: cyber: daybreak_blue" in plane.show(case)
    exported = plane.text("review", "export", case, "-o", plane.folder / "c.json", by="oncd")
    assert "programme: cyber: daybreak_blue; it asks retentionDays 30 (declared), sso (declared)" in exported
    agreed(plane, case)
    grant = plane.answer("application", "show", case, by="applicant")["grant"]["grant"]
    shown = plane.text("grant", "show", grant, by="applicant")
    assert "programme cyber: daybreak_blue: active, in access_programs; it asks retentionDays 30" in shown
    suspend = ("grant", "suspend", grant, "--code", "misuse", "--programme", "cyber:daybreak_blue")
    assert plane.text(*suspend).startswith(f"cyber: daybreak_blue of grant {grant}: suspended")
    shown = plane.text("grant", "show", grant, by="applicant")
    assert f"grant {grant}: approved" in shown
    assert "programme cyber: daybreak_blue: suspended" in shown
    resumed = plane.text("grant", "resume", grant, "--programme", "cyber: daybreak_blue")
    assert resumed.startswith(f"cyber: daybreak_blue of grant {grant}: valid again")


def test_a_member_holds_one_and_an_amendment_names_all(plane: TimedPlane) -> None:
    case = applied(plane)
    agreed(plane, case)
    grant = plane.answer("application", "show", case, by="applicant")["grant"]["grant"]
    added = plane.answer("member", "add", "--grant", grant, "--identifier", "alice", by="applicant")
    (member,) = added["members"]
    wanted = ("--programme", f"cyber:daybreak_red@{member}", "--programme", "cyber:b@uprof_1")
    case = plane.answer("application", "amend", grant, *wanted, by="applicant")["application"]
    plane.answer(*plane.screening(case))
    agreed(plane, case)
    found = plane.answer("grant", "show", grant, by="applicant")["programmes"]
    assert [(each["programme"], each["state"]) for each in found] == [
        ("cyber: daybreak_red", "active"),
        ("cyber: b", "active"),
    ]
    assert found[0]["holders"] == [member]
    (profile,) = found[1]["holders"]
    assert len(profile) == 32
    case = plane.answer("application", "amend", grant, "--programme", "standard", by="applicant")[
        "application"
    ]
    plane.answer(*plane.screening(case))
    agreed(plane, case)
    assert "programmes" not in plane.answer("grant", "show", grant, by="applicant")


def test_what_cannot_be_asked_for_is_refused_with_what_to_do(plane: TimedPlane) -> None:
    file = plane.organization("Example Utility")
    submit = ("application", "submit", *WHERE, "--organization", file, "--programme")
    found = plane.error(*submit, "cyber:daybreak", by="applicant")
    assert (found["code"], "cyber: daybreak_red" in found["remedy"]) == ("programme_unknown", True)
    assert plane.error(*submit, "daybreak_red", by="applicant")["code"] == "usage"
    assert plane.error(*submit, "cyber:DAYBREAK", by="applicant")["code"] == "usage"
    assert plane.error(*submit, "cyber:b", by="applicant")["code"] == "programme_unfit"
    assert plane.error(*submit, "cyber:daybreak_red@mem_x", by="applicant")["code"] == "programme_unfit"


def test_a_draft_keeps_the_programmes_that_it_asks_for(plane: TimedPlane) -> None:
    file = plane.organization("Example Utility")
    submit = ("application", "submit", *WHERE, "--organization", file, "--draft")
    draft = plane.answer(*submit, "--programme", "cyber:daybreak_blue", by="applicant")["draft"]
    case = plane.answer("application", "send", draft, by="applicant")["application"]
    (asked,) = plane.answer("application", "show", case, by="applicant")["programmes"]
    assert asked == {"concern": "cyber", "name": "daybreak_blue"}


def test_why_a_request_with_a_programme_is_let_through_or_refused(plane: TimedPlane) -> None:
    case = applied(plane, "cyber:daybreak_blue")
    agreed(plane, case)
    grant = plane.answer("application", "show", case, by="applicant")["grant"]["grant"]
    key = plane.answer("credential", "issue", "--grant", grant, by="applicant")["credential"]
    blue = ("explain", key, "gpt-5.6", "--programme", "cyber:daybreak_blue")
    assert plane.answer(*blue, by="applicant")["allowed"]
    both = plane.answer(*blue, "--programme", "cyber:daybreak_red", by="applicant")
    assert (both["allowed"], both["reason"]) == (False, "programme_not_granted")


SPLIT = """\
    - name: {0}
      audience: {{programme: "cyber:{0}"}}
      grants: {{trusted-partners: {{become: {0}}}}}
      basis: {{kind: agreed, askedBy: [oncd], how: memorandum, askedOn: "2026-06-24"}}
      admission: {{mode: approve, grant: {{allOf: [oncd]}}}}
      conditions: {{validFor: P30D}}
"""


def test_a_plan_says_how_many_hold_the_programme_that_a_stage_is_for(plane: TimedPlane) -> None:
    agreed(plane, applied(plane, "cyber:daybreak_blue"))
    stages = "".join(map(SPLIT.format, ("daybreak_blue", "daybreak_red")))
    (plane.folder / "split.yaml").write_text(PLAN.replace("  stages:\n", PROGRAMMES) + stages)
    told = plane.text("plan", plane.folder / "split.yaml")
    of_blue, of_red = told.partition("  stage daybreak_blue\n")[2].split("  stage daybreak_red\n")
    assert "when it opens, 1 grant of trusted-partners becomes part of it" in of_blue
    assert "part of it" not in of_red
