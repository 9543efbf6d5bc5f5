"""Access: the table, the decision, and the texts of a refusal."""
