"""Results and metrics over time: runs, findings, verdicts and numbers, in SQLite or PostgreSQL."""
