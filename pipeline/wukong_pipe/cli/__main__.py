"""`python -m wukong_pipe.cli`, as torchrun starts it."""

import sys

from wukong_pipe.cli.main import main

sys.exit(main())
