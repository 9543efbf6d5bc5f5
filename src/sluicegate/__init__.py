"""Sluicegate releases a frontier model in stages and enforces who may use it."""

__version__ = "0.1.0"
