"""Edges to brokers other than the simulated venue."""
