"""`python -m pada_local.cli` is the `pada` command."""

import sys

from pada_local.cli import main

sys.exit(main())
