"""Persistence: one contract (`ports.Store`), kept by every backend."""
