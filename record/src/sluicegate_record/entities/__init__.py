"""What the record says of keys, releases, cases, grants and directives: frozen, each the fold of its entries.

Rules:
- `after(entry)` is the only way from one state of an entity to the next. Deciding tries it, law judges by it,
  the fold keeps it.
- An entity is plain data: `to_json` and `from_json` are its form in a snapshot.
"""
