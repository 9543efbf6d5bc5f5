"""The log: leaves, tree, signed heads, signed statements. It knows bytes, keys and hashes, and no release."""
