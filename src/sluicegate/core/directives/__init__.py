"""Directives as people write them, the lists they name, and whom they cover."""
