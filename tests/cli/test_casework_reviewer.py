"""A case as a new reviewer meets it, by command line alone: read, receive, ask, decide, change one's mind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, SECOND, TimedPlane, timed_plane


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def test_an_exported_case_shows_who_applies_what_is_asked_of_them_and_what_was_said(plane):
    case = plane.submit("Example Utility")
    plane.say(case, "ostp", "approve", "--reason", "they asked early")
    told = plane.text("review", "export", case, "-o", plane.folder / "case.json", by="oncd")
    for line in (
        "decided by: oncd and ostp",
        "name: Example Utility",
        "criterion: defends critical infrastructure",
        "condition requestsPerMinute: 600",
        "what has been said so far; your position names it by its digest:",
        "  ostp: approve, because: they asked early",
    ):
        assert f"  {line}\n" in told, line
    assert f"next: sluicegate review sign {plane.folder / 'case.json'}" in told


def test_a_receipt_says_in_the_reviewers_words_until_when_there_is_time_and_what_follows(plane):
    case = plane.submit("Example Utility")
    told = plane.text("review", "receive", case, "--key", plane.key("oncd"), by="oncd")
    assert told.endswith(
        "\noncd has confirmed receipt, and has until the end of Tuesday 7 July 2026, Washington time, "
        "to answer (5 business days, by the calendar us-federal)\n"
        "  the time stops while it waits for the applicant's answer to a question\n"
        "  if it does not answer in time, deputy is asked next\n"
    )
    plane.say(case, "oncd")
    told = plane.text("review", "receive", case, "--key", plane.key("oncd"), by="oncd")
    assert told.endswith("\noncd has confirmed receipt; no time runs for its answer now\n")


def test_one_command_shows_the_question_signs_and_puts_the_position_on_the_record(plane):
    case = plane.submit("Example Utility")
    shown = plane.text(
        *("review", "decide", case, "--position", "approve", "--key", plane.key("oncd")), by="oncd"
    )
    assert "Example Utility" in shown
    assert "the position of oncd in" in shown
    assert plane.answer("case", "show", case, by="oncd")["positions"][-1]["position"] == "approve"


def test_one_command_signs_a_reason_that_is_not_public_and_what_an_objection_is_about(plane):
    case = plane.submit("Example Utility")
    said = ("--position", "object", "--reason", "too early", "--sealed", "--concern", "cyber")
    shown = plane.text("review", "decide", case, *said, "--key", plane.key("oncd"), by="oncd")
    assert "oncd says: object (cyber)" in shown
    assert "reason (only for the developer and the agencies asked): too early" in shown
    (position,) = plane.answer("case", "show", case, by="ostp")["positions"]
    assert (position["sealed"], position["concern"]) == (True, "cyber")


def test_one_command_refuses_what_the_three_would(plane):
    case = plane.submit("Example Utility")
    decide = ("review", "decide", case, "--key", plane.key("oncd"), "--position")
    assert plane.error(*decide, "object", by="oncd")["code"] == "usage"
    assert plane.error(*decide, "approve-with-conditions", by="oncd")["code"] == "usage"
    unknown = plane(*decide, "yes", by="oncd")
    assert (unknown.code, unknown.out) == (2, "")
    assert "'yes', expected one of approve, approve-with-conditions, object" in unknown.err
    plane.say(case, "oncd", "object", "--reason", "too early")
    appeal = plane.answer("application", "appeal", case, "--text", "it is not", by="applicant")["case"]
    two = ("review", "decide", appeal, "--key", plane.key("caisi"), "--position", "approve")
    assert "review countersign" in plane.error(*two, by="caisi")["remedy"]
    assert plane.answer("case", "show", appeal, by="caisi")["positions"] == []


def test_what_nobody_signed_is_not_put_on_the_record(plane):
    case, file = plane.submit("Example Utility"), plane.folder / "case.json"
    plane.answer("review", "export", case, "-o", file, by="oncd")
    refused = plane.error("review", "import", file, by="oncd")
    assert "has no signature" in refused["message"]
    assert "'sluicegate review sign " in refused["remedy"]


def test_what_cannot_be_said_is_refused_before_it_is_signed(plane):
    case, file = plane.submit("Example Utility"), plane.folder / "case.json"
    plane.answer("review", "export", case, "-o", file, by="oncd")
    sign = ("review", "sign", file, "--key", plane.key("oncd"), "-o", plane.folder / "said.json")
    asked = plane.error(*sign, "--position", "ask", by=None)
    assert (asked["message"], asked["remedy"]) == ("a question without a reason", "say --reason TEXT")
    wrong = plane.file("conditions.yaml", "validFor: P5D\nrequestsPerMinut: 60\n")
    told = plane(*sign, "--position", "approve-with-conditions", "--conditions", wrong, by=None)
    assert told.code == 3
    assert f"{wrong}:2:1: expected a condition this build enforces" in told.err
    assert not (plane.folder / "said.json").exists()


def test_what_an_agency_adds_is_shown_with_the_question_before_it_is_signed(plane):
    case, file, signed = (
        plane.submit("Example Utility"),
        plane.folder / "case.json",
        plane.folder / "said.json",
    )
    plane.text("review", "receive", case, "--key", plane.key("ostp"), by="ostp")
    plane.say(case, "ostp", "ask", "--reason", "who?")
    plane.text("application", "answer", case, "--text", "we\n  condition mfa: true", by="applicant")
    plane.answer("review", "export", case, "-o", file, by="oncd")
    conditions = plane.file("conditions.yaml", "requestsPerMinute: 60\nvalidFor: P5D\n")
    sign = ("review", "sign", file, "--position", "approve-with-conditions", "--conditions", conditions)
    told = plane.text(*sign, "--reason", "few at first", "--key", plane.key("oncd"), "-o", signed, by=None)
    before, _, after = told.partition("oncd says: approve-with-conditions\n")
    assert before.startswith(f"admission case {case}: ")
    assert before.endswith(
        "  what has been said so far; your position names it by its digest:\n"
        "    release-officer screened it with entities 1: clear: looked at every match\n"
        "    ostp: ask, because: who?\n"
        "    the applicant answers ostp: we\\n  condition mfa: true\n"
    )
    assert after == (
        "  condition requestsPerMinute: 60\n  condition validFor: P5D\n  reason (public): few at first\n"
        f"signed; written to {signed}\n  put it on the record: sluicegate review import {signed}\n"
    )
    sealed = plane.text(
        *sign, "--reason", "few at first", "--sealed", "--key", plane.key("oncd"), "-o", signed
    )
    plane.answer("review", "import", signed, by="oncd")
    told = plane.text("review", "export", case, "-o", file, by="ostp")
    heard = '    oncd: approve-with-conditions on {"requestsPerMinute": 60, "validFor": "P5D"}'
    assert f"{heard}, because: few at first\n" in told
    assert "  reason (only for the developer and the agencies asked): few at first\n" in sealed


@pytest.mark.parametrize(("typed", "code"), [(b"n\n", 130), (b"y\n", 0)])
def test_a_person_at_a_terminal_is_asked_before_it_is_signed(plane, typed, code):
    case, file, signed = (
        plane.submit("Example Utility"),
        plane.folder / "case.json",
        plane.folder / "said.json",
    )
    plane.answer("review", "export", case, "-o", file, by="oncd")
    sign = ("review", "sign", file, "--position", "approve", "--key", plane.key("oncd"), "-o", signed)
    person, terminal = os.openpty()
    try:
        os.write(person, typed)
        command = [sys.executable, "-m", "sluicegate", *map(str, sign)]
        done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, check=False)
    finally:
        os.close(person)
        os.close(terminal)
    assert (done.returncode, signed.exists()) == (code, code == 0), done
    assert "your key signs this. Go on?" in done.stderr
    assert "oncd says: approve\n" in done.stdout
    assert ("signed; written to" in done.stdout) is (code == 0)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_where_no_one_can_answer_nothing_is_signed_without_a_yes(plane, more):
    case = plane.submit("Example Utility")
    file, signed = plane.folder / "unanswered.json", plane.folder / "not-said.json"
    plane.answer("review", "export", case, "-o", file, by="oncd")
    sign = ("review", "sign", file, "--position", "approve", "--key", plane.key("oncd"), "-o", signed)
    done = plane.cli.unanswered(*sign, *more)
    assert (done.code, signed.exists()) == (2, False)
    assert "your key signs this; no terminal is here to confirm it" in done.err
    assert "--yes" in done.err
    assert plane.cli.unanswered(*sign, *more, "--yes").code == 0
    assert signed.exists()


def test_a_reviewer_changes_its_mind_only_on_what_it_has_seen(plane):
    case = plane.submit("Example Utility")
    stale = plane.sign(case, "oncd", "object", "--reason", "too early").read_bytes()
    plane.say(case, "oncd", "abstain")
    told = plane.error("review", "import", plane.file("stale.json", stale.decode()), by="oncd")
    assert (told["code"], told["remedy"]) == ("position_superseded", "export the case again and sign that")
    plane.say(case, "oncd")
    assert "oncd abstain (superseded)" in plane.show(case, "oncd")
    assert plane.say(case, "ostp")["determination"] == "approved"


def test_a_sealed_objection_is_read_by_those_who_are_asked_alone(plane):
    case = plane.submit("Example Utility")
    plane.say(case, "ostp", "object", "--reason", "a foreign owner", "--sealed")
    assert "ostp object: a foreign owner" in plane.show(case, "oncd")
    told = plane.show(case, "applicant")
    assert "ostp object: the reason is not public" in told
    assert "foreign owner" not in told
    assert plane.error("case", "show", case, by="caisi")["code"] == "case_unknown"


def test_a_schedule_says_case_by_case_what_became_of_it(plane):
    cases = [plane.submit(f"Example {name}") for name in ("One", "Two", "Three")]
    files = [plane.folder / f"{number}.json" for number in range(3)]
    for case, file in zip(cases, files, strict=True):
        plane.answer("review", "export", case, "-o", file, by="oncd")
    plane.text("application", "withdraw", cases[1], by="applicant")
    both = plane.folder / "all.json"
    sign = ("review", "schedule", *files, "--position", "approve", "--key", plane.key("oncd"), "-o", both)
    told = plane.text(*sign, by=None)
    assert all(f"name: Example {name}" in told for name in ("One", "Two", "Three"))
    lines = plane.text("review", "import", both, by="oncd").splitlines()
    assert lines[1] == f"  {cases[0]}: not determined yet"
    assert lines[2] == f"  {cases[1]}: refused: the case is already determined: withdrawn"
    assert lines[3] == f"  {cases[2]}: not determined yet"


def test_who_applied_first_gets_the_last_seat_in_whatever_order_a_schedule_names_them(cli, tmp_path):
    with timed_plane(cli, tmp_path, PLAN.replace("seats: 2", "seats: 1")) as plane:
        first, second = (plane.submit(f"Example {name}") for name in ("One", "Two"))
        for case in (first, second):
            plane.say(case, "ostp")
        listed = [each["case"] for each in plane.answer("case", "list", "--kind", "admission")["cases"]]
        assert listed == [second, first]
        files = [plane.folder / f"{case}.json" for case in listed]
        for case, file in zip(listed, files, strict=True):
            plane.answer("review", "export", case, "-o", file, by="oncd")
        both = plane.folder / "all.json"
        sign = ("review", "schedule", *files, "--position", "approve", "--key", plane.key("oncd"))
        plane.text(*sign, "-o", both, by=None)
        done = plane.answer("review", "import", both, by="oncd")["cases"]
        assert [(each["case"], each["determination"]) for each in done] == [
            (second, None),
            (first, "approved"),
        ]
        assert "state: waitlisted" in plane.show(second)


def test_a_consent_that_was_signed_before_the_applicant_said_more_is_marked(plane):
    """It counts all the same: no applicant can stall a decision by answering."""
    case = plane.submit("Example Utility")
    signed = plane.sign(case, "ostp", "approve", "--reason", "no one else will use it")
    signed = signed.rename(plane.folder / "ostp.json")
    plane.say(case, "oncd", "ask", "--reason", "who else will use it?")
    plane.text("application", "answer", case, "--text", "our subsidiary abroad will", by="applicant")
    told = plane.text("review", "import", signed, by="ostp")
    assert told.endswith(
        "\n  it was signed before oncd asked the applicant, and before the applicant answered\n"
    )
    marked = "    signed before oncd asked the applicant, and before the applicant answered\n"
    assert marked in plane.text("case", "show", case, by="oncd")
    file = plane.folder / "case.json"
    plane.answer("review", "export", case, "-o", file, by="oncd")
    sign = ("review", "sign", file, "--position", "approve", "--key", plane.key("oncd"))
    read = plane.text(*sign, "-o", plane.folder / "oncd.json", by=None)
    assert (
        "    oncd: ask, because: who else will use it?\n"
        "  since you last looked, to sign your last position:\n"
        "    the applicant answers oncd: our subsidiary abroad will\n"
        "    ostp: approve, because: no one else will use it\n"
    ) in read
    done = plane.answer("review", "import", plane.folder / "oncd.json", by="oncd")
    assert done["determination"] == "approved"


def test_a_consent_that_was_signed_before_a_screening_does_not_count_until_it_is_signed_again(plane):
    case = plane.submit("Example Utility", screened=False)
    signed = plane.sign(case, "ostp", "approve").rename(plane.folder / "ostp.json")
    plane.answer(*plane.screening(case))
    told = plane.text("review", "import", signed, by="ostp")
    assert "  it was signed before release-officer screened the applicant\n" in told
    because = "because release-officer screened the applicant"
    assert told.endswith(f"  it does not count, {because}: export the case again, and sign that\n")
    assert plane.say(case, "oncd")["determination"] is None
    told = plane.text("case", "show", case, by="ostp")
    again = f"; it does not count until it is signed again, {because}\n"
    assert again in told
    assert "awaiting: ostp\n" in told
    assert plane.say(case, "ostp")["determination"] == "approved"
    told = plane.text("case", "show", case, by="ostp")
    assert "    signed before release-officer screened the applicant\n" in told
    assert "does not count" not in told


def test_a_reviewer_whose_consent_came_late_reads_what_it_had_not_seen_and_what_makes_it_not_count(plane):
    """Of an approval and a condition that it had not seen, the condition has weight."""
    case, file = plane.submit("Example Utility"), plane.folder / "case.json"
    late = plane.sign(case, "oncd", "approve").rename(plane.folder / "late.json")
    limits = plane.file("conditions.yaml", "requestsPerMinute: 60\n")
    plane.say(case, "ostp", "no-objection")
    plane.say(case, "ostp", "approve-with-conditions", "--conditions", limits, "--reason", "few at first")
    told = plane.text("review", "import", late, by="oncd")
    assert told.endswith(
        "\n  it was signed before ostp said: no-objection, and before ostp set conditions\n"
        "  it does not count, because ostp set conditions: export the case again, and sign that\n"
    )
    plane.answer("review", "export", case, "-o", file, by="oncd")
    sign = ("review", "sign", file, "--position", "approve", "--key", plane.key("oncd"))
    told = plane.text(*sign, "-o", plane.folder / "again.json", by=None)
    assert (
        "    oncd: approve (it does not count, because ostp set conditions)\n"
        "  since you last looked, to sign your last position:\n"
        "    ostp: no-objection\n"
        '    ostp: approve-with-conditions on {"requestsPerMinute": 60}, because: few at first\n'
    ) in told
    both = ("review", "schedule", file, "--position", "approve", "--key", plane.key("oncd"))
    plane.text(*both, "-o", plane.folder / "all.json", by=None)
    stricter = plane.file("conditions.yaml", "requestsPerMinute: 30\n")
    plane.say(case, "ostp", "approve-with-conditions", "--conditions", stricter)
    told = plane.text("review", "import", plane.folder / "all.json", by="oncd")
    assert told.endswith("; it does not count, because ostp set conditions\n")
    plane.answer("review", "export", case, "-o", file, by="oncd")
    told = plane.text(*sign, "-o", plane.folder / "again.json", by=None)
    assert told.count("it does not count") == 1  # the first one was replaced
    assert plane.answer("review", "import", plane.folder / "again.json", by="oncd")["determination"]


def test_a_plan_that_changes_only_what_an_agency_directs_is_shown_before_it_applies_and_is_signed(plane):
    directs_none = PLAN.replace("Standards and Innovation}", "Standards and Innovation, directs: []}")
    none, some = plane.file("none.yaml", directs_none), plane.file("some.yaml", PLAN)
    told = plane.text("plan", none)
    assert "    agencies.caisi.directs: (nothing) -> []\n" in told
    assert "    => changing directs reopens the terms of trusted-partners" in told
    (case,) = plane.answer("apply", none)["cases"]
    told = plane.text("review", "export", case, "-o", plane.folder / "case.json", by="oncd")
    assert "  caisi directs no model; oncd directs gpt-5.6; ostp directs gpt-5.6\n" in told
    assert "    agencies.caisi.directs: [] -> (nothing)\n" in plane.text("plan", some)


def test_what_a_recusal_leads_to_is_said_before_it_is_signed(plane):
    case, file = plane.submit("Example Utility"), plane.folder / "case.json"
    recuse = ("review", "sign", file, "--position", "recuse", "--reason", "our own interest")

    def told(agency: str) -> str:
        plane.answer("review", "export", case, "-o", file, by=agency)
        sign = (*recuse, "--key", plane.key(agency), "-o", plane.folder / "said.json")
        return str(plane.text(*sign, by=None))

    alone = (
        "  then it is decided without ostp, by: oncd\n"
        "  a gateway whose trust file asks for ostp refuses that, unless it says withoutRecused\n"
    )
    assert alone in told("ostp")
    assert "your recusal" not in told("ostp")
    plane.say(case, "oncd", "approve")
    assert f"{alone}  they have said yes: your recusal can decide the case\n" in told("ostp")
    plane.say(case, "oncd", "abstain")
    plane.say(case, "oncd", "recuse", "--reason", "ours, too")
    assert "  then no one is left to decide, and it ends without a decision\n" in told("ostp")


def test_an_appeal_that_no_one_can_hear_is_said_with_the_plan_and_when_it_is_made(cli, tmp_path):
    alone = PLAN.replace("anyOf: [caisi]", "anyOf: [oncd]").replace("countersign: [caisi]", "reply: P5D")
    with timed_plane(cli, tmp_path, alone) as plane:
        told = plane.text("plan", plane.file("again.yaml", alone.replace("seats: 2", "seats: 3")))
        assert (
            "  stage trusted-partners: an appeal against a denial may wait for ever: oncd would hear it"
            in told
        )
        case = plane.submit("Example Utility")
        plane.say(case, "oncd", "object", "--reason", "too early")
        told = plane.text("application", "appeal", case, "--text", "it is not", by="applicant")
        assert "  no one can decide it now: oncd cannot sign: it needs an owner" in told


def test_a_second_owner_is_asked_for_where_the_terms_want_two(plane):
    case = plane.submit("Example Utility")
    plane.say(case, "oncd", "object", "--reason", "too early")
    appeal = plane.answer("application", "appeal", case, "--text", "it is not", by="applicant")["case"]
    file, once, twice = (plane.folder / name for name in ("case.json", "once.json", "twice.json"))
    plane.answer("review", "export", appeal, "-o", file, by="caisi")
    sign = ("review", "sign", file, "--position", "approve", "--key", plane.key("caisi"), "-o", once)
    assert f"then another of its owners: sluicegate review countersign {once}" in plane.text(*sign, by=None)
    assert plane.error("review", "import", once, by="caisi")["code"] == "countersignature_missing"
    same = plane.error("review", "countersign", once, "--key", plane.key("caisi"), "-o", twice, by=None)
    assert same["remedy"] == "countersign with another owner's key"
    told = plane.text("review", "countersign", once, "--key", plane.key(SECOND), "-o", twice, by=None)
    assert told.startswith("this is signed:\n")
    for line in (f"case: {appeal}", "kind: appeal", "agency: caisi", "position: approve"):
        assert f"  {line}\n" in told, line
    assert f"put it on the record: sluicegate review import {twice}" in told
    assert plane.answer("review", "import", twice, by="caisi")["determination"] == "approved"


def test_conditions_that_contradict_are_named_until_one_gives_way(cli, tmp_path):
    text = PLAN.replace("conditions: {", "conditions: {region: {value: us, declared: true}, ")
    with timed_plane(cli, tmp_path, text) as plane:
        case = plane.submit("Example Utility")
        other = plane.file("conditions.yaml", "region: {value: eu, declared: true}\n")
        plane.say(case, "oncd", "approve-with-conditions", "--conditions", other)
        assert plane.say(case, "ostp")["determination"] is None
        told = plane.show(case)
        assert "blocked: the condition 'region' is stated differently" in told
        assert "state: in review" in told
        assert plane.say(case, "oncd")["determination"] == "approved"


def test_a_note_says_what_it_is_about(plane):
    case = plane.submit("Example Utility")
    said = ("review", "note", "--kind", "dissent", "--text", "too early", "--on", "2026-06-30")
    note = (*said, "--party", "ostp", "--key", plane.key("ostp"))
    refused = plane.error(*note, by="ostp")
    assert refused["remedy"] == "name one of --case, --directive, or --release with --stage"
    assert "ostp, dissent of 2026-06-30" in plane.text(*note, "--case", case, by="ostp")
    assert "  2026-06-30 ostp, dissent: too early\n" in plane.show(case)


def test_a_case_ends_with_what_its_reader_can_do_next(plane):
    case = plane.submit("Example Utility", screened=False)

    def next_of(who):
        return [line.strip() for line in plane.show(case, who).splitlines() if line.startswith("  next: ")]

    export = (
        f"next: sluicegate review decide {case} --position … --key …; "
        f"or 'sluicegate review export {case} -o {case}.json', for a key on another machine"
    )
    waits = "next: nothing for you now; it waits for"
    screening = f"screening record {case} --list … --version … --decision … --reason … --key …"
    assert next_of("developer") == [f"next: sluicegate {screening}"]
    plane.answer(*plane.screening(case))
    assert next_of("developer") == next_of("applicant") == [f"{waits} oncd, ostp"]
    assert next_of("oncd") == [f"next: sluicegate review receive {case} --key …", export]
    plane.text("review", "receive", case, "--key", plane.key("oncd"), by="oncd")
    assert next_of("oncd") == [export]
    plane.say(case, "oncd", "ask", "--reason", "who?")
    assert next_of("applicant") == [f"next: sluicegate application answer {case} --text …"]
    assert next_of("oncd") == [f"{waits} applicant, ostp"]
    plane.text("application", "answer", case, "--text", "six engineers", by="applicant")
    plane.say(case, "oncd")
    assert next_of("oncd") == [f"{waits} ostp"]
    plane.say(case, "ostp")
    (grant,) = (each["grant"] for each in plane.answer("grant", "list")["grants"])
    assert next_of("applicant") == [f"next: sluicegate credential issue --grant {grant}"]
    assert next_of("oncd") == next_of("ostp") == next_of("developer") == []
    plane.answer("credential", "issue", "--grant", grant, by="applicant")
    assert next_of("applicant") == []


@pytest.mark.parametrize("agency", ["oncd", "ostp"])
def test_a_reviewer_finds_what_awaits_it(plane, agency):
    cases = [plane.submit(f"Example {name}") for name in ("One", "Two")]
    plane.say(cases[0], agency)
    found = plane.answer("case", "list", "--awaiting", agency, by=agency)["cases"]
    assert [each["case"] for each in found] == [cases[1]]
    assert "Example Two" in plane.text("case", "list", "--awaiting", agency, by=agency)
