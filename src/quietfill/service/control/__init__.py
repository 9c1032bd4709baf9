"""The control port of a running agent: HTTP on loopback, by which people send, look, amend, cancel and kill."""
