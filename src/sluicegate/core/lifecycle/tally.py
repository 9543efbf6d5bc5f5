"""The accounts of a log: the newest of each organization, which are open, and how many people those have."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class AccountTally:
    """The accounts, by organization, and how many members those with an open one have together.

    `of` are those by who issues keys under them, oldest first.
    `seqs` are the places in the log at which they were opened, by account, oldest first.
    """

    newest: dict[str, str] = field(default_factory=dict)
    of: dict[str, list[str]] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    people: int = 0

    def opened(
        self, organization: str, account: str, seq: int, members: int, issuer: str | None = None
    ) -> None:
        """Count an account in, of an organization with so many members; `issuer` issues keys under it."""
        if issuer is not None:
            self.of.setdefault(issuer, []).append(account)
        self.newest[organization] = account
        self.seqs[account] = seq
        if organization not in self.open:
            self.people += members
        self.open[organization] = account

    def closed(self, organization: str, account: str, members: int) -> None:
        """Count an account out."""
        if self.open.get(organization) == account:
            del self.open[organization]
            self.people -= members

    def grown(self, organization: str, by: int) -> None:
        """An organization has so many members more."""
        if organization in self.open:
            self.people += by
