"""What the broker conformance suite is made of: a stage, a desk that asks and listens, and the checks by subject."""
