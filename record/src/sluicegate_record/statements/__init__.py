"""Statements that people sign, as in-toto statements in DSSE envelopes: one class for each.

Rules:
- A statement binds everything that it is about: the whole question of the case, or the whole document, by
  value and by digest. A statement signed for another log, case, terms or party does not fit.
- Statements are public: they name parties by commitment.
- No code here checks a signature.
"""
