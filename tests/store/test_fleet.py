"""A feed's file in SQLite, and what the ledger's writer finds in the folders of feeds."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.ports import FeedRecord
from sluicegate.store.fleet import FEEDS, FILE, SqliteFeedRegister, SqliteFeeds
from sluicegate.store.sqlite import SqliteStore
from tests.fakes import MemoryFeedRegister
from tests.store.examples import ENTRIES, Log
from tests.store.register_contract import PLAIN, SIGNED, TERM, RegisterContract


class TestMemoryFeedRegister(RegisterContract):
    @pytest.fixture
    def register(self):
        return MemoryFeedRegister()


class TestSqliteFeedRegister(RegisterContract):
    @pytest.fixture
    def register(self, tmp_path: Path):
        with closing(SqliteFeedRegister(tmp_path / FILE)) as register:
            yield register


@pytest.fixture
def feeds(tmp_path: Path) -> Iterator[SqliteFeeds]:
    with closing(SqliteFeeds(tmp_path)) as found:
        yield found


def folder_of(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / FEEDS / name
    folder.mkdir(parents=True)
    return folder


def test_a_state_folder_without_feeds_has_none(feeds):
    assert list(feeds.records()) == []


def test_a_feed_is_read_as_soon_as_it_has_committed(tmp_path, feeds):
    folder = folder_of(tmp_path, "feed-1")
    assert list(feeds.records()) == []
    (folder / FILE).touch()  # it is being made
    assert list(feeds.records()) == [FeedRecord(None, [])]
    with closing(SqliteFeedRegister(folder / FILE)) as register:
        register.commit(TERM, [PLAIN], [])
        assert list(feeds.records()) == [FeedRecord(TERM, [PLAIN])]
        register.commit(TERM, [SIGNED], [PLAIN])
        assert list(feeds.records()) == [FeedRecord(TERM, [SIGNED])]


def test_a_file_put_in_the_place_of_a_feeds_is_no_longer_read(tmp_path, feeds):
    """What the feed commits now is in the file that it has open, which no one finds."""
    folder = folder_of(tmp_path, "feed-1")
    with closing(SqliteFeedRegister(folder / FILE)) as register:
        register.commit(TERM, [PLAIN], [])
        assert feeds.records()
        (folder / FILE).rename(folder / "older")
        with closing(SqliteFeedRegister(folder / FILE)):
            pass
        with pytest.raises(StoreUnusable, match="another file was put in the place"):
            feeds.records()
        with pytest.raises(StoreUnusable, match="another file was put in the place"):
            register.commit(TERM, [SIGNED], [])


def test_a_feeds_file_that_cannot_be_opened_is_not_taken_for_one_that_gave_no_lease(tmp_path, feeds):
    folder = folder_of(tmp_path, "feed-1")
    with closing(SqliteFeedRegister(folder / FILE)) as register:
        register.commit(TERM, [PLAIN], [])
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("PRAGMA user_version=2")
    with pytest.raises(StoreUnusable):
        feeds.records()
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("PRAGMA user_version=1")
    (folder / FILE).rename(folder / "away")
    (folder / FILE).mkdir()
    with pytest.raises(StoreUnavailable):
        feeds.records()
    (folder / FILE).rmdir()
    (folder / "away").rename(folder / FILE)
    assert list(feeds.records()) == [FeedRecord(TERM, [PLAIN])]


def test_a_copy_of_a_feeds_folder_is_refused(tmp_path, feeds):
    """Its older term would stand for the feed's own."""
    folder = folder_of(tmp_path, "feed-1")
    with closing(SqliteFeedRegister(folder / FILE)) as register:
        register.commit(TERM, [PLAIN], [])
    shutil.copytree(folder, folder.with_name("feed-1.bak"))
    with pytest.raises(StoreUnusable, match=r"of the feed 'feed-1', and lies in the folder 'feed-1\.bak'"):
        feeds.records()


def test_the_ledgers_file_is_not_a_feeds(tmp_path):
    with closing(SqliteStore(tmp_path / "ledger.db")):
        pass
    with pytest.raises(StoreUnusable, match="another program or kind"):
        SqliteFeedRegister(tmp_path / "ledger.db")


def test_a_feed_that_reads_the_ledger_neither_makes_nor_changes_it(tmp_path):
    path = tmp_path / "ledger.db"
    with pytest.raises(StoreUnavailable, match="cannot be found"):
        SqliteStore(path, read_only=True)
    assert not path.exists()
    with closing(SqliteStore(path)), closing(SqliteStore(path, read_only=True)) as reading:
        assert reading.log.head().size == 0
        with pytest.raises(StoreUnavailable, match="readonly"):
            reading.feed_keys.certify("feed-1", "{}")


def test_an_older_ledger_is_read_when_its_writer_has_brought_it_up_to_date(tmp_path):
    path = tmp_path / "ledger.db"
    with closing(SqliteStore(path)):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=3")
    with pytest.raises(StoreUnavailable, match="not brought up to date yet"):
        SqliteStore(path, read_only=True)


def test_a_ledger_put_back_from_a_copy_is_noticed(tmp_path):
    path = tmp_path / "ledger.db"
    with closing(SqliteStore(path)), closing(SqliteStore(path, read_only=True)) as reading:
        path.rename(tmp_path / "older.db")
        with pytest.raises(StoreUnavailable, match="cannot be found"):
            reading.log.head()
        with closing(SqliteStore(path)), pytest.raises(StoreUnusable, match="another file was put"):
            reading.log.head()


def test_a_writer_that_closes_leaves_everything_in_the_one_file_though_a_feed_reads_it(tmp_path):
    path = tmp_path / "ledger.db"
    with closing(SqliteStore(path)) as store, closing(SqliteStore(path, read_only=True)) as reading:
        Log(store).append(ENTRIES)
        assert reading.log.size() == len(ENTRIES)
        store.close()
        (tmp_path / "copy").mkdir()
        shutil.copy(path, tmp_path / "copy" / "ledger.db")
    with closing(SqliteStore(tmp_path / "copy" / "ledger.db")) as copied:
        assert copied.log.size() == len(ENTRIES)
