"""The secrets file of a gateway: its keys at the model servers, and those that grants have to themselves.

Rules:
- Pure: a text in, keys out. An error names a place of the file, and quotes names alone.
- A key is for one server: a name that is not an upstream's is an error, not ignored.
- Two grants may share a key only if they belong to one organization. Only the operator knows that. A key
  that is also the shared one would separate no one, and is refused.

The file is TOML:

    [demo]
    key = "…"                 # for all that have none of their own; may be left out
    [demo.grants]
    grant_x = "…"             # the grant's own account there
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sluicegate.errors import InvalidInput
from sluicegate.settings import UpstreamTarget

TEXT_MAX = 1024 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,4096}")


def read(text: str, targets: Mapping[str, UpstreamTarget]) -> dict[str, UpstreamTarget]:
    """The targets with the keys of a secrets file.

    Raises: InvalidInput: not TOML, an unknown upstream or field, or what is no key.
    """
    if len(text) > TEXT_MAX:
        raise InvalidInput(f"a secrets file of {len(text):,} characters, expected at most {TEXT_MAX:,}")
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at [^)]*\)$", str(error))
        raise InvalidInput(f"the secrets file is not toml {place[0] if place else ''}".strip()) from None
    found = dict(targets)
    for name, account in value.items():
        if name not in targets:
            known = ", ".join(sorted(targets))
            raise InvalidInput(f"the secrets file names the upstream {name!r}, expected one of {known}")
        found[name] = _keyed(name, account, targets[name])
    return found


def _keyed(name: str, account: Any, target: UpstreamTarget) -> UpstreamTarget:
    if not isinstance(account, dict) or not account.keys() <= {"key", "grants"}:
        raise InvalidInput(f"[{name}] of the secrets file, expected 'key', 'grants' or both")
    grants = account.get("grants", {})
    if not isinstance(grants, dict):
        raise InvalidInput(f"[{name}] has 'grants' that is no table, expected [{name}.grants]")
    keys = {grant: _key(f"{name}.grants.{grant}", key) for grant, key in grants.items()}
    shared = _key(f"{name}.key", account["key"]) if "key" in account else target.api_key
    same = next((grant for grant, key in keys.items() if key == shared), None)
    if same is not None:
        raise InvalidInput(
            f"{name}.grants.{same} is the key that all share, expected one of an account of its own"
        )
    return replace(target, api_key=shared, keys=keys)


def _key(where: str, key: Any) -> str:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidInput(f"{where} is no key, expected 1 to 4,096 printable characters without spaces")
    return key
