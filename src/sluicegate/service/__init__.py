"""Use cases: one function a command or question, over the ledger's one writer."""
