"""The data plane: a gateway folds the log's tail into its table and enforces it on every request."""
