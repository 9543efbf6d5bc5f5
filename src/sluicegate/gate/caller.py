"""Who a request says it is for: identifiers in its body and headers, or a signed assertion.

Rules:
- An assertion is verified with the keys that the table holds for the credential's organization. Nothing is
  fetched. The issuer in a token only selects the provider that must have signed it.
- An assertion that is not valid, or more than one assertion, names an unknown person: it counts as forged,
  and is never ignored.
- A key that a provider does not have is noted, so that the control plane looks for it.
- A verified assertion is kept until it expires, or until its provider is registered differently.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

from sluicegate.core.access.decision import Instant, Now
from sluicegate.core.access.naming import NOBODY, Naming, VerifiedAssertion
from sluicegate.core.access.refusals import Reason
from sluicegate.core.access.table import Table
from sluicegate.core.people import assertion, persons
from sluicegate.core.people.assertion import AssertionFailure, Provider
from sluicegate.gate.missing import MissingKeys
from sluicegate.gate.names import NO_NAMES, Names

KEPT_MAX = 10_000
"""How many verified assertions are kept: those that were used last."""
_BLANKS = b" \t"


class _CachedAssertion(NamedTuple):
    signed: VerifiedAssertion
    provider: Provider
    expires_ms: int


class Callers:
    """Names callers by one table. It is not safe for several threads."""

    def __init__(self, table: Table, missing: MissingKeys | None = None, kept_max: int = KEPT_MAX) -> None:
        self._table = table
        self._missing = missing or MissingKeys()
        self._kept_max = kept_max
        self._kept: OrderedDict[bytes, _CachedAssertion] = OrderedDict()

    def naming(self, digest: bytes, tokens: Sequence[bytes], names: Names, now: Callable[[], Now]) -> Naming:
        """How a request with the key of this digest names its person; `tokens` are its assertions."""
        if not tokens and names is NO_NAMES:
            return NOBODY
        identifiers = tuple(map(persons.identifier, names.identifiers))
        naming = Naming(identifiers, is_session=names.is_session, is_unclear=names.is_unclear)
        if not tokens:
            return naming
        signed = self._signed(digest, tokens[0].strip(_BLANKS), now()) if len(tokens) == 1 else None
        return naming._replace(signed=signed, is_forged=signed is None)

    def _signed(self, digest: bytes, token: bytes, now: Now) -> VerifiedAssertion | None:
        credential = self._table.credentials.get(digest)
        if credential is None or isinstance(now, Reason) or len(token) > assertion.TOKEN_MAX_BYTES:
            return None
        providers = self._table.providers.get(credential.grant.organization, {})
        name = sha256(token).digest()
        kept = self._kept.get(name)
        if kept is None or kept.provider is not providers.get(kept.signed.provider):
            kept = self._verified(token, providers, now)
            if kept is None:
                return None
            self._keep(name, kept)
        elif now.late_ms >= kept.expires_ms:
            del self._kept[name]
            return None
        self._kept.move_to_end(name)
        return kept.signed

    def _verified(
        self, token: bytes, providers: dict[str, Provider], now: Instant
    ) -> _CachedAssertion | None:
        issuer = assertion.issuer(token)
        for name, provider in providers.items():
            if provider.issuer == issuer:
                found = assertion.verify(token, provider, now)
                if found is AssertionFailure.KEY_UNKNOWN and (kid := assertion.kid(token)):
                    self._missing.note(name, kid)
                if isinstance(found, AssertionFailure):
                    return None
                subject = persons.identifier(found.subject)
                return _CachedAssertion(
                    VerifiedAssertion(name, found.kid, subject, found.credential), provider, found.expires_ms
                )
        return None

    def _keep(self, name: bytes, kept: _CachedAssertion) -> None:
        self._kept[name] = kept
        if len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)
