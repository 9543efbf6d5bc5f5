"""Canaries: an observer asks for models with keys of its own, signs what it got, and hands in what is news.

Rules:
- It learns how long the log is before it asks. So what was in force then is a matter of order in the log.
- Every statement is kept in a file of the observer, also those that are not handed in. That file is its own
  evidence against a control plane that leaves one out.
- What is news for the observer is not left to the control plane: another outcome, another directive in force,
  or an hour. If the control plane then records nothing, the observer hears of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sluicegate.acts import observations as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.observations import ObservationReceipt, ObservationToSign, ProbeArgument
from sluicegate.client import asking, signing
from sluicegate.client.http import Client
from sluicegate.core.terms.canaries import WrittenProbe
from sluicegate.errors import InvalidInput, SluicegateError
from sluicegate_record.form import replace
from sluicegate_record.log import canonical
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.publickey import SigningKey
from sluicegate_record.statements.observations import ObservationStatement
from sluicegate_record.terms.observations import ANSWERED, REFUSED, ProbeOutcome


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What one request showed. `receipt` is what the control plane made of it, if it was handed in.

    `doubt` is what is wrong with the control plane's part; empty if nothing is.
    """

    probe: WrittenProbe
    outcome: ProbeOutcome
    receipt: ObservationReceipt | None = None
    doubt: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether it contradicts the record, or what its observer expects whatever the record says."""
        is_served = self.outcome.got == ANSWERED
        verdict = "" if self.receipt is None else self.receipt.verdict
        return verdict in {"still_served", "not_served"} or (is_served and self.probe.expects == REFUSED)


class Kept:
    """The file of an observer's statements, one a line: only its owner may read it.

    Raises: InvalidInput: it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self.recorded = dict(self._recorded(path.read_text(encoding="utf-8").splitlines()))
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{path} cannot be used for statements: {error}") from error

    def _recorded(self, lines: Iterable[str]) -> Iterable[tuple[str, str]]:
        """The newest statement of each probe that the control plane has acknowledged."""
        for line in lines:
            found = json.loads(line)
            if found["recorded"]:
                yield found["probe"], found["recorded"]

    def keep(self, probe: str, envelope: Mapping[str, Any], recorded: str | None) -> None:
        """Keep a statement; `recorded` is its digest, if it is on the record."""
        line = json.dumps({"probe": probe, "recorded": recorded, "envelope": envelope}, ensure_ascii=False)
        try:
            os.write(self._file, line.encode() + b"\n")
            os.fsync(self._file)
        except OSError as error:
            raise InvalidInput(f"{self._path} cannot be written: {error.strerror}") from error
        if recorded is not None:
            self.recorded[probe] = recorded

    def forget(self, probe: str) -> None:
        """Expect no statement of a probe on the record any more."""
        self.recorded.pop(probe, None)


class Watcher:
    """Asks what a file of canaries names, again and again, as one observer."""

    def __init__(self, client: Client, key: SigningKey, kept: Kept) -> None:
        self._client, self._key, self._kept = client, key, kept
        self._asked: dict[str, ObservationToSign] = {}
        """How the log was when each probe was last asked."""
        self._handed: dict[str, _Handed] = {}
        """What was last handed in of each probe."""

    def look(self, probe: WrittenProbe, secret: str, prompt: str) -> Glimpse:
        """Ask once for what a probe names, sign what that got, and hand it in if it is news."""
        argument = _argument(probe)
        name = canonical.dumps(argument.probe.to_json()).decode()
        doubt = self._prepare(name, argument)
        outcome = asking.ask(probe, secret, prompt)
        asked, last = self._asked.get(name), self._handed.get(name)
        if asked is None:
            return Glimpse(probe, outcome, doubt=doubt)
        envelope = signing.signed(observation(asked, outcome), self._key)
        shown = replace(outcome, size=None), asked.in_force
        if doubt or (last is not None and last.shown == shown and not asked.due):
            self._kept.keep(name, envelope, None)
            same = last is not None and last.shown == shown
            return Glimpse(probe, outcome, last.receipt if last is not None and same else None, doubt)
        try:
            receipt = self._client.do(acts.RECORD, SignedStatement(envelope=envelope))
        except SluicegateError as error:
            self._kept.keep(name, envelope, None)
            return Glimpse(probe, outcome, doubt=f"not handed in: {error.message}")
        self._kept.keep(name, envelope, receipt.observation if receipt.recorded else None)
        self._handed[name] = _Handed(shown, replace(receipt, recorded=False))
        is_other = last is not None and last.shown[0] != shown[0]
        left_out = is_other and receipt.observation != Envelope.from_json(envelope).digest
        return Glimpse(probe, outcome, receipt, _LEFT_OUT if left_out else "")

    def _prepare(self, name: str, argument: ProbeArgument) -> str:
        """Learn how long the log is, and which word of ours is the last; what is wrong with that."""
        try:
            asked = self._client.do(acts.TO_SIGN, argument)
        except SluicegateError as error:
            return f"not handed in: {error.message}"
        if asked.probe != argument.probe:
            return "the control plane answers about another probe"
        before, last = self._asked.get(name), self._kept.recorded.get(name)
        self._asked[name] = asked
        if before is not None and (asked.size < before.size or asked.log != before.log):
            self._forget(name)  # it may go on after a loss, in an epoch: said once, too
            return "the log of the control plane is shorter than it was, or another one"
        if last is not None and asked.previous != last:
            self._forget(name)  # another program of this party may follow it: said once, and gone on
            return "the control plane shows another last observation than this program has handed in"
        return ""

    def _forget(self, name: str) -> None:
        """Go on with a probe as if it were new."""
        self._kept.forget(name)
        self._handed.pop(name, None)


def observation(asked: ObservationToSign, outcome: ProbeOutcome) -> ObservationStatement:
    """What a surface answered just now."""
    return ObservationStatement(
        log=asked.log,
        observer=asked.observer,
        probe=asked.probe,
        outcome=outcome,
        size=asked.size,
        previous=asked.previous,
    )


class _Handed(NamedTuple):
    """What a probe showed when it was handed in, with the directives in force; and the receipt."""

    shown: tuple[ProbeOutcome, tuple[str, ...]]
    receipt: ObservationReceipt


_LEFT_OUT = "the control plane did not record that the outcome is another one"


def _argument(probe: WrittenProbe) -> ProbeArgument:
    return ProbeArgument(
        release=probe.release,
        model=probe.model,
        surface=probe.surface,
        address=probe.address,
        ask=probe.ask,
        expects=probe.expects,
        point=probe.point,
        programme=probe.programme,
        covered_by=probe.coveredBy,
    )
