"""Honest logs that a liar changes: small, and each widening in them is carried by signatures alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.directives.cover import Resolution
from sluicegate.core.lifecycle.directives import LIFTED
from sluicegate.core.lifecycle.drills import EndDrill, ReportDrill
from sluicegate.core.lifecycle.grants import (
    ChooseFallback,
    OpenRemoval,
    ProveGrant,
    ResumeGrant,
    SurrenderGrant,
    SuspendGrant,
)
from sluicegate.core.lifecycle.keys import StartLog
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.terms.trust import Floor, Releases
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.directives import DrillReport
from sluicegate_record.terms.rule import Rule
from tests.forging import told
from tests.vectors.history import History, committed, describes, sealed
from tests.worlds import (
    API,
    CODEX,
    DEVELOPER,
    LOG,
    MODEL,
    OFFICER,
    PINS,
    RELEASE,
    STAGE,
    pin,
    plan_value,
    position,
    proceeding,
    screened,
    signed,
    stage,
    start,
)

MINI, QUIET, OPENED = "gpt-5.6-mini", "gpt-6", "first"
BOTH = {"allOf": ["oncd", "ostp"]}
OWNERS = [*PINS, pin("first", "bis"), pin("second", "bis")]
ADMISSION = {"mode": "approve", "grant": BOTH, "remove": {"allOf": ["oncd"]}}
ONE = {**ADMISSION, "grant": {"allOf": ["ostp"]}}
MODELS = (MODEL, MINI)


def _begun() -> History:
    made = History()
    command: StartLog = start(pins=OWNERS)
    made.must(command)
    return made


def _plan(**partners: Any) -> dict[str, Any]:
    """A plan of two models and one stage."""
    return plan_value(RELEASE, models=MODELS, stages=[stage(**{"admission": ADMISSION, **partners})])


def _opened(h: History, release: str = RELEASE, name: str = STAGE) -> None:
    h.agree_to(release)
    h.opens(release, name)


def _keyed(h: History, organization: str, surface: str = API) -> str:
    """An organization with a grant that both agencies approved, and a key."""
    grant = h.admits(organization, RELEASE, STAGE, surface=surface)
    h.issues(grant, f"key of {organization} {surface}")
    return grant


def _admissions(h: History) -> None:
    """Grants approved, on conditions, on appeal, by a schedule; keys; how both end."""
    h.apply(_plan())
    _opened(h)
    one = _keyed(h, "org-1")
    _keyed(h, "org-1", CODEX)
    case = h.applies("org-2", RELEASE, STAGE)
    h.asks_for(case, "oncd", requestsPerMinute=5, validFor="P20D", logs={"value": 30, "declared": True})
    h.says(case, "ostp approve")
    h.issues(h.granted(case), "key of org-2")
    denied = h.applies("org-3", RELEASE, STAGE)
    h.says(denied, "oncd approve", "ostp object")
    appeal = h.must(h.appeal(denied, "it is wrong"))["case"]
    h.says(appeal, "caisi approve")
    h.issues(h.granted(appeal), "key of org-3")
    cases = [h.applies(name, RELEASE, STAGE) for name in ("org-4", "org-5")]
    h.schedules("oncd", "approve", *cases)
    h.says(cases[0], "ostp approve")
    h.says(cases[1], "ostp object")
    four = h.granted(cases[0])
    h.issues(four, "key of org-4")
    h.revoke(h.ids["key of org-4"])
    h.issues(four, "second key of org-4")
    h.must(ProveGrant(one, "gateway-1"), by="gateway-1")
    h.must(ChooseFallback(one, fallback=True))
    h.must(SuspendGrant(four, "misuse"))
    h.must(ResumeGrant(four))
    h.must(SurrenderGrant(four), by="user of org-4")
    _keyed(h, "org-6")


def _changes(h: History) -> None:
    """Grants renewed, changed, changed on appeal, removed, reinstated on appeal, and removed again."""
    h.apply(_plan())
    _opened(h)
    one, two = _keyed(h, "org-1"), _keyed(h, "org-2")
    _keyed(h, "org-3")
    h.later(10)
    h.amends(one, "oncd approve", "ostp approve")
    another = {"organization": {"name": "Renamed", "registeredIn": "GB"}}
    more = {"dossier": another, "described": describes("org-2", "GB")}
    case = h.amends(two, "oncd approve", renew=False, **more)
    h.asks_for(case, "ostp", requestsPerMinute=30)
    case = h.amends(two, "oncd object")
    h.says(h.must(h.appeal(case, "it is wrong"))["case"], "caisi approve")
    removal = h.must(OpenRemoval(one, "misuse", "why"))["case"]
    h.says(removal, "oncd approve")
    h.later(11)
    h.says(h.must(h.appeal(removal, "it is wrong"))["case"], "caisi approve", "ostp approve")
    removal = h.must(OpenRemoval(one, "misuse", "again"))["case"]
    h.says(removal, "oncd approve")
    h.later(11)
    _keyed(h, "org-4")


def _plans(h: History) -> None:
    """Plans made tighter, made other, and brought back; a stage that agencies agree to open."""
    h.apply(_plan())
    _opened(h)
    _keyed(h, "org-1")
    under_way = h.applies("org-2", RELEASE, STAGE)
    h.says(under_way, "oncd approve")
    tighter = {"requestsPerMinute": 60, "validFor": "P20D"}
    h.apply(_plan(conditions=tighter))
    h.says(under_way, "ostp approve")
    h.issues(h.granted(under_way), "key of org-2")
    ended = h.applies("org-3", RELEASE, STAGE)
    h.says(ended, "oncd approve")
    h.apply(_plan(conditions={"requestsPerMinute": 6}, admission=ONE))
    _opened(h)
    h.issues(h.admits("org-4", RELEASE, STAGE, "ostp approve"), "key of org-4")
    opens = {"allOf": [{"terms": "agreed"}, {"agreedBy": {"majorityOf": ["caisi", "ostp"]}}]}
    quiet = stage(OPENED, opensWhen=opens, admission={"mode": "approve", "grant": {"allOf": ["oncd"]}})
    h.apply(plan_value(QUIET, models=(QUIET,), announced=False, stages=[quiet], leaseMs=2_000))
    h.agree_to(QUIET)
    case = h.opens(QUIET, OPENED)["case"]
    h.says(case, "caisi approve", "ostp approve")
    h.issues(h.admits("org-1", QUIET, OPENED, "oncd approve"), "key of org-1 quiet")
    h.apply(_plan(conditions=tighter))


def _directives(h: History) -> None:
    """Directives over everyone and some, lifted in part, replaced, transcribed, confirmed, expired."""
    h.apply(_plan())
    _opened(h)
    for name in ("org-1", "org-2", "org-3"):
        _keyed(h, name)
    h.must(h.order("everyone", models=[MINI]))
    h.says(h.lifting("everyone"), "oncd approve")
    h.must(h.order("again", models=[MINI], issuer="ostp", liftedBy={"allOf": ["ostp"]}))
    h.must(h.order("wide", models=[MODEL, MINI], surfaces=[CODEX], liftedBy=BOTH))
    h.says(h.lifting("wide", models=[MINI]), "oncd approve", "ostp approve")
    h.must(h.order("first", models=[MINI], surfaces=[CODEX], liftedBy=BOTH))
    h.must(h.order("stricter", models=[MODEL, MINI], surfaces=[CODEX], replaces="first", liftedBy=BOTH))
    loose: dict[str, Any] = {"models": [MINI], "surfaces": [CODEX], "liftedBy": BOTH}
    h.must(h.order("looser", "oncd", "ostp", replaces="stricter", **loose))
    names = ["Example org-1", "Example org-2"]
    h.must(
        h.order(
            "named",
            covers={"organizations": committed(names, "covers.organizations")},
            opened={"covers.organizations": sealed(names)},
            named={"covers": Resolution(["org-1", "org-2"])},
        )
    )
    out = ["Example org-1"]
    part = h.lifting("named", sealed(out), Resolution(["org-1"]), organizations=committed(out, LIFTED))
    h.says(part, "oncd approve")
    h.must(h.transcribes("letter", models=[MINI], surfaces=[API]))
    h.must(h.letter(h.lifting("letter"), "bis"))
    h.must(h.transcribes("second-letter", models=[MINI], surfaces=[API]))
    h.confirms("second-letter", "first")
    limits = {"requestsPerMinute": 10}
    h.must(h.order("restricts", action="restrict", conditions=limits, expires=h.until(5)))
    _drill(h)
    h.later(6)
    h.must(h.order("later", models=[MODEL], effective=h.until(3), surfaces=[CODEX]))
    h.later(1)


def _drill(h: History) -> None:
    h.must(h.order("drill", metadata={"drill": True}))
    h.must(EndDrill("drill"), by="officer")
    report = {"log": LOG, "drill": "drill", "timeToZeroMs": 1_000, "gateways": []}
    bound = {"drill": canonical.digest(report).removeprefix("sha256:")}
    h.must(ReportDrill("drill", signed(dsse.statement(bound, DrillReport.TYPE, report), "log")))


def _dated(h: History) -> None:
    """The basis of one stage lapses, and an officer admits alone; that of the other stays, by a review."""
    basis = {"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"}
    review = {"review": {"by": ["oncd", "ostp"], "then": "lapse"}}
    until = h.until(20)[:10]
    stages = [
        stage(admission=ADMISSION, basis={**basis, "until": until, "afterUntil": "lapse"}),
        stage("reviewed", admission=ADMISSION, basis={**basis, "until": until, "afterUntil": review}),
    ]
    h.apply(plan_value(RELEASE, models=MODELS, stages=stages))
    for name in (STAGE, "reviewed"):
        h.agree_to(RELEASE)
        h.opens(RELEASE, name)
    waits, asks = h.applies("org-1", RELEASE, STAGE), h.applies("org-2", RELEASE, "reviewed")
    h.says(waits, "oncd approve")
    h.later(8)
    h.says(h.newest("case.opened", kind="review")["case"], "oncd approve", "ostp approve")
    h.later(14)
    h.must(proceeding(h.state.cases[waits], OFFICER), by="officer")
    h.issues(h.granted(waits), "key of org-1")
    h.says(asks, "oncd approve", "ostp approve")
    h.issues(h.granted(asks), "key of org-2")


def _attempts(h: History) -> None:
    """What the log says though too few have signed it: a gateway has refused all of it so far."""
    h.apply(_plan())
    _opened(h)
    one = _keyed(h, "org-1")
    denied, waiting = h.applies("org-2", RELEASE, STAGE), h.applies("org-3", RELEASE, STAGE)
    h.says(denied, "oncd approve", "ostp object")
    h.says(waiting, "oncd approve")
    for case, name in ((denied, "org-2"), (waiting, "org-3")):
        _grants(h, case, name)
    late = h.applies("org-4", RELEASE, STAGE)
    before = _knowing(h, late, "oncd")
    h.must(screened(h.case(late)))
    h.must(RecordPosition(before))
    h.must(RecordPosition(_knowing(h, late, "ostp")))
    _grants(h, late, "org-4")
    unheard = h.applies("org-5", RELEASE, STAGE)
    before = _knowing(h, unheard, "oncd")
    limited = {"conditions": {"requestsPerMinute": 2}, "said": h.case(unheard).discussed()}
    h.must(RecordPosition(position(h.case(unheard), "ostp", "approve-with-conditions", **limited)))
    h.must(RecordPosition(before))
    _grants(h, unheard, "org-5")
    h.must(h.order("order", models=[MINI], liftedBy=BOTH))
    lift = h.lifting("order")
    h.says(lift, "oncd approve", "ostp object")
    _decides(h, lift)
    h.write("directive.lifted", {"directive": "order", "case": lift})
    renewal = h.amends(one, "oncd approve")
    _decides(h, renewal)
    conditions = h.newest("grant.approved", grant=one)["conditions"]
    renewed = {"grant": one, "case": renewal, "conditions": conditions, "validUntil": h.until(30)}
    question = h.newest("case.opened", case=renewal)["question"]
    h.write("grant.amended", {**renewed, "terms": question["terms"], "party": question["party"]})


def _knowing(h: History, case: str, agency: str) -> Envelope:
    """An approval that tells what has been said in its case now."""
    found = h.case(case)
    return position(found, agency, said=found.discussed())


def _kept_back(h: History) -> None:
    """Old terms come back, and nobody agrees to them again. A case that ended with them is decided: that it
    ended is kept back.
    """
    h.apply(_plan(seats=1))
    _opened(h)
    _keyed(h, "org-1")
    waiting = h.applies("org-2", RELEASE, STAGE)
    h.says(waiting, "oncd approve", "ostp approve")
    h.apply(_plan(seats=1, conditions={"requestsPerMinute": 6, "validFor": "P9D"}, admission=ONE))
    h.agree_to(RELEASE)
    h.apply(_plan(seats=1))
    _grants(h, waiting, "org-2")


def _grants(h: History, case: str, organization: str) -> None:
    """The log says that a case has given a grant, whatever was signed in it."""
    _decides(h, case)
    party = h.newest("case.opened", case=case)["question"]["party"]
    grant = {"grant": f"grant_{organization}", "case": case, "party": party, "validFrom": h.until(0)}
    h.write("grant.approved", {**h.newest("grant.approved"), **grant}, organization=organization)


def _decides(h: History, case: str) -> None:
    """The log says that a case is approved, whatever was signed in it."""
    h.write("case.determined", {"case": case, "outcome": "approved"})


HISTORIES: dict[str, Callable[[History], None]] = {
    "attempts": _attempts,
    "kept back": _kept_back,
    "admissions": _admissions,
    "changes": _changes,
    "plans": _plans,
    "directives": _directives,
    "dated": _dated,
}


REFUSED = {
    "attempts": {"directive.lifted": 1, "grant.amended": 1, "grant.approved": 4},
    "kept back": {"grant.approved": 1},
}
"""How many entries of each type a gateway refuses as they are."""


@cache
def honest(name: str) -> list[Entry]:
    """The entries of an honest log; or of one in which a gateway has refused what the log tried."""
    made = _begun()
    HISTORIES[name](made)
    kept = [entry for entry in made.entries if name != "kept back" or not _is_superseded(entry)]
    return [told(entry, {}, seq=seq) if entry.seq != seq else entry for seq, entry in enumerate(kept)]


def _is_superseded(entry: Entry) -> bool:
    return entry.public.get("outcome") == "superseded"


def trusting() -> VouchedTable:
    """The table of a gateway that trusts the parties' keys, and no other; its floor is met by one agency, or
    by an officer where a basis has lapsed.
    """
    upstreams = dict.fromkeys((*MODELS, QUIET), "demo")
    floor = Floor(Rule("anyOf", ("caisi", "oncd", "ostp", DEVELOPER)), upstreams)
    return VouchedTable(Releases(DEVELOPER, LOG, OWNERS, {RELEASE: floor, QUIET: floor}))
