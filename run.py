"""The command line from a checkout: `python run.py --help`. An installed package has `counseling-sessions`."""

import sys

from counseling_sessions.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
