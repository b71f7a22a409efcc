"""`python -m wukong_pipe.cli`, as torchrun starts it."""

from wukong_pipe.cli.main import main

raise SystemExit(main())
