"""`python -m activation.cli`."""

import sys

from activation.cli.main import main

sys.exit(main())
