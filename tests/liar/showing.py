"""What shows that a check of the law is missing: a generated lie, or one that is told by hand.

Run it to make `shown.txt` again: `python -m tests.liar.showing`.

Rules:
- A generated lie shows it if an auditor without the check does not find the lie, at once or later.
- A row of `tests/record/law` shows it if the breach without the check is another one, or none; a test, if it
  fails.
- Some checks end what another check would refuse: without them the log with every act is not lawful.
- What only a gateway's lies show is in `test_mutants`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from sluicegate_record import law
from sluicegate_record.entries import Entry
from sluicegate_record.law import Breach, Support
from sluicegate_record.law.judge import _ANY, rules_of
from sluicegate_record.law.rule import At
from sluicegate_record.record import Record
from tests.forging import told
from tests.liar.auditing import IS_FREE, field_of, is_unsigned, judged, judged_later
from tests.liar.mutants import Check, checks, saying_no, without
from tests.liar.otherwise import Other, Values, others
from tests.liar.test_faults import (
    test_a_removal_that_was_wrong_brings_back_no_grant_of_another_organization,
    test_a_renewal_renews_no_grant_of_another_organization,
    test_an_opening_that_no_agency_has_to_agree_to_is_a_breach,
    test_another_dossier_changes_no_grant_of_another_organization,
)
from tests.record.law.test_accounts import ACCOUNTS
from tests.record.law.test_agreement import AGREEMENT, test_a_log_begins_with_its_start
from tests.record.law.test_bases import BASES
from tests.record.law.test_checks import CHECKS, Tell, Untrue, again, first, says
from tests.record.law.test_clearances import CLEARANCES
from tests.record.law.test_closures import CLOSURES
from tests.record.law.test_deployments import DEPLOYMENTS
from tests.record.law.test_designations import DESIGNATIONS
from tests.record.law.test_epochs import EPOCHS
from tests.record.law.test_evidence import EVIDENCE
from tests.record.law.test_findings import FINDINGS
from tests.record.law.test_keys import KEYS
from tests.record.law.test_law import (
    LIES,
    before,
    stored,
    test_a_directive_is_what_was_signed,
    test_terms_said_to_be_tighter_apply_as_terms_that_nobody_has_agreed_to,
    test_what_is_suspended_after_it_has_ended_does_not_go_on,
)
from tests.record.law.test_licences import LICENCES
from tests.record.law.test_lists import LISTS
from tests.record.law.test_logkeys import LOG_KEYS
from tests.record.law.test_observations import OBSERVATIONS
from tests.record.law.test_parts import PARTS
from tests.record.law.test_programmes import PROGRAMMES
from tests.record.law.test_promises import PROMISES
from tests.record.law.test_ramps import RAMPS
from tests.record.law.test_referrals import REFERRALS
from tests.record.law.test_stages import STAGES
from tests.record.law.test_successions import SUCCESSIONS
from tests.record.law.test_times import (
    test_a_directive_that_was_kept_back_replaces_none,
    test_an_officers_opening_that_was_kept_back_asks_nobody,
)
from tests.record.law.test_versions import test_an_unknown_version_stops_every_reader
from tests.worlds import LOG

SHOWN = Path(__file__).with_name("shown.txt")


def _untrue(type_: str, fields: dict[str, Any], changes: dict[str, Any], rule: str) -> Untrue:
    """A row of `LIES` as one of the others: said otherwise, or a second time."""
    tell: Tell = says(**changes) if changes else again
    return Untrue(first(type_, **fields), tell, rule, "")


ROWS: Mapping[str, Untrue] = {
    f"{where}[{name}]": row
    for where, rows in (
        ("test_checks", CHECKS),
        ("test_agreement", AGREEMENT),
        ("test_parts", PARTS),
        ("test_programmes", PROGRAMMES),
        ("test_promises", PROMISES),
        ("test_accounts", ACCOUNTS),
        ("test_bases", BASES),
        ("test_ramps", RAMPS),
        ("test_lists", LISTS),
        ("test_referrals", REFERRALS),
        ("test_stages", STAGES),
        ("test_successions", SUCCESSIONS),
        ("test_licences", LICENCES),
        ("test_clearances", CLEARANCES),
        ("test_closures", CLOSURES),
        ("test_designations", DESIGNATIONS),
        ("test_evidence", EVIDENCE),
        ("test_findings", FINDINGS),
        ("test_deployments", DEPLOYMENTS),
        ("test_epochs", EPOCHS),
        ("test_keys", KEYS),
        ("test_logkeys", LOG_KEYS),
        ("test_observations", OBSERVATIONS),
        ("test_law", {name: _untrue(*each) for name, each in LIES.items()}),
    )
    for name, row in rows.items()
}
"""The lies that are told by hand, each of which is found by one rule for one reason."""
TRIES = 6
"""For how many lies the rest of the log is judged, for each check."""
AGAIN, LIE, ROW, TEST, HONEST, NOTHING = "again", "lie", "row", "test", "the honest log", "nothing"
TESTS: Mapping[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        test_an_opening_that_no_agency_has_to_agree_to_is_a_breach,
        test_a_removal_that_was_wrong_brings_back_no_grant_of_another_organization,
        test_a_renewal_renews_no_grant_of_another_organization,
        test_another_dossier_changes_no_grant_of_another_organization,
        test_a_log_begins_with_its_start,
        test_a_directive_that_was_kept_back_replaces_none,
        test_an_officers_opening_that_was_kept_back_asks_nobody,
        test_an_unknown_version_stops_every_reader,
        test_what_is_suspended_after_it_has_ended_does_not_go_on,
        test_a_directive_is_what_was_signed,
        test_terms_said_to_be_tighter_apply_as_terms_that_nobody_has_agreed_to,
    )
}
"""What is tried where nothing else shows a check."""


def lies_about(entry: Entry) -> Iterator[Other]:
    """What an auditor has to find of an entry."""
    values = _values()
    for other in others(entry, values, values, count=1):
        field = field_of(other)
        if field not in IS_FREE and field[1] != "by" and not is_unsigned(other):
            yield other


@cache
def _values() -> Values:
    return Values(stored())


def words_of(other: Other) -> str:
    """How `shown.txt` names a lie."""
    return f"{LIE}: {other.entry.seq} {'.'.join(map(str, other.path))} {other.kind}"


def stopping(record: Record, entry: Entry, support: Support = Support.RECORD) -> list[Check]:
    """The checks at which an entry is found first, with those on the way; none if it is lawful."""
    at = At(record, entry, record.pinned(), LOG, support)
    for rule in (*_ANY, *rules_of(entry)):
        try:
            rule(at, entry.body)
        except Exception as error:  # noqa: BLE001 - a breach, too
            return saying_no(error)
    return []


def is_missed(record: Record, entry: Entry) -> bool:
    """Whether an auditor does not find a lie, at its entry or later."""
    try:
        return judged_later(record, [entry, *stored()[entry.size :]]) is None
    except AssertionError:
        return False


def is_missed_at_once(record: Record, entry: Entry) -> bool:
    """Whether an auditor does not find a lie at its entry."""
    try:
        return judged(record, entry) is None
    except AssertionError:
        return False


def repeated(entry: Entry) -> Entry:
    """The entry as it comes again at once."""
    return told(entry, {}, seq=entry.size)


def found_by(row: Untrue) -> bool:
    """Whether a row of the tests of the law gives the breach that it is about."""
    entry = row.find()
    record = before(entry.seq)
    lied = row.tell(record, entry)
    try:
        found = law.breach(record, lied, record.pinned(), LOG, row.support)
    except AssertionError:
        return False
    return isinstance(found, Breach) and (found.rule, found.why[: len(row.why)]) == (row.rule, row.why)


def passes(test: Callable[[], None]) -> bool:
    """Whether a test passes."""
    try:
        test()
    except AssertionError:
        return False
    return True


def is_lawful() -> bool:
    """Whether the log with every act is lawful."""
    try:
        return judged_later(Record(), stored()) is None
    except AssertionError:
        return False


def shows(check: Check, how: str) -> bool:
    """Whether what a line of `shown.txt` names shows that a check is missing."""
    kind, _, name = how.partition(": ")
    with without(check):
        if how == HONEST:
            return not is_lawful()
        if kind in {ROW, TEST}:
            return not (found_by(ROWS[name]) if kind == ROW else passes(TESTS[name]))
        seq = name.partition(" ")[0]
        entry = stored()[int(seq)]
        if kind == AGAIN:
            return is_missed_at_once(before(entry.size), repeated(entry))
        record = before(entry.seq)
        return any(is_missed(record, each.entry) for each in lies_about(entry) if words_of(each) == how)


Found: TypeAlias = dict[Check, str]
"""What shows of each check that it is missing, as `shown.txt` names it."""


def search() -> Found:
    """What shows each check, as far as it is found: a generated lie if there is one."""
    found, tries, record = Found(), Counter[Check](), Record()
    for entry in stored():
        for other in lies_about(entry):
            _tell(record, other, found, tries)
        record.apply(entry)
        for check in _open(stopping(record, repeated(entry)), found):
            with without(check):
                if is_missed_at_once(record, repeated(entry)):
                    found[check] = f"{AGAIN}: {entry.seq}"
    for name, row in ROWS.items():
        for check in _open(_stopped(row), found):
            if shows(check, f"{ROW}: {name}"):
                found[check] = f"{ROW}: {name}"
    return found | dict(_shown_otherwise(_open(checks(), found)))


def _shown_otherwise(left: Iterable[Check]) -> Iterator[tuple[Check, str]]:
    ways = [HONEST, *(f"{TEST}: {name}" for name in TESTS)]
    for check in left:
        how = next((how for how in ways if shows(check, how)), NOTHING)
        yield check, how


def _tell(record: Record, other: Other, found: Found, tries: Counter[Check]) -> None:
    """Tell a lie to auditors that each lack a check that has found it."""
    for check in _open(stopping(record, other.entry), found):
        with without(check):
            if tries[check] < TRIES and is_missed_at_once(record, other.entry):
                tries[check] += 1
                if is_missed(record, other.entry):
                    found[check] = words_of(other)


def _stopped(row: Untrue) -> list[Check]:
    entry = row.find()
    record = before(entry.seq)
    return stopping(record, row.tell(record, entry), row.support)


def _open(candidates: Iterable[Check], found: Mapping[Check, str]) -> list[Check]:
    return [each for each in candidates if each not in found]


def main() -> None:
    """Write `shown.txt`."""
    found = search()
    lines = [f"{check} <- {found[check]}\n" for check in checks()]
    SHOWN.write_text("".join(sorted(lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
