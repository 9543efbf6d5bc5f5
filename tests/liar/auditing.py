"""What an auditor finds of a lie, and what it cannot find because the log alone says it.

Rules:
- An auditor who got every field finds each lie: at the entry that tells it, or at one that follows.
- Except what `FREE` names, with the reason. A field that is not named there is held to something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from sluicegate_record import law
from sluicegate_record.entries import Entry, Unknown
from sluicegate_record.errors import SluicegateError
from sluicegate_record.law import Breach, Support
from sluicegate_record.record import Record
from tests.liar.otherwise import Other, Values, others
from tests.record.law.test_law import stored
from tests.worlds import LOG

FREE: Mapping[str, Mapping[str, str]] = {
    "credentials, persons and lists are not on the record": {
        "credential.attested": "attested credential envelope",
        "credential.issued": "credential digest grant member",
        "credential.expiring": "credential until",
        "credential.revoked": "credential",
        "credentials.chunk": "keys",
        "identifiers.declared": "credential envelope grant identifiers keyid",
        "definition.added": "definition source statuses",
        "list.changed": "list version",
        "members.registered": "members organization",
        "members.removed": "members organization",
        "organization.described": "described",
        "organization.nominated": "invited nomination organization",
        "provider.registered": "organization provider",
        "provider.removed": "organization provider",
        "signatory.pinned": "organization signatory",
        "signatory.retired": "keyid organization signatory",
        "status.claimed": "claims",
        "status.revoked": "claims",
    },
    "only its writer knows it": {
        "account.closed": "account",
        "stage.closed": "terms",
        "account.opened": "account holder organization",
        "case.determined": "outcome reasonCode",
        "deployment.ended": "reason",
        "case.opened": "described named opener organization",
        "case.silent": "blocked",
        "case.warned": "case",
        "directive.issued": "named organizations",
        "grant.ended": "how",
        "licence.ended": "directive how",
        "promise.made": "party promise due about",
        "grant.fallback_chosen": "fallback",
        "grant.differed": "gateway kind",
        "grant.proven": "gateway",
        "grant.resumed": "programmes",
        "grant.suspended": "reasonCode",
        "release.applied": "plan tightened",
    },
    "a text of a party, which nobody signed": {
        "case.answered": "answer",
        "case.determined": "reason",
        "credential.issued": "label",
        "credentials.chunk": "labels",
        "case.opened": "appeal lift.organizations notice",
        "case.replied": "reply",
        "directive.issued": "reasons",
        "licence.ended": "reason",
        "organization.nominated": "organization",
        "release.applied": "reason",
        "promise.broken": "reason",
        "promise.changed": "text reason default due",
        "promise.kept": "text",
        "promise.made": "text default",
    },
    "a time that no rule of the terms gives, or a longer one than they give": {
        "case.answered": "due wholeDue",
        "case.escalated": "due",
        "case.opened": "due replyBy",
        "case.received": "due",
        "case.referred": "due",
        "position.recorded": "wholeDue",
    },
    "a narrower grant than was signed": {
        "grant.amended": "conditions validUntil",
        "grant.approved": "conditions validUntil",
        "grant.moved": "conditions",
        "licence.granted": "conditions validUntil",
    },
    "earlier builds left it out, or it says nothing without what they left out": {
        "case.determined": "because case",
        "case.proceeded": "owners",
        "case.silent": "receipt",
        "directive.issued": "document signers",
        "grant.approved": "party",
        "position.recorded": "owners",
        "stage.closed": "lost",
    },
    "the signatures of gateways prove it, or it is not proven": {
        "directive.in_force": "acknowledged countedOut gateways of part points stated streamsCut",
    },
    "sealed, and its party may keep it": {"finding.answered": "details", "finding.reported": "details"},
    "a name that nothing else has": {"grant.approved": "grant", "licence.granted": "licence"},
    "a signature that says the same": {"point.stated": "envelope"},
}
"""Why what a field says is not held to anything, at least in part: the fields by type of entry."""
IS_FREE = {
    (type_, field) for fields in FREE.values() for type_, names in fields.items() for field in names.split()
}


def field_of(other: Other) -> tuple[str, str]:
    """The type of an entry and the field of it that says something else; `by` is that of the entry itself."""
    return other.entry.type, str(other.path[-1] if len(other.path) == 1 else other.path[1])


def is_unsigned(other: Other) -> bool:
    """Whether it is about the question of a case in which nobody has signed: it is the log's to ask."""
    signed = {entry.public["case"] for entry in stored() if entry.type == "position.recorded"}
    case = stored()[other.entry.seq].public.get("case")
    return field_of(other) == ("case.opened", "question") and case not in signed


def judged(record: Record, entry: Entry) -> Breach | None:
    """What an auditor finds at an entry, who got every field."""
    found = law.breach(record, entry, record.pinned(), LOG, Support.RECORD)
    return found if isinstance(found, Breach) else None


def judged_later(record: Record, entries: Iterable[Entry]) -> Breach | None:
    """What an auditor finds first, at these entries after the record."""
    above = record.overlay()
    for entry in entries:
        found = judged(above, entry)
        if found is not None:
            return found
        try:
            above.apply(entry)
        except (KeyError, ValueError, SluicegateError):
            return Breach("is_about_something", "about something that is not on the record")
    return None


def lies(of: Callable[[Entry], bool]) -> Iterator[tuple[Record, Other]]:
    """Entries of the stored log with each field saying something else, and the record before them."""
    record, values = Record(), Values(stored())
    for entry in stored():
        for other in others(entry, values, values, count=1) if of(entry) else ():
            if not isinstance(other.entry.body, Unknown) and other.entry.leaf != entry.leaf:
                yield record, other
        record.apply(entry)
