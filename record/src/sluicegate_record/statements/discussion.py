"""How much had been said in a case when someone signed: a position may tell it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Exact, form
from sluicegate_record.log import canonical

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@form
class Discussion(Exact):
    """What had been said in a case: the number of its contributions, and the SHA-256 over the hashes of their
    leaves, one after the other, as `sha256:…`. `entities.discussion` says which entries are contributions.
    """

    count: int
    digest: str

    @classmethod
    def of(cls, leaves: Iterable[bytes]) -> Self:
        """The discussion of contributions with these leaf hashes, 32 bytes each, oldest first."""
        found = tuple(leaves)
        return cls(count=len(found), digest=canonical.sha256_hex(b"".join(found)))

    def check(self) -> None:
        """Check that there can be one. Raises: BadEnvelope."""
        if self.count < 0 or _DIGEST.fullmatch(self.digest) is None:
            raise BadEnvelope("what had been said is a number of contributions, and a digest 'sha256:…'")
