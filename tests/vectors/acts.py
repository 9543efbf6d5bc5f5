"""A history with every act in it: every command, every type of entry, every kind of case and outcome.

It is pure, so that it makes the same log on every machine. Themes go on in one log, in the order given here;
what later ones refer to is in `History.ids`.
"""

from __future__ import annotations

from functools import cache

from tests.vectors.history import History
from tests.vectors.themes import (
    applications,
    bases,
    clearances,
    clocks,
    closings,
    closures,
    deployments,
    designations,
    directives,
    effective,
    epochs,
    evidence,
    findings,
    grants,
    imports,
    keys,
    licences,
    lists,
    logkeys,
    observations,
    persons,
    programmes,
    promises,
    ramps,
    referrals,
    releases,
    seats,
    stages,
    successions,
)

THEMES = (
    *releases.RELEASES,
    *applications.APPLICATIONS,
    *grants.KEYS,
    *persons.PERSONS,
    *directives.DIRECTIVES,
    *persons.REMOVED,
    *grants.GRANTS,
    *releases.CHANGES,
    *clocks.CLOCKED,
    *seats.SEATED,
    *grants.ENDS,
    *clocks.OPEN,
    *promises.PROMISES,
    *imports.IMPORTS,
    *stages.STAGES,
    *bases.BASES,
    *referrals.REFERRED,
    *closings.CLOSED,
    *licences.LICENCES,
    *clearances.CLEARED,
    *promises.SIGNED,
    *ramps.RAMPS,
    *closures.CLOSURES,
    *closings.RECALLED,
    *designations.DESIGNATED,
    *programmes.PROGRAMMED,
    *lists.LISTING,
    *evidence.EVALUATED,
    *findings.FOUND,
    *findings.SEALED,
    *successions.SPLITS,
    *deployments.DEPLOYED,
    *effective.EFFECTIVE,
    *evidence.JUDGED,
    *epochs.BEGUN,
    *keys.KEYS_LIVE,
    *observations.OBSERVED,
    *logkeys.HANDED_OVER,
)


@cache
def history() -> History:
    """The history, made once."""
    made = History()
    for theme in THEMES:
        theme(made)
    return made
