"""What we know of the market and what we estimate from it. Pure."""
