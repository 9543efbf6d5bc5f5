"""Directives as the record has them: their documents, their words, and the parts that were lifted."""
