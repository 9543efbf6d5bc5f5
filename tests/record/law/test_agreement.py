"""What an entry says, against what it stands on: its case, its signed statement, its grant, its directive.

Each row is a lawful entry of the stored log with one thing made untrue, as in `test_checks`.
"""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record import law
from sluicegate_record.entities.directive import Ending
from sluicegate_record.entities.happening import CLOCK
from sluicegate_record.entities.keyimport import KeyImport
from sluicegate_record.entries import Entry
from sluicegate_record.entries.credentials import KeyColumns
from sluicegate_record.form import replace
from sluicegate_record.law import Breach, Support
from sluicegate_record.law.versions import RULES as OF_ANY
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import Position, Screening
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement, DrillReport
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.statements.notes import NoteStatement
from sluicegate_record.statements.people import Attestation, IdentifierDeclaration
from sluicegate_record.statements.points import Enforcement, Pointing
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import UNTIMED, Eligibility
from tests.forging import forged, gate_value, openings, told
from tests.record.law.test_checks import (
    AMENDS_ON_APPEAL,
    CHANGES,
    DENIED,
    GIVES,
    ON_APPEAL,
    OPENS,
    OTHER,
    REMOVED,
    RENEWS,
    SAYS,
    SILENT,
    Tell,
    Untrue,
    at_case,
    both,
    case_is,
    directive_is,
    finds,
    first,
    gone,
    grant_is,
    heard,
    says,
    signs,
    stands,
    timer,
    within,
)
from tests.record.law.test_law import before, of_type, stored
from tests.vectors.themes.plans import MAIN
from tests.worlds import LOG, OFFICER, signed

NEVER = "2099-01-01T00:00:00.000Z"
LONG_AGO = "2026-01-01T00:00:00.000Z"


def hides(**gate: Any) -> Tell:
    """The gate part says something else."""
    return lambda record, entry: told(entry, {}, openings(gate, Entropy(bytes(32))))


def later(ms: int) -> Tell:
    """The entry is of a later time."""
    return lambda record, entry: told(entry, {}, at_ms=entry.at_ms + ms)


declared = first("identifiers.declared")


def declares(**changes: Any) -> Tell:
    """What was declared was signed otherwise."""

    def tell(record: Record, entry: Entry) -> Entry:
        found = IdentifierDeclaration.read(Envelope.from_json(gate_value(entry, "envelope")))
        envelope = signed(replace(found, **changes).payload(), "signatory of 12")
        return hides(envelope=envelope.to_json())(record, entry)

    return tell


chunk, discarded = first("credentials.chunk"), first("credentials.discarded")
imported = first("credentials.imported")


def columns(**changes: Any) -> Tell:
    """Some columns of its keys say something else."""

    def tell(record: Record, entry: Entry) -> Entry:
        keys = KeyColumns.from_json(gate_value(entry, "keys"))
        return told(entry, {}, openings({"keys": replace(keys, **changes).to_json()}, Entropy(bytes(32))))

    return tell


key_grant_is = stands("grants", lambda _, entry: next(iter(gate_value(entry, "keys")["grants"])))


def import_of(record: Record, entry: Entry) -> str:
    """The import that an entry is about."""
    return str(entry.public["import"])


def import_is(**changes: Any) -> Tell:
    """Its import stands otherwise; a part is the first of one."""

    def tell(record: Record, entry: Entry) -> Entry:
        name = import_of(record, entry)
        record.imports[name] = replace(record.imports.get(name, KeyImport(name=name)), **changes)
        return entry

    return tell


asked_grant_is = stands("grants", lambda _, entry: entry.public["question"]["grant"])


against_is = stands("cases", lambda _, entry: entry.public["question"]["against"])


asked_directive_is = stands("directives", lambda _, entry: entry.public["question"]["directive"])


def questions(**changes: Any) -> Tell:
    """Its question binds something else."""
    return lambda record, entry: told(entry, {"question": {**entry.public["question"], **changes}})


def signs_over(said: Discussion) -> Tell:
    """The position was signed when other things had been said, and the entry says so."""

    def tell(record: Record, entry: Entry) -> Entry:
        body: Any = entry.body
        payload = replace(Position.read(body.envelope), said=said).payload()
        return told(entry, {"said": said.to_json(), "envelope": signed(payload, body.owner).to_json()})

    return tell


def opening_as(**changes: Any) -> Tell:
    """The officer's opening in a case was signed otherwise."""

    def tell(record: Record, entry: Entry) -> Entry:
        body: Any = entry.body
        payload = replace(StageOpening.read(body.opening.envelope), **changes).payload()
        opening = {**entry.public["opening"], "envelope": signed(payload, OFFICER).to_json()}
        return told(entry, {"opening": opening})

    return tell


def rests(**changes: Any) -> Tell:
    """The first position that it rests on is another."""

    def tell(record: Record, entry: Entry) -> Entry:
        one, *others = entry.public["positions"]
        return told(entry, {"positions": [{**one, **changes}, *others]})

    return tell


def document_says(record: Record, entry: Entry) -> Entry:
    """Both what was signed and the entry have another name than the entry is under."""
    document = {**entry.public["document"], "metadata": {**entry.public["document"]["metadata"], "name": "x"}}
    envelope = signed(DirectiveStatement(document=document).payload(), "oncd")
    return told(entry, {"document": document, "envelope": envelope.to_json(), "digest": envelope.digest})


def attests(**changes: Any) -> Tell:
    """A signatory attested something else."""

    def tell(record: Record, entry: Entry) -> Entry:
        body: Any = entry.body
        payload = replace(Attestation.read(body.envelope), **changes).payload()
        return told(entry, {}, openings({"envelope": signed(payload, "x").to_json()}, Entropy(bytes(32))))

    return tell


def of_clock(is_so: Any) -> Any:
    """The first escalation that is so."""
    return lambda: next(e for e in stored() if e.type == "case.escalated" and is_so(e.public["agency"]))


def opened(kind: str) -> Any:
    """The first case of a kind."""
    return first("case.opened", kind=kind)


def dated() -> Entry:
    """The first attestation that attests something."""
    return next(e for e in stored() if e.type == "credential.attested" and gate_value(e, "attested"))


def named_lift() -> Entry:
    """The first lift for named organizations."""
    return next(e for e in stored() if e.type == "directive.lifted" and "named" in e.gate)


def replaces_another() -> Entry:
    """The first directive that replaces one of another name."""
    return next(
        e for e in stored() if e.type == "directive.issued" and e.public.get("replaces", e.stream) != e.stream
    )


def named_order() -> Entry:
    """The first directive whose names are committed to."""
    return next(e for e in stored() if e.type == "directive.issued" and e.sealed)


def opened_against(kind: str) -> Any:
    """The first appeal against a case of a kind."""

    def find() -> Entry:
        of_kind = {e.public["case"] for e in stored() if e.type == "case.opened" and e.public["kind"] == kind}
        appeals = (e for e in stored() if e.type == "case.opened" and e.public["kind"] == "appeal")
        return next(e for e in appeals if e.public["question"]["against"] in of_kind)

    return find


def unheard_long_ago(record: Record, entry: Entry) -> Entry:
    """An earlier appeal against the same case ended long ago, without a decision."""
    against = record.cases[entry.public["question"]["against"]]
    record.put(replace(against, id="earlier", outcome="lapsed", determined_ms=0))
    record.put(replace(against, appeal="earlier"))
    return entry


def out_of_force_and_changed(record: Record, entry: Entry) -> Entry:
    """The terms in force of its stage are others, and so are those of the removed grant."""
    against = record.cases[entry.public["question"]["against"]]
    record.put(replace(record.grants[against.question.grant], terms=OTHER))
    return out_of_force(record, entry)


def out_of_force(record: Record, entry: Entry) -> Entry:
    """The terms in force of its stage are others."""
    name = entry.public["release"]
    release = record.releases[name]
    record.releases[name] = replace(release, terms={**release.terms, entry.public["stage"]: OTHER})
    return entry


def must_be_screened(record: Record, entry: Entry) -> Entry:
    """The terms of its case ask for a screening."""
    digest = record.cases[entry.public["case"]].question.terms
    plan = record.terms[digest].plan
    stages = tuple(replace(each, eligibility=Eligibility(screening="clear")) for each in plan.spec.stages)
    given = replace(plan, spec=replace(plan.spec, stages=stages))
    record.terms[digest] = replace(record.terms[digest], given=given)
    return entry


def report_of(drill: str) -> Envelope:
    """The report of a drill, signed with the log's key."""
    stated = {"log": LOG, "drill": drill}
    bound = {drill: canonical.digest(stated).removeprefix("sha256:")}
    return signed(dsse.statement(bound, DrillReport.TYPE, stated), "log")


OVER = Ending(how="lifted", at_ms=0, seq=0)
DIGEST = "a signed statement under another digest than its own"
NOT_NOW = "what follows from a case that was not decided at this moment"
SAYS_ELSE = "a case that says something else than its question"
ANOTHER_GRANT = "a case about another grant than it says"
LESS_TIME = "an agency with less time than the terms give"
RESTS_ON_WHAT = "a consequence that does not say what it rests on"
OPENS_ALONE = first("stage.opened", release=MAIN)
NOT_THERE = "of a directive that does not hold then"
TYPES_SIGNED = (
    *("case.received", "case.screened", "case.proceeded", "position.recorded", "record.added"),
    *("directive.issued", "directive.confirmed", "drill.reported"),
    *("point.declared", "point.retired", "point.stated"),
)

LOG_AND_KEYS = {
    "a log of another key": Untrue(
        first("log.started"), says(vkey=LOG + "x"), "starts_this_log", "a log of the key"
    ),
}

RELEASES = {
    "a public plan that says it is not": Untrue(
        first("release.applied", announced=True),
        lambda record, entry: told(
            entry,
            {"plan": {**entry.public["plan"], "spec": {**entry.public["plan"]["spec"], "announced": False}}},
        ),
        "is_of_the_release",
        "a plan that is announced otherwise than it says",
    ),
    "an opening under another log": Untrue(
        OPENS, says(log="other"), "is_signed_by_an_officer", "an opening that no officer signed for this log"
    ),
    "an opening long after it was agreed to": Untrue(OPENS, later(1), "is_agreed_to", NOT_NOW),
    "an opening that rests on other positions": Untrue(
        OPENS, rests(seq=0), "rests_on_its_case", "other positions than those of its case"
    ),
    "an opening that does not say what it rests on": Untrue(
        OPENS, says(positions=None), "rests_on_its_case", RESTS_ON_WHAT
    ),
    "an opening in a case that no terms ask for": Untrue(
        OPENS_ALONE, says(case="any"), "is_agreed_to", "an opening in a case, where no agency has to agree"
    ),
    **{
        f"a note of another {name}": Untrue(
            first("record.added"), says(**{name: "other"}), "is_as_noted", "a note that was signed otherwise"
        )
        for name in ("kind", "on", "text", "party", "case")
    },
    "a note for another log": Untrue(
        first("record.added"),
        signs(NoteStatement, "oncd", log="other"),
        "is_as_noted",
        "a note that was signed otherwise",
    ),
    "a note that a stranger signed": Untrue(
        first("record.added"),
        signs(NoteStatement, "stranger"),
        "is_as_noted",
        "a note that its party did not",
    ),
    "a note about nothing": Untrue(
        lambda: next(e for e in stored() if e.type == "record.added" and "case" in e.public),
        gone("cases", lambda record, entry: entry.public["case"]),
        "is_as_noted",
        "no case",
    ),
}

OPENINGS = {
    **{
        f"a case under another {name}": Untrue(
            opened("admission"), says(**{name: "other"}), "asks_what_it_says", SAYS_ELSE
        )
        for name in ("case", "release", "stage", "surface", "directive")
    },
    "a question for another log": Untrue(
        opened("terms"), questions(log="other"), "asks_what_it_says", "a question for another log"
    ),
    "a case of a kind that is none": Untrue(
        opened("admission"),
        both(questions(kind="x"), says(kind="x", procedure=None)),
        "asks_what_it_says",
        "a case of a kind that is none",
    ),
    "a question that binds more": Untrue(
        opened("terms"), questions(more=1), "asks_what_it_says", "a question that binds more than its kind"
    ),
    "an opening signed for other terms": Untrue(
        opened("opening"), opening_as(terms=OTHER), "asks_what_it_says", "an opening signed for other terms"
    ),
    "terms of other models": Untrue(
        opened("terms"),
        questions(models=[]),
        "is_about_what_there_is",
        "terms of something else than their case asks",
    ),
    "terms that are not in force": Untrue(
        opened("admission"),
        out_of_force,
        "is_about_what_there_is",
        "a case about terms that are not in force",
    ),
    "an appeal against a denial by terms that are not in force": Untrue(
        opened_against("admission"),
        out_of_force,
        "is_about_what_there_is",
        "a case about terms that are not in force",
    ),
    "an appeal against a removal by terms that are neither in force nor the grant's": Untrue(
        opened_against("removal"),
        out_of_force_and_changed,
        "is_about_what_there_is",
        "a case about terms that are not in force",
    ),
    "another basis": Untrue(
        opened("admission"),
        lambda record, entry: told(
            entry, {"basis": "order" if entry.public["basis"] != "order" else "agreed"}
        ),
        "is_about_what_there_is",
        "a case with another basis",
    ),
    "a surface that is not offered": Untrue(
        opened("admission"),
        both(questions(surface="moon"), says(surface="moon")),
        "is_about_what_there_is",
        "a case about a surface that is not offered",
    ),
    "another dossier than is sealed in it": Untrue(
        opened("admission"),
        questions(party="0" * 64),
        "is_about_what_there_is",
        "a case about another dossier",
    ),
    "another dossier than the grant's": Untrue(
        opened("removal"), questions(party="0" * 64), "is_about_what_there_is", "a case about another dossier"
    ),
    "no grant": Untrue(
        opened("amendment"), questions(grant="none"), "is_about_what_there_is", "no grant 'none'"
    ),
    "a grant of another stage": Untrue(
        opened("amendment"), asked_grant_is(stage="other"), "is_about_what_there_is", ANOTHER_GRANT
    ),
    "a grant of another surface": Untrue(
        opened("removal"), asked_grant_is(surface="other"), "is_about_what_there_is", ANOTHER_GRANT
    ),
    "a grant that has ended": Untrue(
        opened("amendment"),
        asked_grant_is(standing="expired"),
        "is_about_what_there_is",
        "a case about a grant that has ended",
    ),
    "a grant that has such a case": Untrue(
        opened("removal"),
        asked_grant_is(removal="other"),
        "is_about_what_there_is",
        "a case about a grant that has ended, or has such a case",
    ),
    "an appeal for another party": Untrue(
        opened("appeal"),
        questions(party="0" * 64),
        "is_about_what_there_is",
        "an appeal about something else",
    ),
    "an appeal against what is open": Untrue(
        opened("appeal"),
        against_is(state="in_review"),
        "is_about_what_there_is",
        "an appeal against no decision",
    ),
    "an appeal against an approval": Untrue(
        opened("appeal"),
        against_is(outcome="lapsed"),
        "is_about_what_there_is",
        "an appeal against no decision",
    ),
    "a second appeal": Untrue(
        opened("appeal"), against_is(appeal="other"), "is_about_what_there_is", "a second appeal"
    ),
    "an appeal again after the time since one that no one decided": Untrue(
        opened("appeal"), unheard_long_ago, "is_about_what_there_is", "an appeal after its time"
    ),
    "an appeal after its time": Untrue(
        opened("appeal"), against_is(determined_ms=0), "is_about_what_there_is", "an appeal after its time"
    ),
    "a lift of another document": Untrue(
        opened("lift"), questions(document=OTHER), "is_about_what_there_is", "a lift of another document"
    ),
    "a lift of what has ended": Untrue(
        opened("lift"), asked_directive_is(ended=OVER), "is_about_what_there_is", "a lift of what is not"
    ),
    "an admission of no organization": Untrue(
        opened("admission"),
        hides(organization=None),
        "is_of_its_organization",
        "an organization where the kind has none",
    ),
    "an amendment of another organization": Untrue(
        opened("amendment"), hides(organization="org-x"), "is_of_its_organization", "a case of another organ"
    ),
    "an amendment that describes another organization": Untrue(
        lambda: next(e for e in stored() if e.type == "case.opened" and "described" in e.gate),
        lambda record, entry: hides(described={**gate_value(entry, "described"), "organization": "org-x"})(
            record, entry
        ),
        "is_of_its_organization",
        "a description of another organization",
    ),
    "a removal that another opened": Untrue(
        opened("removal"),
        hides(opener="applicant_other"),
        "is_of_its_organization",
        "a case that another opened",
    ),
    "a removal with less time to reply": Untrue(
        opened("removal"), says(replyBy=LONG_AGO), "goes_by_its_terms", "a case with less time than its terms"
    ),
}

IN_CASES = {
    "a receipt of an agency that is not asked": Untrue(
        first("case.received"),
        at_case(lambda case: {"rule": replace(case.rule, members=("nobody",))}),
        "starts_its_clock",
        "a receipt of an agency that is not asked",
    ),
    "a place on a waitlist of one who waits": Untrue(
        first("case.waitlisted"),
        case_is(state="offered"),
        "waits_for_a_seat",
        "a case on a waitlist that waits already",
    ),
    "a place on a waitlist that no one approved": Untrue(
        first("case.waitlisted"),
        case_is(positions={}),
        "waits_for_a_seat",
        "a case on a waitlist without the positions for it",
    ),
    "a place on a waitlist although its conditions contradict each other": Untrue(
        first("case.waitlisted"),
        both(
            heard("oncd", conditions=Conditions.from_json({"logs": {"value": 30, "declared": True}})),
            heard("ostp", conditions=Conditions.from_json({"logs": {"value": 7, "declared": True}})),
        ),
        "waits_for_a_seat",
        "conditions that contradict each other",
    ),
    "a place on a waitlist before its screening": Untrue(
        first("case.waitlisted"),
        must_be_screened,
        "waits_for_a_seat",
        "a case on a waitlist that was not cleared",
    ),
    "a place on a waitlist after an appeal whose place was given": Untrue(
        within("case.waitlisted", lambda case: bool(case.appeals)),
        at_case(lambda appeal: {"used": True}, "appeals"),
        "waits_for_a_seat",
        "a case on a waitlist that was decided",
    ),
    "a place on a waitlist after a denial": Untrue(
        first("case.waitlisted"),
        case_is(state="determined", outcome="denied"),
        "waits_for_a_seat",
        "a case on a waitlist that was decided",
    ),
    "a way back to review of one under review": Untrue(
        first("case.resumed"),
        case_is(state="in_review"),
        "waits_no_longer",
        "a case that is under review already",
    ),
    "a way back to review of one that is approved": Untrue(
        first("case.resumed"),
        case_is(unopposed=True, clocks={}, positions={}),
        "waits_no_longer",
        "a case off the waitlist although its positions carry it",
    ),
    "a time to reply that is not over": Untrue(
        lambda: next(e for e in stored() if e.type == "case.warned" and not e.public["agency"]),
        both(case_is(reply_by_ms=4_070_908_800_000), says(due=NEVER)),
        "is_warned_in_time",
        "a time to reply that is not over",
    ),
    "a step before its time": Untrue(
        of_clock(bool),
        lambda record, entry: timer(due_ms=entry.at_ms + 1)(record, entry),
        "climbs_in_time",
        "a step up the ladder before its time",
    ),
    "a step up a ladder that is over": Untrue(
        of_clock(bool), timer(rung=99), "climbs_in_time", "a step up a ladder that is over"
    ),
    "a step with less time": Untrue(of_clock(bool), says(due=LONG_AGO), "climbs_in_time", LESS_TIME),
    "a step without a time": Untrue(of_clock(bool), says(due=None), "climbs_in_time", LESS_TIME),
    "a step of the whole case with a time": Untrue(
        of_clock(lambda agency: agency is None),
        says(due=NEVER),
        "climbs_in_time",
        "a time that the terms do not give",
    ),
    "a step of the whole case that the terms do not give": Untrue(
        of_clock(lambda agency: agency is None),
        case_is(procedure=UNTIMED),
        "climbs_in_time",
        "a step up a ladder that the terms do not give",
    ),
    "a silence without its receipt": Untrue(
        SILENT, says(receipt=OTHER), "is_due", "a silence of another time or receipt"
    ),
    "an answer that takes time away": Untrue(
        lambda: next(e for e in stored() if e.type == "case.answered" and e.public["due"]),
        says(due=LONG_AGO),
        "answers_a_question",
        LESS_TIME,
    ),
    "an answer that takes time from the whole case": Untrue(
        lambda: next(e for e in stored() if e.type == "case.answered" and e.public.get("wholeDue")),
        says(wholeDue=LONG_AGO),
        "answers_a_question",
        "a case with less time than its terms give",
    ),
    "a reply after its time": Untrue(
        first("case.replied"), case_is(reply_by_ms=0), "is_replied_in_time", "a reply after its time"
    ),
    "a second reply": Untrue(
        first("case.replied"), case_is(replied_ms=1), "is_replied_in_time", "a reply after its time"
    ),
    "a reply beside an appeal": Untrue(
        first("case.replied"), case_is(appeal="other"), "is_replied_in_time", "a reply after its time"
    ),
    "an offer out of turn": Untrue(
        first("case.offered"),
        case_is(state="in_review"),
        "is_offered_in_turn",
        "an offer to a case that is not",
    ),
    "a screening of other candidates": Untrue(
        first("case.screened"),
        signs(Screening, OFFICER, candidates="0" * 64),
        "is_an_officers_look",
        "a screening signed otherwise",
    ),
    "a proceeding of other owners": Untrue(
        first("case.proceeded"), says(owners=["a", "b"]), "is_advice", "a proceeding of other owners"
    ),
    "a position of an agency that is not asked": Untrue(
        SAYS,
        at_case(lambda case: {"rule": replace(case.rule, members=("nobody",))}),
        "is_asked",
        "a position of an agency that is not asked",
    ),
    "a position over another discussion": Untrue(
        SAYS,
        signs_over(Discussion(count=0, digest=OTHER)),
        "knows_the_discussion",
        "a position over another discussion than that of its case",
    ),
    "a position in a case that is over": Untrue(
        SAYS, case_is(state="determined"), "is_asked", "a position in a case that is not open"
    ),
    "a position that takes time from the whole case": Untrue(
        within("position.recorded", lambda case: case.whole_clock is not None),
        says(wholeDue=LONG_AGO),
        "is_asked",
        "a case with less time than its terms give",
    ),
    "another sealed reason": Untrue(
        lambda: next(e for e in stored() if e.type == "position.recorded" and "reason" in e.sealed),
        lambda record, entry: forged(entry.type, entry.public, seq=entry.seq, at_ms=entry.at_ms),
        "is_as_signed",
        "another sealed reason than was signed",
    ),
    "a denial because of others": Untrue(
        DENIED, says(because=["nobody"]), "is_decided", "a denial because of others than are against it"
    ),
    "an outcome that is none": Untrue(
        DENIED, says(outcome="forgotten"), "is_open", "an outcome that is none"
    ),
}

GRANTS = {
    "a grant to another party": Untrue(
        GIVES, says(party="0" * 64), "is_of_its_case", "a grant to another party than its case is about"
    ),
    "a grant valid from another time": Untrue(
        GIVES, says(validFrom=LONG_AGO), "is_given_at_once", "a grant that is not valid from its decision on"
    ),
    "a grant long after its case": Untrue(GIVES, later(1), "is_given_at_once", NOT_NOW),
    "a grant of a case that is open": Untrue(
        GIVES, case_is(outcome=None, state="in_review"), "is_given_at_once", NOT_NOW
    ),
    "a grant of a case that was denied": Untrue(
        GIVES, case_is(outcome="denied"), "is_given_at_once", NOT_NOW
    ),
    "a grant on appeal long after it": Untrue(ON_APPEAL, later(1), "is_given_at_once", NOT_NOW),
    "a grant that rests on another position": Untrue(
        GIVES, rests(digest=OTHER), "rests_on_its_case", "other positions than those of its case"
    ),
    "an amendment for another party": Untrue(
        RENEWS, says(party="0" * 64), "is_amended_as_agreed", "an amendment for another party"
    ),
    "an amendment long after its case": Untrue(CHANGES, later(1), "is_amended_as_agreed", NOT_NOW),
    "an amendment on appeal long after it": Untrue(
        AMENDS_ON_APPEAL, later(1), "is_amended_as_agreed", NOT_NOW
    ),
    "an amendment of what has ended": Untrue(
        RENEWS,
        grant_is(standing="surrendered"),
        "is_amended_as_agreed",
        "an amendment of a grant that has ended",
    ),
    "an amendment of what is past": Untrue(
        RENEWS, grant_is(valid_until_ms=0), "is_amended_as_agreed", "an amendment of a grant that has ended"
    ),
    "an amendment of a grant of another surface": Untrue(
        RENEWS, grant_is(surface="other"), "is_amended_as_agreed", "an amendment of another grant"
    ),
    "a reinstatement long after its case": Untrue(
        first("grant.reinstated"), later(1), "is_reinstated_on_appeal", NOT_NOW
    ),
    "a reinstatement of what was surrendered": Untrue(
        first("grant.reinstated"),
        grant_is(standing="surrendered"),
        "is_reinstated_on_appeal",
        "the reinstatement of a grant that was not removed",
    ),
    "a removal long after its case": Untrue(REMOVED, later(1), "is_over", NOT_NOW),
    "an end of what has ended": Untrue(
        REMOVED, grant_is(standing="expired"), "is_over", "the end of a grant that has ended"
    ),
    "another end": Untrue(
        REMOVED, says(how="lost"), "is_over", "the end of a grant that has ended, or another"
    ),
    **{
        f"{type_} of what has ended": Untrue(
            first(type_), grant_is(standing="expired"), "is_of_a_live_grant", "about a grant that has ended"
        )
        for type_ in ("grant.proven", "grant.suspended", "grant.fallback_chosen", "grant.differed")
    },
    "a proof of no grant": Untrue(
        first("grant.proven"), says(grant="none"), "is_of_a_live_grant", "no grant 'none'"
    ),
    "a difference on another surface": Untrue(
        first("grant.differed"), says(surface="moon"), "differs_there", "a difference on another surface"
    ),
    "a difference of no kind": Untrue(
        first("grant.differed"), says(kind="mood"), "differs_there", "a difference of no known kind"
    ),
    "a suspension for no reason": Untrue(
        first("grant.suspended"), says(reasonCode="mood"), "has_a_reason", "a reason that is none"
    ),
    "a second suspension": Untrue(
        first("grant.suspended"), grant_is(standing="suspended"), "has_a_reason", "a grant that is suspended"
    ),
    "a key under no grant": Untrue(
        first("credential.issued"), says(grant="none"), "is_under_a_grant", "no grant 'none'"
    ),
    "a key under what has ended": Untrue(
        first("credential.issued"), grant_is(standing="removed"), "is_under_a_grant", "a key under a grant"
    ),
    "a key under what is past": Untrue(
        first("credential.issued"), grant_is(valid_until_ms=0), "is_under_a_grant", "a key under a grant"
    ),
    "a declaration that is not signed": Untrue(
        declared, hides(envelope=None), "is_as_declared", "a declaration that was not signed"
    ),
    "a declaration for another log": Untrue(
        declared, declares(log="other"), "is_as_declared", "a declaration signed for another log"
    ),
    "a declaration of persons said to be of none": Untrue(
        declared, declares(identifiers="persons"), "is_as_declared", "a declaration that was signed otherwise"
    ),
    "a declaration of another credential": Untrue(
        declared, says(credential="other"), "is_as_declared", "a declaration that was signed otherwise"
    ),
    "a declaration said to be of a grant": Untrue(
        declared, says(grant="other"), "is_as_declared", "a declaration that was signed otherwise"
    ),
    "a part of an import that is over": Untrue(
        chunk, import_is(state="discarded"), "is_the_next_part", "a part of an import that is over"
    ),
    "a part without a key": Untrue(
        chunk, both(says(count=0), columns(digests=b"", of=())), "has_so_many_keys", "a part with other"
    ),
    "a part with a key twice": Untrue(
        chunk, columns(digests=bytes(64)), "has_so_many_keys", "a part with other keys than it says"
    ),
    "a part with half a key more": Untrue(
        chunk, columns(digests=bytes(range(80))), "has_so_many_keys", "a part with other keys than it says"
    ),
    "a part whose key is under no grant": Untrue(
        chunk, columns(of=(0, 1)), "has_so_many_keys", "a part with other keys than it says"
    ),
    "a part whose key is under the last grant from behind": Untrue(
        chunk, columns(of=(0, -1)), "has_so_many_keys", "a part with other keys than it says"
    ),
    "a part with fewer grants than keys": Untrue(
        chunk, columns(of=(0,)), "has_so_many_keys", "a part with other keys than it says"
    ),
    "a part with fewer expiries than keys": Untrue(
        chunk, columns(expires_ms=(None,)), "has_so_many_keys", "a part with other keys than it says"
    ),
    "a part under what is not there": Untrue(
        chunk, columns(grants=("none",)), "are_under_grants", "no grant 'none'"
    ),
    "a part under what has ended": Untrue(
        chunk, key_grant_is(standing="removed"), "are_under_grants", "a key under a grant that has ended"
    ),
    "a part under what is past": Untrue(
        chunk, key_grant_is(valid_until_ms=0), "are_under_grants", "a key under a grant that has ended"
    ),
    "an import that nobody began": Untrue(
        imported, gone("imports", import_of), "counts_its_parts", "no import 'imp_"
    ),
    "an import that counts a second time": Untrue(
        imported, import_is(state="counted"), "counts_its_parts", "an import that is over"
    ),
    "a discarded import that nobody began": Untrue(
        discarded, gone("imports", import_of), "is_not_over", "no import 'imp_"
    ),
    "an import that is discarded after it counts": Untrue(
        discarded, import_is(state="counted"), "is_not_over", "an import that is over"
    ),
    "an attestation that is not signed": Untrue(
        dated, hides(envelope=None), "is_as_attested", "an attestation that was not signed"
    ),
    "an attestation for another log": Untrue(
        dated, attests(log="other"), "is_as_attested", "an attestation signed for another log"
    ),
    "an attestation of another credential": Untrue(
        dated, says(credential="other"), "is_as_attested", "an attestation signed for another log or"
    ),
    "an attestation of other statuses": Untrue(
        dated, attests(statuses=("other",)), "is_as_attested", "an attestation that was signed otherwise"
    ),
    "an attestation until another time": Untrue(
        dated, attests(until_ms=1), "is_as_attested", "an attestation that was signed otherwise"
    ),
    "a provider under another name": Untrue(
        first("provider.registered"), says(provider="other"), "is_as_registered", "a provider under another"
    ),
}

DIRECTIVES = {
    "a directive under another name": Untrue(
        first("directive.issued", directive="everyone"),
        document_says,
        "says_what_was_signed",
        "a directive that says something else than its document",
    ),
    "a directive under more owners": Untrue(
        first("directive.issued", directive="everyone"),
        says(signers=["oncd", "somebody"]),
        "says_what_was_signed",
        "a directive of other owners than signed it",
    ),
    "a directive that says that it replaces nothing": Untrue(
        replaces_another,
        lambda record, entry: told(entry, {"replaces": None}),
        "says_what_was_signed",
        "a directive that says something else than its document",
    ),
    "names that are not sealed beside it": Untrue(
        named_order,
        lambda record, entry: forged(entry.type, entry.public, entry.gate, seq=entry.seq, at_ms=entry.at_ms),
        "opens_its_commitments",
        "names that do not open what was signed",
    ),
    "a confirmation for another log": Untrue(
        first("directive.confirmed"),
        signs(Confirmation, "ostp", log="other"),
        "is_the_issuers",
        "a confirmation for another log",
    ),
    "a second confirmation": Untrue(
        first("directive.confirmed"), directive_is(confirmed=True), "is_the_issuers", "a confirmation of what"
    ),
    "a confirmation of what has ended": Untrue(
        first("directive.confirmed"),
        directive_is(ended=OVER),
        "is_the_issuers",
        "a confirmation of what needs",
    ),
    "a lift long after its case": Untrue(
        first("directive.lifted", directive="everyone"), later(1), "is_lifted_by_its_rule", NOT_NOW
    ),
    "a lift of what is over": Untrue(
        first("directive.lifted", directive="everyone"),
        directive_is(ended=OVER),
        "is_lifted_by_its_rule",
        "a lift of what has ended",
    ),
    "a lift for others": Untrue(
        named_lift,
        hides(named={"lift": {"organizations": ["org-x"]}}),
        "lifts_for_whom_it_asks",
        "a lift for others than its case asks",
    ),
    "an expiry of what is over": Untrue(
        first("directive.expired"), directive_is(ended=OVER), "has_expired", "the expiry of what has ended"
    ),
    "a report of what is no drill": Untrue(
        first("drill.reported"), says(directive="everyone"), "is_reported_once", "a report of no drill"
    ),
    "a report of a drill that runs": Untrue(
        first("drill.reported"),
        directive_is(ended=None),
        "is_reported_once",
        "a report of no drill, of one that",
    ),
    "a report of another drill": Untrue(
        first("drill.reported"),
        lambda record, entry: told(entry, {"envelope": report_of("another").to_json()}),
        "is_reported_once",
        "a report of another drill",
    ),
    "a report that an officer signed": Untrue(
        first("drill.reported"),
        lambda record, entry: told(entry, {"envelope": signed(_payload(entry), OFFICER).to_json()}),
        "is_reported_once",
        "a report that the log's key did not sign",
    ),
    "in force after its end": Untrue(
        first("directive.in_force"),
        directive_is(ended=OVER),
        "is_of_its_directive",
        "of a directive that has ended",
    ),
    "in force before it holds": Untrue(
        first("directive.in_force"), says(at=LONG_AGO), "is_of_its_directive", NOT_THERE
    ),
    "a point for another log": Untrue(
        first("point.declared"),
        signs(Pointing, OFFICER, log="other"),
        "is_pointed_out",
        "a point that was signed otherwise",
    ),
    "a point that is retired and not declared": Untrue(
        first("point.retired"),
        signs(Pointing, OFFICER, says="declared"),
        "is_pointed_out",
        "a point that was signed otherwise",
    ),
    "a point that an agency signed": Untrue(
        first("point.declared"), signs(Pointing, "oncd"), "is_pointed_out", "a point that no officer signed"
    ),
    "a point about another document": Untrue(
        first("point.stated"),
        signs(Enforcement, "cloud", document=OTHER),
        "is_as_stated",
        "a statement about another document",
    ),
    "a point about no directive": Untrue(
        first("point.stated"), says(directive="none"), "is_as_stated", "no directive 'none'"
    ),
    "a point that enforces what is over": Untrue(
        first("point.stated", says="enforced"),
        directive_is(ended=OVER),
        "is_as_stated",
        "a point that enforces",
    ),
    **{
        f"{type_} under another digest": Untrue(
            first(type_), says(digest=OTHER), "is_named_by_its_digest", DIGEST
        )
        for type_ in TYPES_SIGNED
        if type_ != "position.recorded"
    },
}


def _payload(entry: Entry) -> bytes:
    body: Any = entry.body
    payload: bytes = body.envelope.payload
    return payload


AGREEMENT = LOG_AND_KEYS | RELEASES | OPENINGS | IN_CASES | GRANTS | DIRECTIVES


@pytest.mark.parametrize("untrue", AGREEMENT.values(), ids=AGREEMENT)
def test_a_check_finds_what_does_not_agree(untrue: Untrue) -> None:
    finds(untrue)


@pytest.mark.parametrize(
    "name",
    [
        "a grant to another party",
        "a grant valid from another time",
        "a grant long after its case",
        "a grant of a case that was denied",
        "an amendment for another party",
        "an amendment long after its case",
        "an amendment of what has ended",
        "an amendment of what is past",
        "an amendment of a grant of another surface",
        "a reinstatement long after its case",
        "an opening under another log",
        "an opening long after it was agreed to",
        "a lift long after its case",
        "a lift for others",
        "a confirmation for another log",
        "an attestation of other statuses",
    ],
)
def test_who_counts_signatures_alone_finds_it_too(name: str) -> None:
    untrue = AGREEMENT[name]
    entry = untrue.find()
    record = before(entry.seq)
    keys = record.pinned()
    assert law.breach(record, entry, keys, LOG, Support.SIGNATURES) is None
    lied = untrue.tell(record, entry)
    found = law.breach(record, lied, keys, LOG, Support.SIGNATURES)
    assert isinstance(found, Breach)
    assert found.rule == untrue.rule
    assert law.effect(record, lied, found, keys, LOG) is None


def test_a_log_begins_with_its_start() -> None:
    (rule,) = (each for each in OF_ANY if each.__name__ == "is_begun")
    found = law.breach(
        Record(), told(of_type("key.pinned"), {}, seq=0), Record().pinned(), LOG, Support.RECORD
    )
    assert found == Breach(rule.__name__, "a log that begins with something else")


def test_a_position_under_another_digest_breaks_the_chain_of_its_agency() -> None:
    entry = SAYS()
    record = before(entry.seq)
    for support in Support:
        found = law.breach(record, told(entry, {"digest": OTHER}), record.pinned(), LOG, support)
        assert found == Breach("is_named_by_its_digest", DIGEST)


def test_time_may_renew_a_grant_after_its_end_and_no_command_may() -> None:
    """What was due before the end comes first after a downtime, and may renew it."""
    entry = RENEWS()
    record = before(entry.seq)
    record.put(replace(record.grants[entry.public["grant"]], valid_until_ms=entry.at_ms))
    for by, is_lawful in ((CLOCK, True), (entry.by, False)):
        found = law.breach(record, entry._replace(by=by), record.pinned(), LOG, Support.RECORD)
        assert (found is None) is is_lawful
