"""An agent as a service: its configuration file, its life from start to signal, and the port by which people act."""
