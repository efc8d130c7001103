"""Write docs/conformance.md and show it; `make conformance` does, once the suite has passed."""

import sys
from pathlib import Path

from activation_tests.conformance.table import rendered

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"

if __name__ == "__main__":
    PAGE.write_text(rendered())
    sys.stdout.write(rendered())
