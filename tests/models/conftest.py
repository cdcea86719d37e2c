"""What the tests of models share: the faulty server's folder on the path, and a real server."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
