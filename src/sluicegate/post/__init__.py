"""Telling people: letters of the outbox, by webhook and by e-mail."""
