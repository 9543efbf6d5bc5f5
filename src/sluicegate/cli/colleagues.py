"""`colleague`: the people of one's own organization, over HTTP."""

from __future__ import annotations

from sluicegate.acts import colleagues as acts
from sluicegate.acts.colleagues import ColleagueArgument, ColleagueList
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate.cli.tables import table
from sluicegate.client.http import Client


def _listed(found: ColleagueList) -> str:
    rows = [
        [
            each.principal,
            each.name,
            "administrator" if each.administrator else "",
            wording.minute(each.used_ms),
            each.state,
        ]
        for each in found.people
    ]
    return table("people", ("principal", "name", "is", "last seen", "state"), rows, "No one.")


def _ends(client: Client, asked: ColleagueArgument) -> str:
    """What ending someone's access does."""
    people = client.do(acts.LIST, acts.LIST.asked()).people
    name = next((each.name for each in people if each.principal == asked.principal), asked.principal)
    return f"every way in of {name} ends at once"


listed = acting(acts.LIST, _listed)
promote = acting(acts.PROMOTE, lambda done: f"{done.name} is an administrator")
demote = acting(acts.DEMOTE, lambda done: f"{done.name} is no administrator any more")
end = acting(acts.END, lambda done: f"the access of {done.name} has ended", first=_ends)
