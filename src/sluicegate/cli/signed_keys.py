"""`keys pin`, `keys rotate`, `keys retire`, `keys revoke`: what a party signs about its own keys.

Rules:
- Without `-o` what is signed goes on the record at once. With it, others sign the file first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import keys as acts
from sluicegate.acts.keys import KeyArgument, KeyFilter, KeyView, SigningKeys
from sluicegate.cli.confirmation import Signed, confirm, read_first
from sluicegate.cli.files import write_json
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, emit
from sluicegate.cli.pinned_keys import Since, Which, effects_said, one, recorded
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput
from sluicegate.statements.keys import current_key, ending, pinning
from sluicegate_record.log import publickey
from sluicegate_record.log.publickey import PublicKey, SigningKey
from sluicegate_record.statements.keys import RETIRES, REVOKES

New = Annotated[Path, value("--new", "The new private key.")]
Key = Annotated[Path, value("--key", "A private key of the same party.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write it for others to sign; nothing is recorded.")
]
Reason = Annotated[str, value("--reason", "Why. It is public.")]


def pin(
    owner: Annotated[str, word("Who holds the new key.")],
    party: Annotated[str, value("--party", "The party that it signs for.")],
    new: New,
    key: Annotated[
        list[Path] | None, value("--key", "A private key of the party; again for a second owner.")
    ] = None,
    output: Output = None,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign that a further owner signs for a party: by two of its owners, if it has ever had two.

    The new key signs, and then an owner who signs for the party already: on the same machine with --key, or
    on another one. For that, write the file with -o, hand it over for 'sluicegate keys countersign', and put
    it on the record by 'sluicegate keys import'.
    """
    known = Client().do(acts.LIST, KeyFilter())
    fresh, others = signing.private_key(new), [signing.private_key(path) for path in key or ()]
    said = PublicKey(publickey.of(fresh))
    read_first(f"{owner} signs for {party} with the key {said.keyid}", yes, as_json)
    made = pinning(known.log, party, owner, said, current_key(known, owner))
    _done(signing.for_record(made, fresh, *others), output, as_json)


def rotate(
    key: Annotated[Path, value("--key", "The private key that ends.")],
    new: New,
    output: Output = None,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign that a new key takes the place of your key. What the old one signed stays valid."""
    known, old, fresh = (
        Client().do(acts.LIST, KeyFilter()),
        signing.private_key(key),
        signing.private_key(new),
    )
    own = _own(known, old)
    said = PublicKey(publickey.of(fresh))
    shown = f"{own.owner} of {own.party} signs with the key {said.keyid}, and no more with {own.keyid}"
    read_first(shown, yes, as_json)
    made = pinning(known.log, own.party, own.owner, said, own.keyid)
    _done(signing.for_record(made, fresh, old), output, as_json)


def retire(
    keyid: Which, key: Key, reason: Reason, output: Output = None, yes: Signed = False, as_json: Json = False
) -> None:
    """Sign that a key of your party signs nothing more. What it signed stays valid."""
    known = Client().do(acts.LIST, KeyFilter())
    found, private = one(known, keyid), signing.private_key(key)
    _own(known, private)
    read_first(f"{found.owner} of {found.party} signs no more with {found.keyid}: {reason}", yes, as_json)
    _done(signing.for_record(ending(known.log, found, RETIRES, reason), private), output, as_json)


def revoke(
    keyid: Which,
    key: Key,
    reason: Reason,
    since: Since,
    output: Output = None,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign that a key of your party was compromised: what it signed since then admits no one any more.

    It shows what the key signed since then, and what stops. What the key narrowed stays.
    """
    client = Client()
    known = client.do(acts.LIST, KeyFilter())
    found, private = one(known, keyid), signing.private_key(key)
    _own(known, private)
    lost = client.do(acts.EFFECTS, KeyArgument(keyid=found.keyid, since=since))
    if not as_json:
        typer.echo("\n".join(effects_said(lost)))
    confirm(f"the key {found.keyid[:12]} of {found.owner} is revoked for ever", yes)
    _done(signing.for_record(ending(known.log, found, REVOKES, reason, since), private), output, as_json)


def _own(known: SigningKeys, private: SigningKey) -> KeyView:
    """The key on the record that a private key is of, and that counts. Raises: InvalidInput."""
    keyid = publickey.keyid(publickey.of(private))
    for each in known.keys:
        if each.keyid == keyid and each.state == "counts":
            return each
    said = f"the key {keyid[:12]}… does not count on this record"
    raise InvalidInput(said, remedy="'sluicegate keys list' shows the keys that do")


def _done(envelope: dict[str, Any], output: Path | None, as_json: bool) -> None:
    if output is None:
        recorded(envelope, as_json)
        return
    write_json(output, envelope)
    text = f"signed; written to {output}\n  another owner: sluicegate keys countersign {output} --key … -o …"
    emit({"file": str(output)}, as_json, f"{text}\n  put it on the record: sluicegate keys import {output}")
