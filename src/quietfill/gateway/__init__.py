"""The paper gateway: our venue behind the TWS socket protocol, so that any client of that protocol can trade in it.

`wire` and `layouts` are the protocol, `floor` is the venue in simulated time, `session` is one client, `server` holds
them together; the rest answers one kind of request each. `faults` breaks any of it on purpose, by name.
"""
