"""Directives as people write them, the lists that they name, and who they cover."""
