"""Keys of identity providers that a gateway was asked to verify with and does not have.

Rules:
- It keeps the newest `kid` of each provider: what is invented for one crowds out no other.
- A provider is reported at most every AGAIN_MS. Whether its keys are fetched, the control plane decides.
"""

from __future__ import annotations

AGAIN_MS = 10_000
ROWS_MAX = 100
"""How many providers one report names at most."""


class MissingKeys:
    """What one gateway has missed. Units: `now_ms` milliseconds of one clock that only goes forward."""

    def __init__(self) -> None:
        self._kids: dict[str, str] = {}
        self._told_ms: dict[str, float] = {}

    def note(self, provider: str, kid: str) -> None:
        """An assertion of a provider names a key that it does not have here."""
        self._kids[provider] = kid

    def report(self, now_ms: float) -> list[dict[str, str]]:
        """The providers to report now, with the `kid` that each lacks."""
        self._told_ms = {name: at for name, at in self._told_ms.items() if now_ms - at < AGAIN_MS}
        due = [name for name in self._kids if name not in self._told_ms][:ROWS_MAX]
        self._told_ms |= dict.fromkeys(due, now_ms)
        return [{"provider": name, "kid": self._kids.pop(name)} for name in due]
