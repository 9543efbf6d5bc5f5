"""Themes about findings: what is said of them, what they take from a stage, and what is owed."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.findings import RecordFinding
from sluicegate.core.lifecycle.grants import ResumeGrant
from sluicegate_record.directives.received import Outsider
from sluicegate_record.statements.findings import (
    ACKNOWLEDGES,
    ASKS,
    DISPUTES,
    FIXES,
    GIVES,
    GONE,
    PERSISTS,
    REPORTS,
    RETESTS,
    SealedDetails,
)
from sluicegate_record.terms.findings import Axes
from sluicegate_record.terms.plan import ModelDigests
from tests.found import LEVELS, word
from tests.vectors.history import History, sealed
from tests.worlds import DEVELOPER, OFFICER, digest, keyid, plan_value, stage

FOUND_RELEASE, FIRST, HAND = "gpt-found", "found", "by-hand"
MISUSED_RELEASE = "gpt-misused"
TESTED = ModelDigests(digest=digest(FOUND_RELEASE), safeguards=digest("safe"))
MAIL = Outsider.from_json(
    {"reporter": "a researcher", "received": {"how": "message", "on": "2026-06-20", "note": "ticket 12"}}
)


def _reports(party: str, level: str, **said: Any) -> RecordFinding:
    about = {"release": FOUND_RELEASE, "model": FOUND_RELEASE, "tested": TESTED}
    said = {"kind": "jailbreak", "level": level, "text": f"a {level} one", **about, **said}
    return RecordFinding(word(party, REPORTS, **said))


def _says(h: History, name: str, party: str, says: str, **said: Any) -> RecordFinding:
    previous = h.state.record.findings[name].digest
    return RecordFinding(word(party, says, finding=name, previous=previous, **said))


def _found(h: History) -> None:
    """A stage that findings halt and close, of an agency, of the developer, and of someone without a key."""
    requires = {"allOf": [{"terms": "agreed"}, {"noOpenFindings": {"atLeast": "high"}, "whenLost": "halt"}]}
    value = plan_value(
        FOUND_RELEASE,
        models=(FOUND_RELEASE,),
        findings={"levels": list(LEVELS), "from": ["trade"]},
        stages=[stage(FIRST, opensWhen=requires), stage(HAND)],
    )
    h.apply(value)
    h.agree_to(FOUND_RELEASE)
    h.opens(FOUND_RELEASE, HAND)
    scores = Axes(capability_gain=7, breadth=4, weaponization=6, discoverability=3)
    first = _reports("caisi", "high", axes=scores)
    name = h.must(first, by="agency")["finding"]
    h.must(first, by="agency")
    assert h.newest("stage.lacking", release=FOUND_RELEASE, stage=FIRST)["then"] == "halt"
    early = _says(h, name, DEVELOPER, ACKNOWLEDGES)
    h.must(_says(h, name, DEVELOPER, ASKS, text="which prompts?"), by="officer")
    h.no("finding_stale", early)
    h.no("finding_reported", first)
    h.must(_says(h, name, "caisi", GIVES, text="by mail"), by="agency")
    h.must(_says(h, name, DEVELOPER, FIXES, text="a classifier", tested=TESTED), by="officer")
    h.no("not_to_retest", _says(h, name, DEVELOPER, RETESTS, outcome=GONE, tested=TESTED))
    h.must(_says(h, name, "oncd", RETESTS, outcome=PERSISTS, tested=TESTED, text="still"), by="agency")
    h.must(_says(h, name, "caisi", RETESTS, outcome=GONE, tested=TESTED), by="agency")
    assert not h.newest("stage.lacking", release=FOUND_RELEASE, stage=FIRST)["lost"]


def _suspended(h: History) -> None:
    """A critical finding of someone without a key closes the stages; it is overdue, and closed at last."""
    name = h.must(_reports(DEVELOPER, "critical", transcribed=MAIL), by="officer")["finding"]
    assert h.newest("stage.closed", release=FOUND_RELEASE, stage=HAND)["lost"]
    h.later(2)
    assert h.newest("finding.overdue", finding=name)["step"] == "acknowledge"
    h.must(_says(h, name, DEVELOPER, DISPUTES, text="it needs the weights"), by="officer")
    h.later(6)
    assert h.newest("finding.overdue", finding=name)["step"] == "fix"
    h.must(_says(h, name, "caisi", RETESTS, outcome=GONE, tested=TESTED), by="agency")
    assert h.newest("stage.opened", release=FOUND_RELEASE)["stage"] == FIRST
    h.opens(FOUND_RELEASE, HAND)
    h.must(_reports("ostp", "low"), by="agency")
    h.no("level_unknown", _reports("ostp", "terrible"))


def _sealed(h: History) -> None:
    """Details that only some can read, and a report of a misuse that suspends a grant until it is closed."""
    value = plan_value(
        MISUSED_RELEASE,
        models=(MISUSED_RELEASE,),
        findings={"misuse": {"suspendedBy": ["oncd"]}},
        stages=[stage(FIRST, opensWhen={"allOf": [{"terms": "agreed"}]})],
    )
    h.apply(value)
    h.agree_to(MISUSED_RELEASE)
    case = h.applies("org-misused", MISUSED_RELEASE, FIRST)
    h.says(case, "oncd approve", "ostp approve")
    grant = h.granted(case)
    about = {"release": MISUSED_RELEASE, "kind": "misuse", "level": "high", "grant": grant}
    opened = sealed("an opaque text")
    details = SealedDetails(
        commitment=opened.commitment("sealed", "details"), keys=tuple(sorted(map(keyid, ("oncd", OFFICER))))
    )
    report = word("oncd", REPORTS, text="it attacks others", sealed_details=details, **about)
    name = h.must(RecordFinding(report, opened), by="agency")["finding"]
    h.last("grant.suspended")
    h.no("finding_open", ResumeGrant(grant))
    h.must(_says(h, name, DEVELOPER, ASKS, text="which requests?", sealed_details=details), by="officer")
    h.must(_says(h, name, "oncd", RETESTS, outcome=GONE), by="agency")
    h.must(ResumeGrant(grant))


FOUND = (_found, _suspended)
SEALED = (_sealed,)
