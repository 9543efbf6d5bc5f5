"""What every store does: the suites that each backend passes, the fakes too.

A backend's tests subclass `StoreContract` and say how a store is made.
"""

from __future__ import annotations

from tests.store.feed_keys_contract import FeedKeysContract
from tests.store.key_uses_contract import KeyUsesContract
from tests.store.log_contract import LogContract
from tests.store.outbox_contract import OutboxContract
from tests.store.preparations_contract import PreparationsContract
from tests.store.principals_contract import PrincipalsContract
from tests.store.sign_ins_contract import SignInsContract
from tests.store.transactions_contract import TransactionContract


class StoreContract(
    LogContract,
    OutboxContract,
    PrincipalsContract,
    FeedKeysContract,
    KeyUsesContract,
    SignInsContract,
    PreparationsContract,
    TransactionContract,
):
    """One suite a port, and one for what is done together."""
