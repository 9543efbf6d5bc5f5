"""`promise list`: what parties said they would do, by when, and what happened to it."""

from __future__ import annotations

from sluicegate.acts import promises as acts
from sluicegate.acts.promises import PromiseList, PromiseView
from sluicegate.cli import wording
from sluicegate.cli.listing import Columns, listing


def _promises(found: PromiseList) -> list[list[str]]:
    return [_row(each) for each in found.promises]


def _row(each: PromiseView) -> list[str]:
    changed = f"; changed, because: {each.changes[-1].reason}" if each.changes else ""
    said = f" ({each.said})" if each.said else ""
    about = "/".join(each.about.to_json().values())
    state = f"{wording.promise_state(each)}{said}"
    what = f"{each.text}{changed}"
    return [each.promise, wording.promiser(each), each.by, state, about, what, each.default or ""]


COLUMNS = ("promise", "party", "by", "state", "about", "what", "if not")
NONE = "No promise: sluicegate promise make TEXT --by DATE --key KEY"
listed = listing(acts.LIST, Columns(COLUMNS, _promises, NONE))
