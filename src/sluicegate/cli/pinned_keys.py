"""`keys list`, `keys effects`, `keys import`: the signing keys on the record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import keys as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.keys import (
    KeyArgument,
    KeyEffects,
    KeyFilter,
    KeyReceipt,
    KeyView,
    LogKeyView,
    SigningKeys,
)
from sluicegate.cli import wording
from sluicegate.cli.acting import helped
from sluicegate.cli.files import read_json
from sluicegate.cli.listing import Columns, listing
from sluicegate.cli.options import word
from sluicegate.cli.output import Json, tell
from sluicegate.client.http import Client
from sluicegate.errors import WrongUsage
from sluicegate_record.terms.text import counted

Which = Annotated[str, word("The id of a key, or its first digits.")]
Since = Annotated[
    int, typer.Option("--since", min=0, help="The log size from which on it may have been stolen.")
]

COLUMNS = ("party", "owner", "key", "state", "since entry", "signed by", "last use")


def _keys(found: SigningKeys) -> list[list[str | int]]:
    of_log: list[list[str | int]] = [
        ["the log", "", each.vkey, _of_log(each), each.seq, _by(each), ""] for each in found.log_keys
    ]
    return of_log + [
        [
            each.party,
            each.owner,
            each.keyid,
            _state(each),
            each.seq,
            ", ".join(each.by) or "configuration",
            wording.minute(each.used_ms) or "never",
        ]
        for each in found.keys
    ]


def _by(key: LogKeyView) -> str:
    return ", ".join(key.by) or ("the key before" if key.seq else "configuration")


def _of_log(key: LogKeyView) -> str:
    return "signs heads" if key.ended_seq is None else f"replaced in entry {key.ended_seq}"


def _state(key: KeyView) -> str:
    if key.since is not None:
        return f"revoked, compromised since size {key.since}"
    return key.state


listed = listing(acts.LIST, Columns(COLUMNS, _keys, "No key on the record."))


def effects_said(found: KeyEffects) -> Iterator[str]:
    """What a key signed since a size, and what would stop."""
    yield f"{found.owner} signed {counted(found.count, 'entry', 'entries')} since size {found.since}"
    for each in found.signed:
        yield f"  entry {each.seq}: {each.type} of {each.about}, {wording.minute(each.at_ms)}"
    if found.grants:
        yield f"  {counted(len(found.grants), 'grant')} suspended: {', '.join(found.grants)}"
    if found.terms:
        yield f"  terms that must be agreed again: {', '.join(found.terms)}"
    if found.pinned:
        yield f"  keys that end with it, unless they sign the revocation: {', '.join(found.pinned)}"
    yield "  what it narrowed stays; look at each stage that it opened, and each order that it helped to lift"


@helped(acts.EFFECTS)
def effects(keyid: Which, since: Since = 0, as_json: Json = False) -> None:
    client = Client()
    asked = KeyArgument(keyid=one(client.do(acts.LIST, KeyFilter()), keyid).keyid, since=since)
    found = client.do(acts.EFFECTS, asked)
    tell(found, as_json, "\n".join(effects_said(found)))


def one(known: SigningKeys, begins: str) -> KeyView:
    """The one key whose id begins so. Raises: WrongUsage."""
    found = [each for each in known.keys if each.keyid.startswith(begins.lower())]
    if len(found) != 1:
        said = f"{len(found)} keys have an id that begins with {begins[:64]!r}, expected one"
        raise WrongUsage(said, remedy="'sluicegate keys list' shows the ids")
    return found[0]


@helped(acts.RECORD)
def import_(file: Annotated[Path, word("What was signed.")], as_json: Json = False) -> None:
    recorded(read_json(file), as_json)


def recorded(envelope: object, as_json: bool) -> None:
    """Put a signed statement on the record, and say what follows."""
    done = Client().do(acts.RECORD, SignedStatement(envelope=envelope))
    tell(done, as_json, "\n".join(_recorded(done)))


def _recorded(done: KeyReceipt) -> Iterator[str]:
    yield f"the key {done.keyid[:12]} of {done.owner} ({done.party}) {_now(done)}"
    if done.grants:
        yield f"  suspended until another case carries them: {', '.join(done.grants)}"
    if done.ended:
        yield f"  keys that ended with it: {', '.join(done.ended)}"
    if done.state == "counts":
        yield "  leave the first key in trust files: gateways follow from it to this one"


def _now(done: KeyReceipt) -> str:
    if done.state == "counts":
        return "signs from now on"
    since = "" if done.since is None else f", compromised since size {done.since}"
    return f"is {done.state}{since}"
