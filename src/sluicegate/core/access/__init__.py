"""Access: the table, the decision, and the words of a refusal."""
