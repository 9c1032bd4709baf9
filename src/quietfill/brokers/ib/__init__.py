"""Interactive Brokers behind the broker port. The only package that imports the Interactive Brokers library."""
