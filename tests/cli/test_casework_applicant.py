"""A case over its weeks as a new applicant sees it, by command line alone: what is asked, due, and next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import SECOND, WHERE, TimedPlane, timed_plane
from tests.worlds import OFFICER, digest


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def test_what_applying_takes_is_told_before_anybody_applies(plane):
    told = plane.text("status", by="applicant")
    for line in (
        "admitted by: oncd and ostp; the basis is voluntary, so two officers may proceed without them",
        "an agency has 5 business days (us-federal) from its receipt; silence: escalate to deputy",
        "criterion: defends critical infrastructure",
        "registeredIn: US",
        "screening: clear",
        "condition validFor: P30D",
        "a denial can be answered within 10 days, and appealed within 30 days;",
        "appeals are decided by caisi, without anyone who signed in the case",
    ):
        assert f"\n  {line}\n" in f"{told}\n", line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: Example Abroad\nregisteredIn: NO\n", "registered in US, this one is registered in 'NO'"),
        ("nam: Example\nregisteredIn: US\n", "a field of an organization file: name, registeredIn, owners"),
        ("name: Example\nregisteredIn: US\nonwardAccess: resale\n", "expected one of none"),
    ],
)
def test_an_application_that_cannot_be_made_says_why_and_what_to_do(plane, text, expected):
    done = plane(
        "application", "submit", *WHERE, "--organization", plane.file("o.yaml", text), by="applicant"
    )
    assert done.code != 0
    assert expected in done.err
    assert "what to do: " in done.err


def test_an_applicant_reads_what_was_sent_line_by_line(plane):
    file = plane.organization("Example Utility")
    more = f"""criteria:
  defends critical infrastructure: "yes\\n  awaiting: no one"
  something else: 12,000 km
attachments: [{{name: plan.txt, digest: "{digest("a plan")}"}}]
"""
    file.write_text(f"{file.read_text()}{more}")
    sent = plane.answer("application", "submit", *WHERE, "--organization", file, "--yes", by="applicant")
    told = plane.show(sent["application"])
    for line in (
        "intendedUse: finding weaknesses first",
        "criterion: defends critical infrastructure",
        r"  answer: yes\n  awaiting: no one",
        "criterion: something else",
        "  answer: 12,000 km",
        f"document: plan.txt, {digest('a plan')}",
    ):
        assert f"\n  {line}\n" in told, line
    shown = plane.answer("case", "show", sent["application"], by="applicant")["dossier"]
    assert shown["criteria"][-1] == {"criterion": "something else", "answer": "12,000 km"}
    unanswered = plane.show(plane.submit("Example Other", screened=False))
    assert "\n  criterion: defends critical infrastructure\n    not answered\n" in unanswered


def test_an_applicant_sees_whose_time_runs_and_is_told_what_to_do_next(plane):
    case = plane.submit("Example Utility", screened=False)
    told = plane.show(case)
    assert "on api for Example Utility" in told
    assert "clock of oncd: not started; it has not confirmed receipt" in told
    assert "blocked: the applicant must be screened" in told
    assert "awaiting: oncd, ostp, openai" in told
    plane.answer("review", "receive", case, "--key", plane.key("oncd"), by="oncd")
    due = "due 2026-07-08T04:00:00.000Z (the end of Tuesday 7 July 2026, Washington time; 5 business days"
    assert f"clock of oncd: {due}, by the calendar us-federal)" in plane.show(case)  # the 3rd is a holiday
    assert "2026-07-08 04:00Z" in plane.text("case", "list", by="applicant")
    plane.say(case, "oncd", "ask", "--reason", "which systems?")
    assert f"next: sluicegate application answer {case} --text …" in plane.show(case)
    plane.later(2)
    said = plane.text("application", "answer", case, "--text", "those of a grid", by="applicant")
    assert said.startswith("answered oncd, whose answer is now due 2026-07-10T04:00:00.000Z; ")
    again = plane.error("application", "answer", case, "--text", "more", by="applicant")
    assert again["message"] == "no question is open in this case: it is answered, or none was asked"
    assert "the applicant answered: those of a grid" in plane.show(case)


def test_silence_takes_a_case_up_the_ladder_and_then_denies_it(plane):
    case = plane.submit("Example Utility")
    plane.answer("review", "receive", case, "--key", plane.key("oncd"), by="oncd")
    plane.later(9)
    assert "clock of oncd, escalated to deputy: due 2026-07-16T04:00:00.000Z" in plane.show(case)
    plane.later(9)
    told = plane.show(case)
    assert "state: denied (silence)" in told
    assert "over; its silence counts as an objection" in told
    assert f"next: sluicegate application reply {case} --text …" in told


def test_a_denial_is_answered_reviewed_again_and_appealed_while_there_is_time(plane):
    case = plane.submit("Example Utility")
    plane.say(case, "ostp", "object", "--reason", "a foreign owner")
    said = plane.text("application", "reply", case, "--text", "it was sold", by="applicant")
    assert "it is reviewed until 2026-07-09T15:00:00.000Z; " in said
    told = plane.show(case)
    assert "state: in review, opened" in told
    assert "awaiting: oncd, ostp" in told
    assert "a reply is on the record; reviewed until 2026-07-09T15:00:00.000Z" in told
    plane.later(10)
    assert "state: denied (objection)" in plane.show(case)
    assert (
        plane.error("application", "reply", case, "--text", "x", by="applicant")["code"] == "replied_already"
    )
    appeal = plane.answer("application", "appeal", case, "--text", "it was sold", by="applicant")["case"]
    assert f"about: {case}" in plane.show(appeal)
    assert f"appealed in {appeal}: open" in plane.show(case)
    plane.countersigned(appeal, "approve")
    assert f"appealed in {appeal}: approved" in plane.show(case)
    assert "grant_" in plane.show(appeal)


def test_nobody_appeals_after_the_time_is_over(plane):
    case = plane.submit("Example Utility")
    plane.say(case, "ostp", "object", "--reason", "a foreign owner")
    plane.later(30)
    late = plane.error("application", "appeal", case, "--text", "it was sold", by="applicant")
    assert late["code"] == "too_late"
    assert "2026-07-29T15:00:00.000Z" in late["message"]


def test_an_offer_that_is_not_taken_goes_to_the_next(plane):
    grants = [plane.admit(f"Example {name}")[1] for name in ("One", "Two")]
    waiting = [plane.submit("Example Three", "rival"), plane.submit("Example Four", "rival")]
    for case in waiting:
        for agency in ("oncd", "ostp"):
            plane.say(case, agency)
    assert "place 2 on the waitlist" in plane.show(waiting[1], "rival")
    asked = plane("grant", "surrender", grants[0], by="applicant")
    assert (asked.code, "what to do: say --yes" in asked.err) == (2, True)
    plane.text("grant", "surrender", grants[0], "--yes", by="applicant")
    offered = plane.show(waiting[0], "rival")
    assert "offered until 2026-07-06T15:00:00.000Z" in offered
    assert f"next: sluicegate application accept {waiting[0]}" in offered
    plane.later(7)
    lapsed = plane.show(waiting[0], "rival")
    assert "state: lapsed (offer_not_taken)" in lapsed
    assert "next: apply again: sluicegate application submit" in lapsed
    late = plane.error("application", "accept", waiting[0], by="rival")
    assert (late["code"], "apply again" in late["remedy"]) == ("case_determined", True)
    assert plane.answer("application", "accept", waiting[1], by="rival")["determination"] == "approved"


def test_a_holder_chooses_what_becomes_of_what_a_directive_refuses(plane):
    _, grant = plane.admit("Example Utility")
    assert "fallback" not in plane.text("grant", "show", grant, by="applicant")
    assert plane("grant", "fallback", grant, by="applicant").code == 2
    assert plane.error("grant", "fallback", grant, "--on")["code"] == "forbidden"
    assert "the fallback answers it" in plane.text("grant", "fallback", grant, "--on", by="applicant")
    shown = plane.text("grant", "show", grant, by="applicant")
    assert "the fallback answers requests that a directive refuses" in shown
    assert plane.answer("grant", "fallback", grant, "--off", by="applicant")["fallback"] is False
    assert plane.answer("grant", "show", grant)["fallback"] is False
    assert "stays refused" in plane.text("grant", "fallback", grant, "--off", by="applicant")


def test_a_grant_is_renewed_before_it_ends_and_says_when_it_has(plane):
    case, grant = plane.admit("Example Utility")
    told = plane.text("grant", "show", grant, by="applicant")
    assert f"grant {grant}: approved, without a key yet; valid until 2026-07-29T15:00:00.000Z" in told
    assert "the stage is not open yet: the keys of this grant work once it opens" in told
    plane.answer("stage", "open", "gpt-5.6", "trusted-partners", "--key", plane.key(OFFICER))
    assert "not open" not in plane.text("grant", "show", grant, by="applicant")
    nothing = plane.error("application", "amend", grant, by="applicant")
    assert (nothing["code"], nothing["remedy"]) == (
        "nothing_to_amend",
        "say --renew, or name what has changed",
    )
    plane.later(20)
    renewal = plane.answer("application", "amend", grant, "--renew", by="applicant")["application"]
    assert f"amendment {renewal} is open" in plane.text("grant", "show", grant, by="applicant")
    assert f"about: {grant}" in plane.show(renewal)
    plane.answer(*plane.screening(renewal))
    plane.say(renewal, "oncd", "no-objection")
    plane.say(renewal, "ostp", "no-objection")
    assert "until 2026-08-18T15:00:00.000Z" in plane.text("grant", "show", grant, by="applicant")
    plane.later(31)
    over = plane.show(case)
    assert f"grant {grant}: expired, for gpt-5.6 on api\n" in over
    assert "for new access, apply again" in over
    assert plane.answer("application", "withdraw", plane.submit("Example Utility"), by="applicant")


def test_another_owner_decides_the_appeal(plane):
    """`caisi` has two owners, and both must sign: a case shows who did."""
    case = plane.submit("Example Utility")
    plane.say(case, "oncd", "object", "--reason", "too early")
    appeal = plane.answer("application", "appeal", case, "--text", "it is not", by="applicant")["case"]
    plane.countersigned(appeal, "object", "--reason", "it is")
    told = plane.answer("application", "show", appeal, by="applicant")
    assert told["positions"][0]["owners"] == ["caisi", SECOND]
    assert told["determination"] == "denied"
    assert f"appealed in {appeal}: denied" in plane.show(case)
