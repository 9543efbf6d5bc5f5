"""RFC 6962 section 2.1 written out definition by definition, slowly: what the fast code is compared with.

`d` is D[n], the list of leaf contents; d[a:b] is D[a:b]. Nothing is stored, and nothing is shared with the
code under test.
"""

from __future__ import annotations

import hashlib


def mth(d: list[bytes]) -> bytes:
    """MTH(D[n]), section 2.1."""
    n = len(d)
    if n == 0:
        return hashlib.sha256().digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + d[0]).digest()
    k = split(n)
    return hashlib.sha256(b"\x01" + mth(d[0:k]) + mth(d[k:n])).digest()


def path(m: int, d: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) for 0 <= m < n, section 2.1.1."""
    n = len(d)
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, d[0:k]), mth(d[k:n])]
    return [*path(m - k, d[k:n]), mth(d[0:k])]


def proof(m: int, d: list[bytes]) -> list[bytes]:
    """PROOF(m, D[n]) for 0 < m <= n, section 2.1.2."""
    return subproof(m, d, whole=True)


def subproof(m: int, d: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b), section 2.1.2; `whole` is b."""
    n = len(d)
    if m == n:
        return [] if whole else [mth(d)]
    k = split(n)
    if m <= k:
        return [*subproof(m, d[0:k], whole=whole), mth(d[k:n])]
    return [*subproof(m - k, d[k:n], whole=False), mth(d[0:k])]


def split(n: int) -> int:
    """The largest power of two k with k < n <= 2k."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k
