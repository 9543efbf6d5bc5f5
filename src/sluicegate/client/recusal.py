"""What follows for a case if an agency leaves it to the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sluicegate_record.entities.proceedings import CONSENT
from sluicegate_record.terms import phrases, quorum
from sluicegate_record.terms.rule import Rule

LEAVES = frozenset({"recuse", "decline"})
"""The positions by which an agency leaves a case to the others."""


def recusal(rule: Rule, said: Mapping[str, str], agency: str) -> Iterator[str]:
    """What follows, sentence by sentence.

    `rule` is that of the case, with the agencies that joined it; `said` is the newest word of each party.
    """
    words = {**said, agency: "recuse"}
    left = quorum.without(rule, {party for party, word in words.items() if word in LEAVES})
    if left is None:
        yield "then no one is left to decide, and it ends without a decision"
        return
    yield f"then it is decided without {agency}, by: {phrases.rule(left)}"
    yield f"a gateway whose trust file asks for {agency} refuses that, unless it says withoutRecused"
    if quorum.satisfied(left, {party for party, word in words.items() if word in CONSENT}):
        yield "they have said yes: your recusal can decide the case"
    elif not quorum.reachable(left, {party for party, word in words.items() if word == "object"}):
        yield "they cannot say yes any more: your recusal denies it"
