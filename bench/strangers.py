"""What strangers, an applicant and a hostile customer do to a control plane: the worst that each of them can.

Each goes on until it is cancelled, and ignores what it is answered.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from bench.load import post
from demo.cast import Place
from sluicegate.acts import applications, credentials, grants, members
from sluicegate.acts.applications import Submission
from sluicegate.acts.cases import CaseArgument
from sluicegate.acts.credentials import CredentialArgument, KeyDigest
from sluicegate.acts.grants import FallbackChoice
from sluicegate.acts.members import ROWS_MAX, MemberNames, MemberRow, MemberRows
from sluicegate.client.http import Client
from sluicegate.errors import SluicegateError

STRANGERS_PER_S, STRANGERS = 400, 40
"""How many anonymous requests a second, and over how many connections."""
SILENT = 1_000
"""Connections that are opened and say nothing."""
REFUSED_PAUSE_S = 0.05
"""How long one waits who was refused: less than any `Retry-After`."""
WORST = "[" + ("[" * 31 + "]" * 31 + ",") * 1_000 + "]"
"""An organization file that takes as long to read as any of its size."""


@dataclass(frozen=True, slots=True)
class Flood:
    """All of them, against the control plane at `url`.

    `place` is where one can apply, `applicant` a token, `customer` the client of one who holds `grant`.
    """

    url: str
    place: Place
    applicant: str
    customer: Client
    grant: str

    async def run(self) -> None:
        """Go on until cancelled."""
        silent = [await _opened(self.url) for _ in range(SILENT)]
        try:
            with closing(Client(self.url, self.applicant)) as applicant:
                async with asyncio.TaskGroup() as doing:
                    for _ in range(STRANGERS):
                        doing.create_task(self._anonymous())
                    doing.create_task(self._worst_drafts())
                    doing.create_task(_repeated(self._applications(applicant)))
                    doing.create_task(_repeated(self._growth()))
        finally:
            for _, writer in silent:
                writer.close()

    async def _anonymous(self) -> None:
        """Requests without a token, over one connection after the other."""
        while True:
            with suppress(OSError):
                await _sent(self.url, b"GET /api/v1/cases HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            await asyncio.sleep(STRANGERS / STRANGERS_PER_S)

    async def _worst_drafts(self) -> None:
        """Drafts that are hard to read, one after the other."""
        draft = {**self.place._asdict(), "organization": WORST, "file": "x.yaml"}
        request = post(json.dumps(draft).encode(), self.applicant, "Connection: close", path="/api/v1/drafts")
        while True:
            with suppress(OSError):
                await _sent(self.url, request)

    def _applications(self, client: Client) -> Iterator[Callable[[], object]]:
        """Apply and withdraw, under a new name each time."""

        def apply() -> None:
            name = f"name: Example Stranger {secrets.token_hex(4)}\nregisteredIn: US\n"
            asked = Submission(**self.place._asdict(), organization=name, file="x.yaml")
            made = client.do(applications.SUBMIT, asked)
            client.do(applications.WITHDRAW, CaseArgument(case=made.application))

        while True:
            yield apply

    def _growth(self) -> Iterator[Callable[[], object]]:
        """All that a customer can have written again and again."""
        while True:
            yield from (self._members, self._keys, self._choices)

    def _members(self) -> None:
        rows = tuple(MemberRow(identifiers=(secrets.token_bytes(16),)) for _ in range(ROWS_MAX))
        made = self.customer.do(members.REGISTER, MemberRows(grant=self.grant, rows=rows))
        self.customer.do(members.REMOVE, MemberNames(grant=self.grant, members=made.members))

    def _keys(self) -> None:
        made = self.customer.do(credentials.ISSUE, KeyDigest(grant=self.grant, digest=secrets.token_hex(32)))
        self.customer.do(credentials.REVOKE, CredentialArgument(credential=made.credential))

    def _choices(self) -> None:
        for fallback in (True, False):
            self.customer.do(grants.CHOOSE_FALLBACK, FallbackChoice(grant=self.grant, fallback=fallback))


async def _repeated(acts: Iterator[Callable[[], object]]) -> None:
    """Do one act after the other. The one that is being done ends before this does."""
    for act in acts:
        doing = asyncio.create_task(asyncio.to_thread(act))
        try:
            await asyncio.shield(doing)
        except SluicegateError:
            await asyncio.sleep(REFUSED_PAUSE_S)
        except asyncio.CancelledError:
            await asyncio.gather(doing, return_exceptions=True)
            raise


async def _sent(url: str, request: bytes) -> None:
    reader, writer = await _opened(url)
    try:
        writer.write(request)
        await reader.read()
    finally:
        writer.close()


async def _opened(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))
