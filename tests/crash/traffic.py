"""Load on a gateway, and the judgement over it: nothing that was refused is ever allowed again.

A key is *forbidden* once a revocation or a directive that covers it has been acknowledged. From then on a
gateway has no longer than its lease to know; and none once it is known to have folded the entry in.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

from tests.crash.parties import MODEL
from tests.waiting import BOUND_S

FORESEEN = {
    (200, ""),
    (401, "credential_unknown"),
    (401, "credential_revoked"),
    (451, "directive_in_force"),
    (503, "gate_stale"),
}
PAUSE_S = 0.02
"""Between two requests: what is loaded here is the control plane."""


@dataclass
class _Ban:
    """A request that was allowed, began after `begins_s` and ended before `ends_s` is a fault. Monotonic."""

    begins_s: float
    ends_s: float = math.inf


@dataclass(frozen=True)
class _Allowed:
    secret: str
    began_s: float
    ended_s: float


class Traffic(threading.Thread):
    """Asks one gateway with all keys it was given, in no order, until `leave`.

    Units: `lease_ms` is the plan's.
    """

    def __init__(self, gateway_url: str, lease_ms: int, seed: str) -> None:
        super().__init__(name=f"traffic {seed}", daemon=True)
        self._url = gateway_url
        self._lease_s = lease_ms / 1000
        self._random = random.Random(seed)
        self._books = threading.Lock()
        self._secrets: list[str] = []
        self._bans: dict[str, dict[str, _Ban]] = {}
        self._allowed: list[_Allowed] = []
        self._left = False
        self._failure: BaseException | None = None
        self.outcomes: Counter[tuple[int, str]] = Counter()

    def run(self) -> None:
        try:
            with self.client() as client:
                while not self._left:
                    if self._secrets:
                        self.asked(client, self._random.choice(self._secrets))
                    time.sleep(PAUSE_S)
        except BaseException as error:  # noqa: BLE001 - `judge` raises it where it fails the test
            self._failure = error

    def leave(self) -> None:
        self._left = True
        self.join(BOUND_S)

    @contextmanager
    def client(self) -> Iterator[httpx2.Client]:
        with httpx2.Client(base_url=self._url, timeout=BOUND_S, trust_env=False, verify=False) as client:
            yield client

    def asked(self, client: httpx2.Client, secret: str) -> tuple[int, str]:
        """Ask once; return status and error code, or status 0 where nobody answered."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
        headers = {"authorization": f"Bearer {secret}"}
        began_s = time.monotonic()
        try:
            response = client.post("/v1/chat/completions", json=body, headers=headers)
        except httpx2.TransportError:
            return 0, ""
        status = response.status_code
        outcome = status, "" if status == 200 else str(response.json()["error"]["code"])
        assert outcome in FORESEEN, response.text
        with self._books:
            self.outcomes[outcome] += 1
            if status == 200:
                self._allowed.append(_Allowed(secret, began_s, time.monotonic()))
        return outcome

    def add(self, secret: str) -> None:
        """Ask with this key too."""
        self._secrets.append(secret)

    def forbid(self, secret: str, cause: str) -> None:
        """A revocation or directive, named `cause`, that covers this key has just been acknowledged."""
        with self._books:
            self._bans.setdefault(secret, {})[cause] = _Ban(time.monotonic() + self._lease_s)

    def permit(self, secret: str, cause: str) -> None:
        """The directive is about to be lifted."""
        with self._books:
            self._bans[secret][cause].ends_s = time.monotonic()

    def settled(self) -> None:
        """From now on every gateway that answers has folded in all that was acknowledged so far."""
        now_s = time.monotonic()
        with self._books:
            for bans in self._bans.values():
                for ban in bans.values():
                    ban.begins_s = min(ban.begins_s, now_s)

    def judge(self) -> None:
        """Fail if a request was allowed that could not be; forget those that were rightly allowed."""
        if self._failure is not None:
            raise self._failure
        with self._books:
            for one in self._allowed:
                for ban in self._bans.get(one.secret, {}).values():
                    assert not (ban.begins_s < one.began_s and one.ended_s < ban.ends_s), (one, ban)
            self._allowed.clear()
