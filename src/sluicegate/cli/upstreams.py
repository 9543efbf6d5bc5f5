"""Where models are served, and the keys to send there: `--upstream` and `--upstream-keys`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from sluicegate.cli.options import value
from sluicegate.errors import InvalidInput
from sluicegate.gate import accounts
from sluicegate.settings import UpstreamTarget

Upstreams = Annotated[
    list[str],
    value(
        "--upstream",
        "NAME=URL, again for each. SLUICEGATE_UPSTREAM_KEY_<NAME> holds its key, if it needs one.",
    ),
]
UpstreamKeys = Annotated[
    Path | None,
    value(
        "--upstream-keys", "A secrets file (TOML): the keys of upstreams, and of accounts of single grants."
    ),
]


def read(
    given: list[str], secrets: Path | None = None, ca_file: Path | None = None
) -> dict[str, UpstreamTarget]:
    """The upstreams that are given, with their keys. Raises: InvalidInput."""
    targets: dict[str, UpstreamTarget] = {}
    for item in given:
        name, _, url = item.partition("=")
        if not name or not url.startswith(("http://", "https://")):
            raise InvalidInput(
                f"the upstream {item!r}, expected NAME=URL, such as demo=http://127.0.0.1:8800"
            )
        variable = "SLUICEGATE_UPSTREAM_KEY_" + name.upper().replace("-", "_").replace(".", "_")
        targets[name] = UpstreamTarget(url, os.environ.get(variable, ""), ca_file)
    return targets if secrets is None else accounts.read(_secret_text(secrets), targets)


def _secret_text(path: Path) -> str:
    """A secrets file. Raises: InvalidInput: it cannot be read, or others can read it."""
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the secrets file {path} cannot be read") from error
    if mode & 0o077:
        raise InvalidInput(f"the secrets file {path} can be read by others", remedy=f"chmod 600 {path}")
    return text
