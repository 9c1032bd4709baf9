"""Durable, ordered, hash-chained records: in memory for tests and simulation, in SQLite for everything else."""
