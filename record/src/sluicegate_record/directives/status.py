"""The words for a person's status, and for how well we know it."""

from __future__ import annotations

from enum import IntEnum

STATUSES = ("us_citizen", "us_permanent_resident", "us_protected_person", "other", "unknown")
UNKNOWN = frozenset({"unknown"})


class Assurance(IntEnum):
    """How well we know something: for a claim, who made it; for a request, how it names its person.

    The weaker of the two counts.
    """

    SELF_ASSERTED = 0
    """The person said it."""
    ORGANIZATION = 1
    """The organization attested it; or the organization's own application named the person."""
    IDENTITY_PROVIDER = 2
    """The identity provider that the organization registered signed it."""
    CREDENTIAL = 3
    """It is bound to a credential."""

    @property
    def word(self) -> str:
        """The word in documents and entries."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of(cls, word: str) -> Assurance:
        """The assurance of a word. Raises: KeyError."""
        return cls[word.upper().replace("-", "_")]


ASSURANCES = tuple(each.word for each in Assurance)
