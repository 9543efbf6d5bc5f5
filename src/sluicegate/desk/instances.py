"""The developers' instances that a desk follows: where each is, whose log it keeps, and for which agency.

Rules:
- The agency gives the key of the log, and has it from elsewhere than the instance: all is checked by it.
- They are in one file, which only its owner can read: it has the agency's tokens. It is replaced as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from sluicegate.client import private
from sluicegate.errors import InvalidInput
from sluicegate_record.errors import NotCanonical
from sluicegate_record.form import Exact, Misread, form
from sluicegate_record.log import canonical, checkpoint
from sluicegate_record.log.checkpoint import Verifier

FILE = "instances.json"
LOGS = "logs"
"""The folder with the copies of their logs, one folder each."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)


@form
class Instance(Exact):
    """A control plane of a developer, as an agency asks it.

    `agency` is the party that the agency is there, `token` its token, `vkey` the key of the log.
    """

    name: str
    url: str
    agency: str
    token: str
    vkey: str

    def check(self) -> None:
        """Check that it can be followed. Raises: InvalidInput, BadKey."""
        if not _NAME.fullmatch(self.name):
            said = f"the name {self.name[:80]!r} of an instance, expected lower-case letters, digits and '-'"
            raise InvalidInput(said, remedy="name it such as 'openai'")
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise InvalidInput(f"{self.url[:200]!r} is not the URL of a control plane")
        checkpoint.parse_vkey(self.vkey)

    @property
    def verifier(self) -> Verifier:
        """What checks the heads of its log."""
        return checkpoint.parse_vkey(self.vkey)


@form
class _File(Exact):
    instances: tuple[Instance, ...]


class Instances(NamedTuple):
    """The instances of the desk in a folder, by name."""

    folder: Path

    def all(self) -> tuple[Instance, ...]:
        """Every one; none without a file. Raises: InvalidInput: others can read it, or it is damaged."""
        path = self.folder / FILE
        text = private.read(path)
        if text is None:
            return ()
        try:
            found = _File.from_json(canonical.loads(text)).instances
        except (NotCanonical, Misread) as error:
            remedy = (
                "move it away, and add each instance again: "
                "'sluicegate instance add URL --agency AGENCY --token-file FILE --key KEY'"
            )
            raise InvalidInput(f"{path} is damaged: {error.message}", remedy=remedy) from error
        for each in found:
            each.check()
        return found

    def put(self, added: Instance) -> None:
        """Keep an instance, in place of one of the same name. Raises: InvalidInput, BadKey.

        A copy of another log stays where it is, and is not taken for one of this.
        """
        added.check()
        known = {each.name: each for each in self.all()}
        before = known.get(added.name)
        if before is not None and before.vkey != added.vkey:
            said = f"{added.name!r} is the instance of another log, {before.vkey.partition('+')[0]}"
            raise InvalidInput(
                said, remedy=f"choose another --name, or 'sluicegate instance drop {added.name}' first"
            )
        self._write({**known, added.name: added}.values())

    def drop(self, name: str) -> Path | None:
        """Follow an instance no more; where the copy of its log is now, if there is one.

        Raises: InvalidInput: there is no such instance.
        """
        known = {each.name: each for each in self.all()}
        if known.pop(name, None) is None:
            raise InvalidInput(
                f"no instance {name[:80]!r}", remedy=f"one of {', '.join(sorted(known)) or 'none'}"
            )
        self._write(known.values())
        copied = self.copy_of(name)
        if not copied.exists():
            return None
        number = 1 + sum(each.name.startswith(f"{name}.") for each in copied.parent.iterdir())
        return copied.rename(copied.with_name(f"{name}.{number}"))

    def copy_of(self, name: str) -> Path:
        """The folder for the copy of the log of an instance."""
        return self.folder / LOGS / name

    def _write(self, instances: Iterable[Instance]) -> None:
        found = _File(instances=tuple(sorted(instances, key=lambda each: each.name)))
        private.write(self.folder / FILE, json.dumps(found.to_json(), indent=2).encode())
