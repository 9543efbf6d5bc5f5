"""Profiles: which control plane a command asks, and with which token.

Rules:
- A profile that is named, by `--profile` or `SLUICEGATE_PROFILE`, comes first. Next are `SLUICEGATE_URL` and
  `SLUICEGATE_TOKEN`, and then the profile in use. A token goes to no other control plane than its own.
- They are in one file, which only its owner can read. It is replaced as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from sluicegate.client import private
from sluicegate.errors import InvalidInput
from sluicegate_record.errors import NotCanonical
from sluicegate_record.form import Form, Misread, form
from sluicegate_record.log import canonical

URL, TOKEN, PROFILE = "SLUICEGATE_URL", "SLUICEGATE_TOKEN", "SLUICEGATE_PROFILE"
DEFAULT_URL = "http://127.0.0.1:8600"
FIRST = "default"
"""The name of a profile that no one names."""


class Login(NamedTuple):
    """A control plane, and a token for it; empty without one."""

    url: str
    token: str


@form
class _Kept(Form):
    """A profile in the file."""

    url: str
    token: str


@form
class _File(Form):
    """The file. `use` is the profile in use; empty without one."""

    use: str
    profiles: Mapping[str, _Kept]


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of this machine's user, by name; and the one in use."""

    known: Mapping[str, Login] = field(default_factory=dict)
    used: str = ""

    def named(self, name: str) -> Login:
        """A profile. Raises: InvalidInput: there is no such profile."""
        found = self.known.get(name)
        if found is None:
            names = ", ".join(sorted(self.known)) or "none"
            remedy = f"'sluicegate login --profile {name}' makes it; here are: {names}"
            raise InvalidInput(f"no profile {name[:80]!r}", code="profile_unknown", remedy=remedy)
        return found

    def having(self, name: str, access: Login) -> Profiles:
        """With a profile, which is now in use."""
        return Profiles({**self.known, name: access}, name)

    def without(self, name: str) -> Profiles:
        """Without a profile. Raises: InvalidInput: there is no such profile."""
        self.named(name)
        known = {each: access for each, access in self.known.items() if each != name}
        return Profiles(known, "" if self.used == name else self.used)


def access() -> Login:
    """The control plane that this process asks. Raises: InvalidInput: no such profile, or a damaged file."""
    name, given = os.environ.get(PROFILE, ""), os.environ.keys() & {URL, TOKEN}
    if given and not name:
        return Login(os.environ.get(URL, DEFAULT_URL), os.environ.get(TOKEN, ""))
    profiles = read()
    name = name or profiles.used
    return profiles.named(name) if name else Login(DEFAULT_URL, "")


def is_overheard(url: str) -> bool:
    """Whether what is sent to an address goes to another machine, and can be read on the way."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost" or host.endswith(".localhost")
    return parts.scheme == "http" and not is_here


def path() -> Path:
    """Where the profiles are."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(given) if given else Path.home() / ".config") / "sluicegate" / "profiles.json"


def read() -> Profiles:
    """The profiles; none, without a file. Raises: InvalidInput: others can read it, or it is damaged."""
    file = path()
    text = private.read(file)
    if text is None:
        return Profiles()
    try:
        found = _File.from_json(canonical.loads(text))
    except (NotCanonical, Misread) as error:
        remedy = "move it away, and 'sluicegate login' again"
        raise InvalidInput(f"{file} is damaged: {error.message}", remedy=remedy) from error
    known = {name: Login(each.url, each.token) for name, each in found.profiles.items()}
    return Profiles(known, found.use if found.use in known else "")


def write(profiles: Profiles) -> Path:
    """Replace the profiles, and say where they are. Raises: InvalidInput: the file cannot be written."""
    file = path()
    known = {name: each._asdict() for name, each in profiles.known.items()}
    private.write(file, json.dumps({"use": profiles.used, "profiles": known}, indent=2).encode())
    return file
