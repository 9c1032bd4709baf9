"""The public test kit: what tests of ours and of our users stand on instead of the real thing."""
