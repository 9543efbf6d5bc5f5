"""The certificates of feeds in SQL, and the runs that an earlier build gave leases to."""

from __future__ import annotations

import sqlalchemy as sa

from sluicegate.store import schema
from sluicegate.store.database import Session

_KEYS, _EARLIER = schema.feed_keys, schema.incarnations


class SqliteFeedKeys:
    """`ports.FeedKeys`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def certificate(self, feed: str) -> str | None:
        """The newest certificate of a feed."""
        query = sa.select(_KEYS.c.certificate).where(_KEYS.c.feed == feed)
        with self._session.reading() as connection:
            found: str | None = connection.scalar(query)
        return found

    def certify(self, feed: str, certificate: str) -> None:
        """Note a certificate in place of the one before."""
        with self._session.writing() as connection:
            connection.execute(sa.delete(_KEYS).where(_KEYS.c.feed == feed))
            connection.execute(sa.insert(_KEYS).values(feed=feed, certificate=certificate))

    def has_earlier_runs(self) -> bool:
        """Whether an earlier build has left runs."""
        with self._session.reading() as connection:
            return connection.scalar(sa.select(sa.exists().select_from(_EARLIER))) is True

    def forget_earlier_runs(self) -> None:
        """Forget those runs."""
        with self._session.writing() as connection:
            connection.execute(sa.delete(_EARLIER))
