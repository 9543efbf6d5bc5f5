"""`sign-in`: how people come in to the pages, over HTTP."""

from __future__ import annotations

from sluicegate.acts import sign_ins as acts
from sluicegate.acts.sign_ins import InvitationRequest, NewInvitation, SignInList, WhoseSignIns
from sluicegate.cli import wording
from sluicegate.cli.acting import acting, commanding
from sluicegate.cli.output import tell
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.pages.frame import CONTROL


def _invite(asked: InvitationRequest, _: object, as_json: bool) -> None:
    client = Client()
    made = client.do(acts.INVITE, asked)
    tell(made, as_json, _invited(client.url, made))


def _invited(url: str, made: NewInvitation) -> str:
    until = wording.minute(made.until_ms)
    link = f"{CONTROL.reached(url)}{made.path}"
    return f"{made.name} can come in ({made.role})\n  link, shown only now, counts once until {until}: {link}"


def _listed(found: SignInList) -> str:
    passkeys = [
        [each.passkey, each.name, wording.minute(each.created_ms), wording.minute(each.used_ms)]
        for each in found.passkeys
    ]
    sessions = [
        [
            each.session,
            each.how,
            each.agent[:40],
            wording.minute(each.created_ms),
            wording.minute(each.seen_ms),
        ]
        for each in found.sessions
    ]
    of = f" for {found.party}" if found.party else ""
    return "\n".join(
        [
            f"{found.name}, {found.role}{of} ({found.principal})",
            table("passkeys", ("passkey", "name", "made", "last used"), passkeys, "No passkey."),
            table("sessions", ("session", "by", "browser", "since", "last seen"), sessions, "No session."),
        ]
    )


def _list(asked: WhoseSignIns, _: object, as_json: bool) -> None:
    found = Client().do(acts.LIST, asked)
    tell(found, as_json, _listed(found))


invite = commanding(acts.INVITE, _invite, (), party="--agency")
listed = commanding(acts.LIST, _list, ())
end = acting(acts.END, lambda ended: f"{ended.over} has ended")
remove = acting(acts.REMOVE, lambda ended: f"{ended.over} is removed")
