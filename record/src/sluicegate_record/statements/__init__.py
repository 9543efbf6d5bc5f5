"""What is signed, as in-toto statements in DSSE envelopes: one class a statement.

Rules:
- A statement binds everything it is about: the case's whole question, or the whole document, by value
  and by digest. One signed for another log, another case, other terms or another party does not fit.
- Statements are public: they name parties by commitment.
- A signature is never looked at here.
"""
