"""An execution desk in a Python package: the only sender of orders to the broker."""

__version__ = "0.1.0"
