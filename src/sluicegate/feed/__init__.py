"""The feed: follows the committed log and gives leases to gateways. That is all it does."""
