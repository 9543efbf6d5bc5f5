"""Promises by command line alone, as two parties make them, and as a status and a report show them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.worlds import OFFICER

KEYS = {"developer": OFFICER}
"""Whose key signs for a party, where it is not its own."""
STAGE = ("--release", "gpt-5.6", "--stage", "trusted-partners")
FOLLOWS = ("--default", "the terms stay as they are")


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """A control plane on Monday, 29 June 2026."""
    with timed_plane(cli, tmp_path) as made:
        yield made


def signed(plane, by, *words):
    """The arguments of a command about promises, with the key of who says it."""
    return ("promise", *words, "--key", plane.key(KEYS.get(by, by)))


def says(plane, *words, by="developer"):
    """What a party says about a promise; the answer."""
    return plane.answer(*signed(plane, by, *words), by=by)


def test_promises_are_made_kept_changed_broken_and_shown(plane):
    made = says(plane, "make", "a framework", "--by", "2026-09-01", *FOLLOWS, by="ostp")
    assert (made["party"], made["state"], made["due"]) == ("ostp", "open", "2026-09-02T00:00:00.000Z")
    name = made["promise"]
    assert plane.error(*signed(plane, "developer", "keep", name))["code"] == "promise_of_another"
    change = signed(plane, "ostp", "change", name, "--by", "2026-10-01", "--reason", "it is long")
    told = plane.text(*change, by="ostp")
    assert told.startswith(f"promise {name} of ostp: open, until 2026-10-01")
    late = says(plane, "make", "everyone gets access", "--by", "2026-07-01", "--default", "we say why")[
        "promise"
    ]
    plane.later(3)
    told = plane.text("status", by="applicant")
    assert "openai, by 2026-07-01: everyone gets access: broken by time; so: we say why" in told
    said = "ostp, by 2026-10-01: a framework: open; changed, because: it is long; if not: the terms stay as"
    assert said in told
    says(plane, "keep", late, "--text", "since today")
    says(plane, "break", name, "--reason", "no one asked for it", by="ostp")
    told = plane.text("promise", "list", by="applicant")
    assert "kept late" in told
    assert "broken by its party" in told
    rows = plane.answer("report")["promises"]
    assert rows == [
        {"party": "openai", "made": 1, "open": 0, "kept": 1, "late": 1, "broken": 0, "void": 0},
        {"party": "ostp", "made": 1, "open": 0, "kept": 0, "late": 0, "broken": 1, "void": 0},
    ]


def test_a_list_has_pages_and_filters(plane):
    names = [
        says(plane, "make", f"thing {number}", "--by", "2026-09-01", by=party)["promise"]
        for number, party in enumerate(("oncd", "ostp", "developer"))
    ]
    page = plane.answer("promise", "list", "--limit", "2")
    assert ([each["promise"] for each in page["promises"]], page["next"]) == (names[:0:-1], names[1])
    rest = plane.answer("promise", "list", "--before", names[1])
    assert ([each["promise"] for each in rest["promises"]], rest["next"]) == (names[:1], None)
    own = plane.answer("promise", "list", "--party", "ostp")["promises"]
    assert [each["promise"] for each in own] == [names[1]]
    assert plane.answer("promise", "list", "--state", "kept")["promises"] == []
    assert plane.error("promise", "list", "--state", "gone")["code"] == "invalid_input"
    assert plane.error("promise", "list", "--before", "none")["code"] == "promise_unknown"


def test_a_promise_about_a_case_is_shown_to_those_who_may_see_the_case(plane):
    case = plane.submit("Example Utility")
    made = says(plane, "make", "decided in five days", "--within", "P5D", "--case", case, by="oncd")
    assert made["due"] == "2026-07-05T00:00:00.000Z"
    other = signed(plane, "caisi", "make", "x", "--by", "2026-07-03", "--case", case)
    assert plane.error(*other, by="caisi")["code"] == "case_unknown"
    for reader, seen in (("applicant", 1), ("developer", 1), ("oncd", 1), ("caisi", 0), ("rival", 0)):
        assert len(plane.answer("promise", "list", by=reader)["promises"]) == seen, reader
        assert len(plane.answer("status", by=reader).get("promises", [])) == seen, reader
    plane.say(case, "ostp", "object", "--reason", "too early")
    (told,) = plane.answer("promise", "list", "--release", "gpt-5.6")["promises"]
    assert told["state"] == "kept"


def test_a_stage_that_opens_keeps_the_promise_of_it(plane):
    made = says(plane, "make", "it opens", "--by", "2026-07-09", *STAGE)["promise"]
    plane.answer("stage", "open", "gpt-5.6", "trusted-partners", "--key", plane.key(OFFICER))
    (told,) = plane.answer("promise", "list")["promises"]
    assert (told["promise"], told["state"], told["late"]) == (made, "kept", False)
    refused = plane.error(*signed(plane, "developer", "make", "it is open", "--by", "2026-07-09", *STAGE))
    assert (refused["code"], "only you keep the promise" in refused["remedy"]) == ("stage_open", True)


def test_a_month_is_a_day_too_and_what_is_none_is_refused(plane):
    assert (
        says(plane, "make", "by September", "--by", "2026-09", by="ostp")["due"] == "2026-10-01T00:00:00.000Z"
    )
    december = says(plane, "make", "by December", "--by", "2026-12", by="ostp")
    assert december["due"] == "2027-01-01T00:00:00.000Z"
    for wrong in (("--by", "soon"), ("--by", "2026-13"), ("--by", "2026-02-30"), ("--within", "five days")):
        assert plane.error(*signed(plane, "ostp", "make", "x", *wrong), by="ostp")["code"] == "invalid_input"
    assert plane(*signed(plane, "ostp", "make", "x"), by="ostp").code == 2
    assert plane(*signed(plane, "ostp", "change", december["promise"], "--reason", "x"), by="ostp").code == 2


def test_a_promise_needs_the_key_of_its_party(plane):
    refused = plane.error("promise", "make", "x", "--by", "2026-09", "--key", plane.key("oncd"), by="ostp")
    assert refused["code"] == "key_of_another_party"


def targeted(plane, target):
    """A plan whose stage has this target date."""
    text = PLAN.replace("    - name: trusted-partners\n", f"    - name: trusted-partners\n{target}")
    return plane.file("plan.yaml", text)


def test_a_target_date_is_promised_changed_with_a_reason_and_shown(plane):
    plane.answer("apply", targeted(plane, '      target: "2026-07-09"\n'))
    told = plane.text("status", by="applicant")
    assert "openai (by its plan), by 2026-07-09: the stage trusted-partners opens" in told
    moved = targeted(plane, '      target: "2026-07-12"\n')
    told = plane.text("plan", moved)
    assert "its target date was promised, so this plan needs a reason" in told
    assert f"sluicegate apply {moved} --reason WHY" in told
    assert plane.error("apply", moved)["code"] == "reason_needed"
    plane.answer("apply", moved, "--reason", "the evaluation takes longer")
    told = plane.text("status", by="applicant")
    assert "by 2026-07-12" in told
    assert "open; changed, because: the evaluation takes longer" in told
    plane.later(14)
    assert "broken by time" in plane.text("promise", "list", by="oncd")
    assert plane.answer("report")["promises"][0]["broken"] == 1


def test_a_target_date_is_refused_where_no_one_may_know_of_the_stage(plane):
    hidden = targeted(plane, '      target: "2026-07-09"\n')
    hidden.write_text(hidden.read_text().replace("  surfaces:", "  announced: false\n  surfaces:"))
    (fault,) = plane.error("plan", "--check", hidden)["at"]
    assert fault["expected"].startswith("no target date in a release that is not announced")
