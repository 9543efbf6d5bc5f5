"""Acts on imports: the keys that customers have from before, by their digests, in parts.

Rules:
- Only the developer's staff import keys: they alone know whose a key is that was not made here.
- A part has no effect. All parts count at once, or the import is discarded.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from sluicegate.acts.act import DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.fields import FileName, text
from sluicegate_record.form import Key, Note, Time, form, within

PART_ROWS = 1_000
"""How many keys a part has at most: others wait for their turn to write while it is decided."""
ROWS_MAX = 1_000_000
"""How many keys an import has at most. Every gateway holds all of them."""
OPEN_MAX = 8
"""How many imports may be open at a time."""
ImportName: TypeAlias = Annotated[
    str,
    text(20, 20, "imp_[a-z2-7]{16}"),
    Note("The import, such as imp_…; 'sluicegate credential imports' lists them."),
]


@form
class KeyPart(Arguments):
    """A part of a list of keys, with its first line. `line` is the place of its first key in the file.

    With `check`, no key is taken, and the answer says whether all would be.
    """

    name: Annotated[ImportName, Key("import")]
    part: Annotated[int, within(0, ROWS_MAX), Note("Which part, from 0 on.")]
    text: Annotated[str, text(1, 250_000), Note("CSV: sha256, grant, and perhaps label, expires.")]
    file: FileName = "keys"
    line: Annotated[int, within(2, 100 * ROWS_MAX)] = 2
    check: Annotated[bool, Note("Only say whether the keys would be taken.")] = False


@form
class ImportReceipt(Done):
    """How many parts of an import were taken so far, and how many keys they have."""

    name: Annotated[str, Key("import")]
    parts: int
    count: int


IMPORT = Act(
    "credential.import",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/credential-imports/{import}/parts",
    KeyPart,
    ImportReceipt,
    "Take a part of the keys that customers have from before, by their digests. No part has an effect yet.",
)


@form
class ImportArgument(Arguments):
    """Which import."""

    name: Annotated[ImportName, Key("import")]


@form
class WholeImport(ImportArgument):
    """Which import, and how many keys it has."""

    count: Annotated[int, within(1, ROWS_MAX)]


COMPLETE = Act(
    "credential.complete",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/credential-imports/{import}/complete",
    WholeImport,
    ImportReceipt,
    "Let all keys of an import count, at once.",
)


@form
class ImportEnd(Done):
    """An import that never counts."""

    name: Annotated[str, Key("import")]


DISCARD = Act(
    "credential.discard",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/credential-imports/{import}/discard",
    ImportArgument,
    ImportEnd,
    "Discard an import that does not count yet. Another one may have its keys.",
)


@form
class ImportFilter(Arguments):
    """Which imports: one, or the newest."""

    name: Annotated[ImportName | None, Key("import"), Note("Only this import.")] = None
    limit: Annotated[int, within(1, 500), Note("How many imports.")] = 50


@form
class ImportView(ActAnswer):
    """An import: `open`, `counted` or `discarded`; how many parts and keys were taken."""

    name: Annotated[str, Key("import")]
    state: str
    parts: int
    count: int
    begun_ms: Time
    ended_ms: Time | None


@form
class Imports(ActAnswer):
    """Imports, the newest first."""

    imports: tuple[ImportView, ...]


IMPORTS = Act(
    "credential.imports",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/credential-imports",
    ImportFilter,
    Imports,
    "List the imports of keys, the newest first.",
)
