"""Themes about time: silence of every meaning, clocks of whole cases, countersignatures."""

from __future__ import annotations

from sluicegate.core.lifecycle.applications import Answer, Reply, Withdraw
from sluicegate.core.lifecycle.positions import RecordPosition
from tests.vectors.history import HOUR, History
from tests.vectors.themes.plans import CLOCKS, LOGS, MAIN, PARTNERS, STAGES, clocks_plan
from tests.worlds import position, receipt, signed


def _clocks_release(h: History) -> None:
    h.apply_older(clocks_plan())
    h.agree_to(CLOCKS)
    for name in STAGES:
        h.opens(CLOCKS, name)


def _silence(h: History) -> None:
    """Everybody applies on one day, and the days go by."""
    cases = {
        name: h.applies(f"org-{name}", CLOCKS, name) for name in STAGES if name not in {"signed", "judged"}
    }
    others = {name: h.applies(f"other-{name}", CLOCKS, name) for name in ("ladder", "notified", "rising")}
    for name in ("ladder", "waits", "yields", "presumed", "refused"):
        h.must(receipt(h.state.cases[cases[name]], "oncd"))
        h.says(cases[name], "ostp approve")
    h.must(receipt(h.state.cases[others["ladder"]], "oncd"))
    h.says(cases["lapsing"], "oncd ask")
    h.says(others["notified"], "oncd object")
    h.ends(others["notified"], "denied", "objection")
    h.says(cases["notified"], "ostp ask")
    for _ in range(4):
        h.later(1)
    h.must(Answer(cases["lapsing"], "oncd", "so it is"))
    h.must(Answer(cases["notified"], "", "so it is"))
    for _ in range(6):
        h.later(1)
    h.says(others["ladder"], "oncd ask")
    h.later(2)
    h.must(Answer(others["ladder"], "oncd", "so it is"))
    for _ in range(12):
        h.later(1)
    h.ends(cases["ladder"], "denied", "silence")
    h.ends(cases["yields"], "approved")
    h.ends(cases["presumed"], "approved")
    h.ends(cases["refused"], "denied", "silence")
    h.ends(cases["notified"], "approved")
    h.ends(cases["lapsing"], "lapsed", "time_over")
    h.newest("case.silent", case=cases["waits"], meaning="wait")
    h.newest("case.escalated", case=cases["rising"], agency=None)
    h.says(others["rising"], "oncd approve", "ostp approve")
    h.ids |= {name: h.granted(cases[name]) for name in ("yields", "presumed", "notified")}
    h.ids |= {"ladder": cases["ladder"], "other ladder": others["ladder"], "waits": cases["waits"]}


def _after_silence(h: History) -> None:
    """What was denied by silence is replied to, or appealed; appeals have clocks too."""
    case = h.applies("org-late", CLOCKS, "refused")
    h.must(receipt(h.state.cases[case], "oncd"))
    h.later(9)
    h.ends(case, "denied", "silence")
    h.must(Reply(case, "but"))
    h.later(1)
    h.says(case, "oncd approve", "ostp approve")
    h.ends(case, "approved")
    appeal = h.must(h.appeal(h.ids["ladder"], "it is wrong"))["case"]
    h.must(receipt(h.state.cases[appeal], "caisi"))
    h.says(appeal, "trade approve")
    for _ in range(22):
        h.later(1)
    h.ends(appeal, "denied", "silence")
    case = h.applies("org-lapsed", CLOCKS, "lapsing")
    h.says(case, "oncd object")
    appeal = h.must(h.appeal(case, "it is wrong"))["case"]
    h.later(6)
    h.ends(appeal, "lapsed", "time_over")
    case = h.applies("org-judged", CLOCKS, "judged")
    h.says(case, "oncd object")
    appeal = h.must(h.appeal(case, "it is wrong"))["case"]
    h.must(Withdraw(appeal), by="user of org-judged")
    h.ends(appeal, "withdrawn")
    case = h.applies("other-judged", CLOCKS, "judged")
    h.says(case, "oncd object")
    h.later(2)
    h.no("too_late", h.appeal(case, "it is wrong"))


def _countersigned(h: History) -> None:
    case = h.applies("org-signed", CLOCKS, "signed")
    once = position(h.state.cases[case], "trade", signer="first")
    h.no("countersignature_missing", RecordPosition(once))
    h.must(RecordPosition(signed(once.payload, "first", "second")))
    h.ends(case, "approved")
    h.ids["signed"] = h.granted(case)


def _last(h: History) -> None:
    """What is still open when the history ends."""
    h.applies("org-30", MAIN, PARTNERS)
    case = h.applies("org-31", CLOCKS, "ladder")
    h.must(receipt(h.state.cases[case], "oncd"))
    case = h.applies("org-32", CLOCKS, "presumed")
    h.says(case, "oncd ask")
    case = h.applies("org-33", CLOCKS, "rising")
    h.asks_for(case, "oncd", logs=LOGS)
    h.asks_for(case, "ostp", logs={**LOGS, "value": 7})
    h.waits("h")
    h.later(HOUR)


CLOCKED = (_clocks_release, _silence, _after_silence, _countersigned)
OPEN = (_last,)
