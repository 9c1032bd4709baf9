"""Driving the engine directly against the simulated exchange: no event loop, same seed same journal."""
