"""The record of a release: how it is written, what it says, what makes it lawful."""

__version__ = "0.1.0"
