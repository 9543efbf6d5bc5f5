"""The law of organizations and persons. The record holds no person: each entry is judged by itself."""

from __future__ import annotations

from sluicegate_record.entries import Body, people, seen
from sluicegate_record.law.rule import At, LawRule, require
from sluicegate_record.log import publickey


def has_its_own_id(at: At, body: people.SignatoryPinned) -> None:
    """The key of a signatory has the id that follows from it."""
    require(body.keyid == publickey.keyid(body.public_key), "a key under another id than its own")


def is_as_registered(at: At, body: people.ProviderRegistered) -> None:
    """An identity provider has the same name in both parts of its entry."""
    require(body.name == seen(body.provider).provider, "a provider under another name than its own")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    people.SignatoryPinned: (has_its_own_id,),
    people.ProviderRegistered: (is_as_registered,),
}
