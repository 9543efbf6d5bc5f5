"""Whose act it was: an agency's own, or one that two officers wrote down for it.

Rules:
- An answer that shows an act of an agency has `transcribed`, how it arrived, and `officers`, who wrote it
  down. If both are missing, the agency signed the act with its own key.
- An answer that shows a decision has `transcribedFor`, the agencies for which officers wrote.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from sluicegate_record.directives.document import Arrived
from sluicegate_record.form import Note

Transcribed: TypeAlias = Annotated[
    Arrived, Note("How it arrived, if officers wrote it down. Otherwise the agency signed it.")
]
Officers: TypeAlias = Annotated[
    tuple[str, ...], Note("The officers who wrote it down, if it is transcribed.")
]
TranscribedFor: TypeAlias = Annotated[
    tuple[str, ...], Note("The agencies whose word, as it counts here, two officers wrote down.")
]
