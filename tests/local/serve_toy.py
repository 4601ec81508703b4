"""`python -m local.serve` with the toy for its app."""

import sys

from local.serve import main
from tests.local.toy import toy_app

if __name__ == "__main__":
    sys.exit(main(toy_app))
