"""Protocols between the engine and the world: broker, journal, clock, bus, feed. Nothing else."""
