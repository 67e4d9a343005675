"""What findings mean to an output: pure functions over values."""
