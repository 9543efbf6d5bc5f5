"""The file that says whose safety webhooks come in: one table of TOML for each party."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import Any

from sluicegate.cli import settings_files
from sluicegate.core.lifecycle.notices import SECRET_PREFIX
from sluicegate.errors import InvalidInput
from sluicegate.settings import SafetySource

SECRET_BYTES_LEAST = 16
_FIELDS = {"secret_file", "key_file", "level", "seal_to"}
_PARTY = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}", re.ASCII)


def read(path: Path | None) -> tuple[SafetySource, ...]:
    """The sources in a file. Names of files in it are beside it. Raises: InvalidInput."""
    if path is None:
        return ()
    found = settings_files.tables(path, "safety webhooks")
    return tuple(_source(path, party, given) for party, given in found.items())


def _source(path: Path, party: str, given: Any) -> SafetySource:
    if not _PARTY.fullmatch(party) or not isinstance(given, dict) or given.keys() != _FIELDS:
        raise InvalidInput(f"{path}: for each party a table with {', '.join(sorted(_FIELDS))} expected")
    names, parties = (given["secret_file"], given["key_file"], given["level"]), given["seal_to"]
    texts = [*names, *parties] if isinstance(parties, list) else [None]
    if not parties or not all(isinstance(each, str) and each for each in texts):
        raise InvalidInput(f"{path}: texts expected in [{party}], and in seal_to at least one party")
    secret_file, key_file, level = names
    secret = _secret(path.parent / secret_file)
    return SafetySource(party, secret, path.parent / key_file, level, tuple(parties))


def _secret(path: Path) -> bytes:
    """The secret of a provider's webhooks, as it shows it: `whsec_` and base64. Raises: InvalidInput."""
    text = settings_files.secret(path, "safety webhooks")
    try:
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if not text.startswith(SECRET_PREFIX) or len(secret) < SECRET_BYTES_LEAST:
        raise InvalidInput(f"{path}: a secret expected as the provider shows it, {SECRET_PREFIX}…")
    return secret
