"""An execution desk in a Python package: the only sender of orders to the broker."""

from importlib import import_module

from quietfill.domain.stamps import install_stamps

__version__ = "0.1.0"

# The domain reads no clock itself, yet users' events want an id and a time. Imported by name, so that a package
# which asks this one for its version does not count as importing what lies above it.
install_stamps(import_module("quietfill.runtime.stamps").SystemStamps())
