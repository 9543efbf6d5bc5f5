"""Organizations and persons: who applies, who is named, and what is claimed about them."""
