"""Programs that write the documentation: the examples in `docs/record` and the generated reference pages."""
