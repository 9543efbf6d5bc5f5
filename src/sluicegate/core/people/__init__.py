"""Organizations and persons: who applies, who is named, what is claimed of them."""
