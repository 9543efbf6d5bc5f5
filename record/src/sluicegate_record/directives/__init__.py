"""Directives as the record states them: the documents, their words, what of them is lifted."""
