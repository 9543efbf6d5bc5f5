"""Imports of keys: take a part, let all count, discard, list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from sluicegate.acts import imports as acts
from sluicegate.acts.imports import (
    ImportArgument,
    ImportEnd,
    ImportFilter,
    ImportReceipt,
    Imports,
    ImportView,
    KeyPart,
    WholeImport,
)
from sluicegate.core.access.keylist import KeyList
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.core.lifecycle.imports import CompleteImport, DiscardImport, TakeKeys
from sluicegate.service.context import Context, does


@does(acts.IMPORT)
def take(context: Context[ImportReceipt], asked: KeyPart) -> ImportReceipt | Refusal:
    """Take a part of an import, or only say whether it would be taken.

    Raises: InvalidDocument: not a list of keys, or with keys that are refused.
    """
    listed = KeyList.from_json(context.document())
    command = TakeKeys(asked.name, asked.part, listed, asked.file, asked.line, asked.check)
    if not asked.check:
        return context.execute(command)
    found = context.ledger.consider(command)
    if isinstance(found, Refusal):
        return found
    assert isinstance(found.result, ImportReceipt)
    return found.result


@does(acts.COMPLETE)
def complete(context: Context[ImportReceipt], asked: WholeImport) -> ImportReceipt | Refusal:
    """Let all keys of an import count."""
    return context.execute(CompleteImport(asked.name, asked.count))


@does(acts.DISCARD)
def discard(context: Context[ImportEnd], asked: ImportArgument) -> ImportEnd | Refusal:
    """Discard an import that does not count yet."""
    return context.execute(DiscardImport(asked.name))


@does(acts.IMPORTS)
def listed(context: Context[Imports], wanted: ImportFilter) -> Imports | Refusal:
    """The imports of keys, the newest first."""
    with context.ledger.reading() as state:
        names: Iterable[str] = reversed(state.keyring.imports)
        if wanted.name is not None:
            names = [wanted.name] if wanted.name in state.keyring.imports else []
        return Imports(imports=tuple(islice(_shown(state, names), wanted.limit)))


def _shown(state: State, names: Iterable[str]) -> Iterator[ImportView]:
    for name in names:
        found, known = state.record.imports[name], state.keyring.imports[name]
        yield ImportView(
            name=name,
            state=found.state,
            parts=found.parts,
            count=found.count,
            begun_ms=known.begun_ms,
            ended_ms=known.ended_ms,
        )
