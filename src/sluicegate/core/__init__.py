"""What is decided and recorded, as pure functions: no I/O, no clock, no randomness, no framework."""
