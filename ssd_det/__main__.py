"""``python -m ssd_det`` is ``ssd-det``."""

import sys

from ssd_det.main import main

sys.exit(main())
