"""``python -m ssd_det`` is ``ssd-det``."""

import sys

if not sys.flags.safe_path:  # -m puts the working folder first, and a data set may have a file statistics.py in it
    del sys.path[0]

from ssd_det.main import main

sys.exit(main())
