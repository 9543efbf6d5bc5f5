"""The control plane's edge: HTTP API, and one table from errors and refusals to statuses."""
