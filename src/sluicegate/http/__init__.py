"""The HTTP server of the feed and the control plane: connections, limits, tokens, errors."""
