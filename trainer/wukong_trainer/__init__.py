"""Training a student on a dataset, comparing it with its base, and the report of both."""

import logging

# bitsandbytes looks for a kernel when it is imported, on CPUs with AVX512-BF16, and warns where it finds none. Nothing
# here uses it (see model.load_model).
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
