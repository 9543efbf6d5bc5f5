"""What is signed: each kind of statement, how it is made, what it says."""
