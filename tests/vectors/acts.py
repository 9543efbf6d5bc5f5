"""A history with every act in it: every command, every type of entry, every kind of case and outcome.

It is pure, so that it makes the same log on every machine. Themes go on in one log, in the order given here;
what later ones refer to is in `History.ids`.
"""

from __future__ import annotations

from functools import cache

from tests.vectors.history import History
from tests.vectors.themes import applications, clocks, directives, grants, persons, releases, seats

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
)


@cache
def history() -> History:
    """The history, made once."""
    made = History()
    for theme in THEMES:
        theme(made)
    return made
