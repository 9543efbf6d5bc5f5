"""Pages: what acts answer, shown to a person. A page adds no rule, and has nothing that no act answers."""
