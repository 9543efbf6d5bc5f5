"""`licence …`: exceptions from directives for those who are covered."""

from __future__ import annotations

from sluicegate.acts import licences as acts
from sluicegate.acts.licences import LicenceCase, LicenceList, LicenceReceipt, LicenceView
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate.cli.listing import Columns, listing


def _asked(found: LicenceCase) -> str:
    whose = f" for {found.member}" if found.member else ""
    return (
        f"case {found.case} asks for a licence under {found.directive}{whose}\n"
        f"  follow it: sluicegate case show {found.case}"
    )


def _ended(found: LicenceReceipt) -> str:
    return f"licence {found.licence} under {found.directive}: {found.state}"


def _licences(found: LicenceList) -> list[list[str]]:
    return list(map(_row, found.licences))


def _row(each: LicenceView) -> list[str]:
    rate = "" if each.requests_per_minute is None else str(each.requests_per_minute)
    until, whose = wording.minute(each.valid_until_ms), each.member or each.grant
    return [each.licence, each.directive, whose, each.state, until, rate, each.case]


request = acting(acts.REQUEST, _asked)
COLUMNS = ("licence", "directive", "for", "state", "until", "requests/min", "case")
listed = listing(acts.LIST, Columns(COLUMNS, _licences, "No licence."))
end = acting(
    acts.END,
    _ended,
    first=lambda _, asked: f"licence {asked.licence} ends at once: its directive covers who has it again",
)
