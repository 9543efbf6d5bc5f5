"""What officers of the developer sign on pages: each kind of statement, how it is made, what it says."""
