"""The firm's events, in and out."""
