"""The shell around the engine: clock, outbox, audit log, and the loop that feeds it."""
