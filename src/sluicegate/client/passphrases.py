"""Passphrases of key files: from SLUICEGATE_PASSPHRASE, or asked for at the terminal.

Rules:
- A passphrase is never an argument: other users of the machine see those.
- It is asked for at the terminal itself, so that what a command reads and prints can be a file.
"""

from __future__ import annotations

import os
from getpass import getpass
from pathlib import Path

from sluicegate.errors import BadKey
from sluicegate.store import keyfile
from sluicegate_record.log.publickey import SigningKey

TERMINAL = Path("/dev/tty")
VARIABLE = "SLUICEGATE_PASSPHRASE"


def stated() -> str:
    """The passphrase in the environment; empty if it is not set."""
    return os.environ.get(VARIABLE, "")


def private_key(path: Path) -> SigningKey:
    """The key in a file. If it is encrypted with another passphrase than the stated one, it is asked for.

    Raises: BadKey: as `keyfile.load_private`; or no terminal is here to ask at.
    """
    if not keyfile.is_encrypted(path):
        return keyfile.load_private(path)
    try:
        return keyfile.load_private(path, stated() or asked(f"Passphrase of {path}: "))
    except BadKey:
        if not stated() or not has_terminal():
            raise
    return keyfile.load_private(path, asked(f"Passphrase of {path}: "))


def chosen(path: Path) -> str:
    """A passphrase for a new key file: the stated one, or one that is typed twice. Raises: BadKey."""
    if stated():
        return stated()
    typed = asked(f"Passphrase for {path}: ")
    if not typed or asked("The same again: ") != typed:
        raise BadKey("no passphrase, or not the same twice", remedy="run it again")
    return typed


def asked(prompt: str) -> str:
    """What is typed at the terminal, unseen. Raises: BadKey: no terminal is here."""
    if not has_terminal():
        said = "an encrypted key, and no terminal is here to ask for its passphrase"
        raise BadKey(said, remedy=f"run it at a terminal, or set {VARIABLE}")
    return getpass(prompt)


def has_terminal() -> bool:
    """Whether someone can be asked."""
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
