"""What a control plane writes of each request for an act: its time, a line for a command, events of security.

Rules:
- Every command of a caller that was let in has one line, whatever its result. Nothing samples them.
- The line has the id under which the record has the command, not the caller's word for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from sluicegate import journal
from sluicegate.acts import directives
from sluicegate.acts.act import ActAnswer, AnyAct, Done
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import BadSignature, SluicegateError
from sluicegate.http.entrance import Visitor
from sluicegate.http.measures import DONE, REFUSED, Measured, Requests, result_of
from sluicegate.ports import Principal
from sluicegate.service.due import command_name

MISUSED = frozenset({"key_of_another_party", "key_ended", "other_log", "key_changed"})
"""The refusals of what a key signed that was not for this."""
UNVERIFIED = "unverified"
ORDERS = frozenset({directives.ISSUE, directives.CONFIRM, directives.LIFT})


@dataclass(slots=True)
class JournaledRequest:
    """One request for an act, as far as it has come."""

    act: AnyAct
    measured: Measured
    visitor: Visitor | None = None
    command_id: str = ""
    code: str = DONE
    size: int | None = None

    @property
    def holder(self) -> Principal | None:
        """Whose token it came with; None of a stranger."""
        return None if self.visitor is None else self.visitor.principal

    def answered(self, answer: ActAnswer | Refusal) -> None:
        """Note what the act has answered."""
        if isinstance(answer, Refusal):
            self.measured.result, self.code = REFUSED, answer.code
            self._suspect(answer.code, is_unverified=answer.kind == UNVERIFIED)
        elif isinstance(answer, Done):
            self.size = answer.size

    def raised(self, error: BaseException) -> None:
        """Note that it ended with an error."""
        self.code = error.code if isinstance(error, SluicegateError) else result_of(error)
        if isinstance(error, SluicegateError) and self.visitor is not None:
            self._suspect(self.code, is_unverified=isinstance(error, BadSignature))

    def tell(self, began_s: float) -> None:
        """Write the line of a command."""
        if self.act.kind not in {"command", "secret"} or self.visitor is None:
            return
        holder, named = self.holder, self.command_id
        journal.note(
            "command",
            f"{self.act.name}: {self.code}",
            act=self.act.name,
            **self._who(),
            result=self.code,
            id=command_name(holder.id if holder else "anyone", named) if named else None,
            size=self.size,
            ms=round(1_000 * (monotonic() - began_s), 1),
        )

    def _suspect(self, code: str, *, is_unverified: bool) -> None:
        """Tell of a refusal what of it concerns security."""
        named = {"act": self.act.name, **self._who(), "result": code}
        if code in MISUSED:
            journal.note(
                "key_misused", "what was signed is by a key that does not count, or for another log", **named
            )
        elif is_unverified:
            journal.note("signature_refused", "what was signed does not count", **named)
        if self.act in ORDERS:
            journal.note("directive_refused", "a directive was refused", **named)

    def _who(self) -> dict[str, str | None]:
        holder = self.holder
        if holder is None:
            return {"who": None}
        return {"who": holder.id, "role": holder.role, "party": holder.party}


@contextmanager
def journaled(requests: Requests, act: AnyAct) -> Iterator[JournaledRequest]:
    """Tell of a request for an act, however it ends."""
    began_s = monotonic()
    with requests.one(act.name) as measured:
        seen = JournaledRequest(act, measured)
        try:
            yield seen
        except BaseException as error:
            seen.raised(error)
            raise
        finally:
            seen.tell(began_s)
