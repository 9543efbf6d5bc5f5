"""The log: leaves, tree, signed heads, signed statements. Knows bytes, keys and hashes; knows no release."""
