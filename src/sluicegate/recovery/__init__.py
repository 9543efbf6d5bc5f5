"""Backups of a control plane's state, their restore, and how a log goes on after a loss."""
