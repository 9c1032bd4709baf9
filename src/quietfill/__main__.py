"""`python -m quietfill` is the same as `quietfill`."""

import sys

from quietfill.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
