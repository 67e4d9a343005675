"""What must be asked, in how few queries. Pure: it makes SQL and reads answers, and connects to nothing."""
