"""The simulated exchange: recorded market data replayed, with our own orders in their true place in the queues.

`feeds` reads a file into a `Tape`; `kernel` keeps the book and matches; `core` puts the kernel behind a
narrow interface; `exchange` adds what makes it a venue: orders by reference, latency, reports, fees, sessions.
"""
