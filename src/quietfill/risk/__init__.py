"""Checks, limits and the kill switch: what may be sent, as pure functions of what is known."""
