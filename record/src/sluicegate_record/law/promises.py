"""The law of promises: made about what there is, kept or changed by who made them, broken by time in time."""

from __future__ import annotations

from sluicegate_record.entities import target
from sluicegate_record.entities.promise import BROKEN, OPEN, Promise
from sluicegate_record.entries import Body, promises
from sluicegate_record.entries.releases import ReleaseApplied
from sluicegate_record.law.releases import is_there
from sluicegate_record.law.rule import At, LawRule, known, of_the_record, require, same, signed_by
from sluicegate_record.statements.promises import BREAKS, CHANGES, KEEPS, MAKES, Promising, name_of

WORDS: dict[type[Body], tuple[str, str]] = {
    promises.PromiseMade: (MAKES, "party text due_ms default about"),
    promises.PromiseKept: (KEEPS, "party promise text"),
    promises.PromiseChanged: (CHANGES, "party promise reason due_ms text default"),
    promises.PromiseBroken: (BREAKS, "party promise reason"),
}
"""What is signed for each entry: the word, and the fields that say the same."""
OTHERWISE = "a promise that was signed otherwise"


def is_said_by_its_party(at: At, body: promises.OfPromise) -> None:
    """A party signed its word on a promise for this log, and the entry says what was signed."""
    if body.envelope is None:
        is_time = isinstance(body, promises.PromiseBroken) and body.how == "time"
        require(is_time or not at.record.signs_promises, "a word on a promise that no one signed")
        require((body.owner, body.digest) == (None, None), "a word that no one signed, under a signer's name")
        return
    stated, (word, fields) = Promising.read(body.envelope), WORDS[type(body)]
    require(stated.says == word, OTHERWISE)
    same(body, stated, fields, OTHERWISE)
    require(stated.log == at.log, "a promise that was signed for another log")
    require(body.digest == body.envelope.digest, "a promise under another digest than its own")
    signed_by(at, body.envelope, body.party, [body.owner or ""], "a promise that its party did not sign")


@of_the_record
def is_a_new_promise(at: At, body: promises.PromiseMade) -> None:
    """A promise is made once, by a party with a key, for a time to come, about what is on the record."""
    require(body.promise not in at.record.promises, "a promise that was made before")
    is_named = body.digest is None or body.promise == name_of(body.digest)
    require(is_named, "a promise under another name than what was signed gives it")
    is_party = body.party == at.keys.developer or body.party in at.keys.parties
    require(is_party, "a promise of no party of this log")
    require(body.due_ms > at.at_ms, "a promise for a time that is over")
    if body.about.to_json():
        is_there(at, body.about)


@of_the_record
def is_of_its_party(at: At, body: promises.OfPromise) -> None:
    """What happens to a promise is said by the party that made it, or by its time."""
    found = promise_of(at, body)
    require(found.party == body.party, "a word about the promise of another party")
    is_time = isinstance(body, promises.PromiseBroken) and body.how == "time"
    require(is_time or not found.is_target, "a word about a target date, which only a plan changes")


@of_the_record
def follows_the_last_of_its_party(at: At, body: promises.OfPromise) -> None:
    """A signed word on a promise names the last signed one, so that none comes twice or late."""
    if body.envelope is not None:
        last = promise_of(at, body).digest
        require(Promising.read(body.envelope).previous == last, "a word that does not follow the last one")


@of_the_record
def keeps_what_is_open(at: At, body: promises.PromiseKept) -> None:
    """A promise is kept once, in time or late."""
    require(promise_of(at, body).may_be_kept, "a promise kept that was kept, or is void")


@of_the_record
def changes_what_is_open(at: At, body: promises.PromiseChanged) -> None:
    """A promise is changed while it is open, to a time to come."""
    require(promise_of(at, body).state == OPEN, "a change of a promise that is not open")
    require(body.due_ms > at.at_ms, "a promise for a time that is over")


@of_the_record
def is_broken_in_time(at: At, body: promises.PromiseBroken) -> None:
    """A promise is broken while it is open: by its party, which says why, or when its time is over."""
    found = promise_of(at, body)
    require(found.state == OPEN, "a broken promise that is not open")
    is_over = found.due_ms <= at.at_ms and body.envelope is None
    by_time, by_act = (body.how == "time" and is_over), (body.how == "act" and body.reason is not None)
    require(by_time or by_act, f"a promise {BROKEN} by neither its time nor its party")


@of_the_record
def moves_targets_openly(at: At, body: ReleaseApplied) -> None:
    """A plan promises by a day to come; if it changes or gives up a target date, it says why."""
    for after in target.after(at.record, at.entry, body):
        is_given_up = after.state == BROKEN
        require(is_given_up or after.due_ms > at.at_ms, "a target date that is over")
        is_new = after.id not in at.record.promises
        require(is_new or body.reason, "a target date that changes without a reason")


def promise_of(at: At, body: promises.OfPromise) -> Promise:
    """The promise that an entry is about. Raises: Broken."""
    return known(at.record.promises, body.promise, "promise")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    promises.PromiseMade: (is_said_by_its_party, is_a_new_promise),
    promises.PromiseKept: (
        is_said_by_its_party,
        is_of_its_party,
        follows_the_last_of_its_party,
        keeps_what_is_open,
    ),
    promises.PromiseChanged: (
        is_said_by_its_party,
        is_of_its_party,
        follows_the_last_of_its_party,
        changes_what_is_open,
    ),
    promises.PromiseBroken: (
        is_said_by_its_party,
        is_of_its_party,
        follows_the_last_of_its_party,
        is_broken_in_time,
    ),
    ReleaseApplied: (moves_targets_openly,),
}
