"""What writes the documentation: the examples in `docs/record` and the generated reference pages."""
