"""Sending letters: letters of the outbox, by webhook and by e-mail."""
