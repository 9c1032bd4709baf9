"""The deterministic core: messages and `now` in, records out. No clock, no I/O, no event loop."""
