"""`python -m har_core`: the same as `har-lens`."""

import sys

from har_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
