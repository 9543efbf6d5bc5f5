"""The files of the log's own keys: the one that signs now, the next one, and the one before.

Rules:
- The next key is on the disk before an entry names it, and takes its place after that. A start finishes what
  was interrupted in between; after a restore from before that entry, it puts the key before back.
- While the key before is there, each head has its signature, too. No one but who operates the log removes it.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.errors import InvalidInput
from sluicegate.store import keyfile
from sluicegate_record.entities.logkey import LogKeys
from sluicegate_record.log import checkpoint

NOW, NEXT, BEFORE = "log.key", "log-next.key", "log-before.key"


def vkey(origin: str, key: Ed25519PrivateKey) -> str:
    """The verifier key of a log's key."""
    return checkpoint.vkey(origin, key.public_key().public_bytes_raw())


def current(state: Path, keys: LogKeys) -> Ed25519PrivateKey | None:
    """The key that signs a log now, from its file; None without one. It is in its place then.

    Raises: InvalidInput, BadKey: the file cannot be read.
    """
    wanted = keys.current.verifier.public
    found = of(state / NOW)
    if found is not None and found.public_key().public_bytes_raw() == wanted:
        return found
    for name, aside in ((NEXT, BEFORE), (BEFORE, NEXT)):
        waiting = of(state / name)
        if waiting is not None and waiting.public_key().public_bytes_raw() == wanted:
            if found is not None:
                (state / NOW).replace(state / aside)
            (state / name).replace(state / NOW)
            keyfile.sync_folder(state)
            return waiting
    return None


def before(state: Path, keys: LogKeys) -> Ed25519PrivateKey | None:
    """The key that a log had before, if its file is still there. A file with any other key is left alone."""
    found = of(state / BEFORE)
    if found is None or len(keys.keys) < 2:
        return None
    return found if found.public_key().public_bytes_raw() == keys.keys[-2].verifier.public else None


def successor(state: Path) -> Ed25519PrivateKey:
    """The next key of a log: made, and on the disk."""
    found = of(state / NEXT)
    if found is None:
        found = Ed25519PrivateKey.generate()
        keyfile.save_private(state / NEXT, found)
    return found


def missing(state: Path) -> InvalidInput:
    """The error for a log whose key is not there."""
    return InvalidInput(
        f"the log's signing key {state / NOW} is missing",
        remedy="restore it from a backup; if it is lost, two officers replace it: "
        "'sluicegate keys rotate-log --lost -o FILE'",
    )


def of(path: Path) -> Ed25519PrivateKey | None:
    """The key in a file; None without the file. Raises: InvalidInput, BadKey: it cannot be read."""
    return keyfile.load_ed25519(path) if path.exists() else None
