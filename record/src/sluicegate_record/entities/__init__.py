"""What the record knows of keys, releases, cases, grants and directives: frozen,
each the fold of its entries.

Rules:
- `after(entry)` is the only way from one state of an entity to the next. A command tries it, the law judges
  by it, and the fold keeps it.
- An entity is plain data: `to_json` and `from_json` are its form in a snapshot.
"""
