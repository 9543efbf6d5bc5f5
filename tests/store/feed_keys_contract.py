"""What is kept of feeds' keys in every store."""

from __future__ import annotations

from tests.store.examples import Contract


class FeedKeysContract(Contract):
    def test_the_newest_certificate_of_each_feed_is_kept(self, store):
        assert store.feed_keys.certificate("feed-1") is None
        store.feed_keys.certify("feed-1", '{"a":1}')
        store.feed_keys.certify("feed-2", '{"b":1}')
        store.feed_keys.certify("feed-1", '{"a":2}')
        assert store.feed_keys.certificate("feed-1") == '{"a":2}'
        assert store.feed_keys.certificate("feed-2") == '{"b":1}'

    def test_without_runs_of_an_earlier_build_there_is_nothing_to_forget(self, store):
        assert not store.feed_keys.has_earlier_runs()
        store.feed_keys.forget_earlier_runs()
        assert not store.feed_keys.has_earlier_runs()
