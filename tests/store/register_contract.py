"""What a feed's own file keeps, in every kind of file."""

from __future__ import annotations

from dataclasses import replace

from sluicegate.ports import Allotment, Budget, FeedRecord, FeedTerm, Run

TERM = FeedTerm("feed-1", "boot-1", bytes(range(32)), 12_345.678, 5_000)
PLAIN = Run("gateway-1", "run-1", "api")
SIGNED = Run(
    "gateway-2",
    "run-9",
    "codex",
    key=bytes(range(32)),
    leased=True,
    size=12,
    at_ms=1_782_000_000_000,
    ask='{"after":12}',
    sig="c2ln",
    cut={"d-1": 3},
    drifted="root",
    ended_ms=1_782_000_000_001,
)


API = [Allotment("api", "one", 0, 420), Allotment("api", "other", 420, 840)]
CODEX = [Allotment("codex", "one", 5, 6)]


class RegisterContract:
    """A backend's tests subclass it and say how a register is made."""

    def test_at_first_there_is_nothing(self, register):
        assert register.load() == FeedRecord(None, [])

    def test_everything_comes_back(self, register):
        register.commit(TERM, [PLAIN, SIGNED], [])
        term, runs = register.load()
        assert (term, sorted(runs, key=lambda run: run.name)) == (TERM, [PLAIN, SIGNED])

    def test_the_newest_term_and_the_newest_of_each_run_are_kept(self, register):
        register.commit(TERM, [PLAIN, SIGNED], [])
        later = replace(TERM, gives_until_ms=99_999.5)
        register.commit(later, [replace(PLAIN, leased=True)], [])
        term, runs = register.load()
        assert term == later
        assert sorted(runs, key=lambda run: run.name) == [replace(PLAIN, leased=True), SIGNED]

    def test_what_is_gone_is_forgotten(self, register):
        register.commit(TERM, [PLAIN, SIGNED], [])
        register.commit(TERM, [], [PLAIN])
        assert list(register.load().runs) == [SIGNED]
        register.commit(TERM, [], [PLAIN])

    def test_who_may_have_which_part_is_kept_surface_by_surface(self, register):
        assert list(register.allotments()) == []
        register.commit(TERM, [], [], {"api": API, "codex": CODEX})
        register.commit(TERM, [PLAIN], [])
        assert list(register.allotments()) == [*API, *CODEX]
        register.commit(TERM, [], [], {"api": API[1:]})
        assert list(register.allotments()) == [*API[1:], *CODEX]
        register.commit(TERM, [], [], {"api": []})
        assert list(register.allotments()) == CODEX

    def test_budgets_are_kept_one_by_one_and_one_of_nothing_is_forgotten(self, register):
        assert list(register.budgets()) == []
        first, other = Budget("r/s", 20_000, "one", 5), Budget("r/s", 20_000, "other", 7)
        register.commit(TERM, [], [], {}, [first, other])
        register.commit(TERM, [PLAIN], [])
        assert sorted(register.budgets()) == [first, other]
        larger, next_day = first._replace(most=9), other._replace(day=20_001)
        register.commit(TERM, [], [], {}, [larger, next_day, other._replace(most=0)])
        assert sorted(register.budgets()) == [larger, next_day]
