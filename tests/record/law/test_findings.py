"""Each check of the law of findings by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.directives.received import Outsider
from sluicegate_record.entities.finding import reported
from sluicegate_record.entries import Entry
from sluicegate_record.entries.findings import FindingReported
from sluicegate_record.fold import keep_finding
from sluicegate_record.form import replace
from sluicegate_record.log import times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.record import Record
from sluicegate_record.statements.findings import FindingStatement, name_of
from sluicegate_record.terms.findings import UNSTATED
from sluicegate_record.terms.plan import ModelDigests, Plan
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, both, finds, first, says, stands
from tests.record.law.test_law import before, stored
from tests.vectors.history import sealed
from tests.vectors.themes.findings import FOUND, FOUND_RELEASE, HAND, MAIL, MISUSED_RELEASE
from tests.worlds import OFFICER, digest, keyid, signed

REPORTED, ANSWERED, OVERDUE = "finding.reported", "finding.answered", "finding.overdue"
REPORT = first(REPORTED, release=FOUND_RELEASE, party="caisi")
ASKS = first(ANSWERED, says="asks")
GIVES = first(ANSWERED, says="gives")
GONE = first(ANSWERED, says="retests", outcome="gone")
LATE = first(OVERDUE)
OTHERWISE = "a finding that was signed otherwise"
SEALED = first(REPORTED, release=MISUSED_RELEASE)
SEALS = "seals_what_was_signed"
ITS_WORD, NEW, ITS_RELEASE = "is_said_of_it", "is_a_new_finding", "is_of_its_release"
FOLLOWS, ITS_TURN, IN_TIME = "follows_what_was_said", "is_its_to_say", "is_overdue"
OTHER = ModelDigests(digest=digest("other"), safeguards=digest("safe"))
LOG_OF_OTHERS = "a word on a finding that was signed for another log"


def signs(signer: str = "caisi", **said: Any) -> Tell:
    """Its party signed something else, and the entry says that."""

    def tell(record: Record, entry: Entry) -> Entry:
        stated = FindingStatement.read(Envelope.from_json(entry.public["envelope"]))
        found = replace(stated, **said)
        envelope = signed(found.payload(), signer)
        is_report = stated.finding is None
        left_out = {"log", "previous", "signedAt", *(["says"] if is_report else [])}
        given = {**dict.fromkeys(said), **found.to_json()}
        shown = {name: each for name, each in given.items() if name not in left_out}
        name = {"finding": name_of(envelope.digest)} if is_report else {}
        by = {"owner": signer, "digest": envelope.digest, "envelope": envelope.to_json()}
        return told(entry, {**shown, **name, **by})

    return tell


finding_is = stands("findings", lambda _, entry: entry.public["finding"])


def plan_is(**changes: Any) -> Tell:
    """The plan in force is another one; a change to None leaves the field of `spec` out."""

    def tell(record: Record, entry: Entry) -> Entry:
        release = record.releases[FOUND_RELEASE]
        value: Any = release.plan.to_json()
        spec = {name: each for name, each in {**value["spec"], **changes}.items() if each is not None}
        record.releases[FOUND_RELEASE] = replace(release, given=Plan.from_json({**value, "spec": spec}))
        return entry

    return tell


def known(record: Record, entry: Entry) -> Entry:
    """It is on the record already."""
    record.apply(entry)
    return entry


def is_found(record: Record, entry: Entry) -> Entry:
    """A finding is open for which the plan suspends."""
    report = first(REPORTED, release=FOUND_RELEASE, level="critical")()
    assert isinstance(report.body, FindingReported)
    keep_finding(record, reported(report, report.body, UNSTATED))
    return entry


def opens_others(record: Record, entry: Entry) -> Entry:
    """The entry has other details than its party signed, or some where it signed none."""
    body: Any = entry.body
    return entry.saying(replace(body, details=sealed("other details")))


def without_officer(record: Record, entry: Entry) -> Entry:
    """A key to which details are sealed is not pinned."""
    del record.keys[keyid(OFFICER)]
    return entry


def was_reported(entry: Entry) -> bool:
    """Whether a report is about the grant of an entry."""
    return any(each.grant == entry.public["grant"] for each in before(entry.seq).findings.values())


def reopened(record: Record, entry: Entry) -> Entry:
    """The report that suspended the grant is open."""
    found = next(each for each in record.findings.values() if each.grant == entry.public["grant"])
    record.put(replace(found, state="reported"))
    return entry


FINDINGS = {
    **{
        f"a report of another {field}": Untrue(REPORT, says(**{field: "other"}), ITS_WORD, OTHERWISE)
        for field in ("release", "kind", "level", "text", "model", "grant", "party")
    },
    "an answer by what was signed as a report": Untrue(
        ASKS,
        lambda record, entry: told(entry, {"envelope": REPORT().public["envelope"]}),
        ITS_WORD,
        OTHERWISE,
    ),
    "a report for another log": Untrue(REPORT, signs(log="other"), ITS_WORD, LOG_OF_OTHERS),
    "an answer for another log": Untrue(ASKS, signs(OFFICER, log="other"), ITS_WORD, LOG_OF_OTHERS),
    "a report that another signed": Untrue(
        REPORT, signs("oncd"), ITS_WORD, "a word on a finding that its party did not sign"
    ),
    "a retest that another signed": Untrue(
        GONE, signs("oncd"), ITS_WORD, "a word on a finding that its party did not sign"
    ),
    "a report under another digest": Untrue(
        REPORT, says(digest="sha256:00"), "is_named_by_its_digest", "a signed statement under another digest"
    ),
    "a report that comes twice": Untrue(REPORT, known, NEW, "a finding that was reported before"),
    "a report in a release that is not there": Untrue(
        REPORT, signs(release="other"), ITS_RELEASE, "no release 'other'"
    ),
    "a report of a party that the plan does not name": Untrue(
        REPORT,
        plan_is(agencies={name: {"name": name} for name in ("oncd", "ostp")}),
        ITS_RELEASE,
        "a report of a party that the plan does not name",
    ),
    "a report at a level that is not there": Untrue(
        REPORT, signs(level="other"), ITS_RELEASE, "a report at a level that the plan does not have"
    ),
    "an agency that transcribes a report": Untrue(
        REPORT,
        signs(transcribed=MAIL),
        ITS_RELEASE,
        "a transcription that the developer's staff did not make",
    ),
    "a misuse of a grant that is not there": Untrue(
        REPORT,
        signs(kind="misuse", grant="other", model=None, tested=None),
        ITS_RELEASE,
        "no grant 'other'",
    ),
    "a misuse of a grant of another release": Untrue(
        REPORT,
        lambda record, entry: signs(kind="misuse", grant=next(iter(record.grants)), model=None, tested=None)(
            record, entry
        ),
        ITS_RELEASE,
        "a misuse of a grant of another release",
    ),
    "a report of another model": Untrue(
        REPORT, signs(model="other"), ITS_RELEASE, "a report of a model that the release does not have"
    ),
    "a report of weights that are not there": Untrue(
        REPORT, signs(tested=OTHER), ITS_RELEASE, "a report of a model that the release does not have"
    ),
    "an answer to what is not there": Untrue(
        ASKS, signs(OFFICER, finding="finding_00"), FOLLOWS, "no finding 'finding_00'"
    ),
    "an answer to what was said before": Untrue(
        ASKS, signs(OFFICER, previous=digest("other")), FOLLOWS, "a word that does not follow the newest one"
    ),
    "an agency that answers": Untrue(
        ASKS, signs("caisi", party="caisi"), ITS_TURN, "an answer that is the developer's to give"
    ),
    "an answer to what is closed": Untrue(
        ASKS, finding_is(state="closed"), ITS_TURN, "an answer to a finding that is closed"
    ),
    "detail of a party that the plan does not name": Untrue(
        GIVES,
        plan_is(agencies={name: {"name": name} for name in ("oncd", "ostp")}),
        ITS_TURN,
        "detail of a party that the plan does not name",
    ),
    "an agency that transcribes detail": Untrue(
        GIVES, signs(transcribed=MAIL), ITS_TURN, "a transcription that the developer's staff did not make"
    ),
    "a developer that closes a finding": Untrue(
        GONE, signs(OFFICER, party="openai"), ITS_TURN, "a retest that is not its party's to make"
    ),
    "a developer that closes its own finding": Untrue(
        GONE,
        both(finding_is(party="openai"), signs(OFFICER, party="openai")),
        ITS_TURN,
        "a retest that is not its party's to make",
    ),
    "a retest of a party that the plan does not name": Untrue(
        GONE,
        both(
            finding_is(party="oncd"),
            plan_is(agencies={name: {"name": name} for name in ("oncd", "ostp")}),
        ),
        ITS_TURN,
        "a retest that is not its party's to make",
    ),
    "a finding that is closed twice": Untrue(
        GONE, finding_is(state="closed"), ITS_TURN, "a finding that is closed a second time"
    ),
    "a retest of other weights": Untrue(
        GONE, signs(tested=OTHER), ITS_TURN, "a retest of other digests than those in force"
    ),
    "a retest of nothing": Untrue(
        GONE, signs(tested=None), ITS_TURN, "a retest of other digests than those in force"
    ),
    "other details than were signed": Untrue(SEALED, opens_others, SEALS, "other details than were signed"),
    "details without a commitment": Untrue(REPORT, opens_others, SEALS, "other details than were signed"),
    "details that are sealed to a stranger": Untrue(
        SEALED, without_officer, SEALS, "details that are sealed to a key that is not pinned"
    ),
    "a grant that goes on over a report of its misuse": Untrue(
        lambda: [each for each in stored() if each.type == "grant.resumed" and was_reported(each)][-1],
        reopened,
        "is_not_suspended_by_a_report",
        "a grant that a report of a misuse suspends",
    ),
    "an opening by an officer over a finding": Untrue(
        first("stage.opened", release=FOUND_RELEASE, stage=HAND),
        is_found,
        "has_what_it_requires",
        "an opening over a finding that is open",
    ),
    "a step of a finding that is not there": Untrue(
        LATE, says(finding="finding_00"), IN_TIME, "no finding 'finding_00'"
    ),
    "a step in another release": Untrue(
        LATE, says(release="gpt-12"), IN_TIME, "a finding of another release"
    ),
    "a step before its time": Untrue(
        LATE,
        lambda record, entry: told(
            both(finding_is(since_ms=entry.at_ms))(record, entry), {"due": _a_day_after(entry)}
        ),
        IN_TIME,
        "a step that is not overdue yet",
    ),
}


def _a_day_after(entry: Entry) -> str:
    return times.format_time(entry.at_ms + DAY_MS)


@pytest.mark.parametrize("untrue", FINDINGS.values(), ids=FINDINGS)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def test_the_log_has_findings_of_each_kind_of_reporter() -> None:
    assert FOUND
    found = first(REPORTED, party="openai")().public
    assert Outsider.from_json(found["transcribed"]) == MAIL
