"""`keys generate`, `keys show`: key files, made and read on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.cli.options import word
from sluicegate.cli.output import Json, emit
from sluicegate.client import passphrases, signing
from sluicegate.store import keyfile
from sluicegate_record.log import canonical, publickey


def generate(
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write it.", show_default=False)],
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Ask at the terminal for a passphrase.")] = False,
    as_json: Json = False,
) -> None:
    """Make an Ed25519 key pair. OUTPUT.pub is the public key.

    The private key is encrypted with --encrypt, or if SLUICEGATE_PASSPHRASE is set.
    """
    key = Ed25519PrivateKey.generate()
    keyfile.save_private(output, key, passphrases.chosen(output) if encrypt else passphrases.stated())
    public = publickey.of(key)
    public_path = output.with_name(output.name + ".pub")
    public_path.write_text(canonical.b64(public) + "\n")
    answer = {"key": str(output), "public": canonical.b64(public), "keyid": publickey.keyid(public)}
    lines = [
        f"private key in {output}, keep it; public key {answer['public']} in {public_path}",
        f"  for a party that has a key: sluicegate keys pin OWNER --party PARTY --new {output} --key KEY",
        "  for a party that has none: the developer's staff put the public key into the trust file",
    ]
    emit(answer, as_json, "\n".join(lines))


def show(file: Annotated[Path, word("A private key.")], as_json: Json = False) -> None:
    """Show the public key of a private key."""
    public = publickey.of(signing.private_key(file))
    answer = {"public": canonical.b64(public), "keyid": publickey.keyid(public)}
    emit(answer, as_json, f"{answer['public']}\nkeyid {answer['keyid']}")
