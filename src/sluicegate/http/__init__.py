"""What each of our servers does in the same way: who asks, what is asked, how an error is answered."""
