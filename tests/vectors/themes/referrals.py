"""Themes about remits: a case is referred, declined, objected to for another concern; and who was heard."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.referrals import Refer
from sluicegate_record.statements.cases import Referral
from tests.vectors.history import History
from tests.vectors.themes.plans import AGREED
from tests.worlds import API, plan_value, position, signed, stage

GATED = "gpt-10"
AGENCIES: dict[str, Any] = {
    "oncd": {"name": "ONCD", "concerns": ["cyber"]},
    "ostp": {"name": "OSTP", "concerns": ["cyber", "export"]},
    "caisi": {"name": "CAISI", "concerns": ["cyber"]},
    "trade": {"name": "Trade", "concerns": ["export"]},
}
REFERRALS = {"from": ["oncd", "caisi"], "to": ["caisi", "trade"], "binding": True, "within": 5}


def _gated(h: History) -> None:
    """A stage for one concern, which an agency agrees to open."""
    opens = {"allOf": [{"terms": "agreed"}, {"agreedBy": {"allOf": ["oncd"]}}]}
    admission = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}}
    only = stage("gated", basis=AGREED, concern="cyber", opensWhen=opens, admission=admission)
    value = plan_value(GATED, models=(GATED,), agencies=AGENCIES, stages=[only], surfaces=[API])
    value["spec"]["referrals"] = REFERRALS
    h.apply(value)
    h.agree_to(GATED)
    case = h.opens(GATED, "gated")["case"]
    _refers(h, case, "oncd", "caisi")
    h.says(case, "oncd approve")
    h.says(case, "caisi decline", reason="")
    heard = h.newest("stage.opened", release=GATED)["heard"]
    assert heard["referred"] == [{"by": "oncd", "to": "caisi"}]
    assert heard["declined"] == ["caisi"]


def _refers(h: History, case: str, agency: str, to: str) -> None:
    """An agency has another one asked."""
    said = Referral(question=h.state.cases[case].question, agency=agency, to=to, reason="it knows more")
    h.must(Refer(signed(said.payload(), agency)), by=f"reviewer of {agency}")


def _referred(h: History) -> None:
    """Referred to an agency that is silent and joins those who decide; an objection that does not count."""
    case = h.applies("org-80", GATED, "gated")
    no = Referral(question=h.state.cases[case].question, agency="ostp", to="trade", reason="why")
    h.no("not_to_refer", Refer(signed(no.payload(), "ostp")))
    _refers(h, case, "oncd", "trade")
    h.no("concern_missing", RecordPosition(position(h.state.cases[case], "ostp", "object")))
    h.says(case, "ostp object", concern="export")
    assert h.newest("position.recorded")["outside"]
    h.says(case, "oncd approve", "ostp approve")
    h.last("position.recorded")
    h.later(7)
    assert h.newest("case.silent", case=case)["meaning"] == "no-objection"
    h.ids["org-80"] = h.granted(case)


REFERRED = (_gated, _referred)
