"""Several processes that train one student together, as torchrun and accelerate start them.

Only the first process writes files, prints and holds the lock. What each measures for itself, all must agree on.
"""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")


def count() -> int:
    """How many train together; 1 where none were started by a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return count() == 1 or os.environ.get("RANK", "0") == "0"


def join() -> None:
    """Meet the others, through NCCL on GPUs and gloo without; each takes its own GPU."""
    if count() > 1:
        import torch
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available())


def wait() -> None:
    """Go on when all are here."""
    if count() > 1:
        from accelerate import PartialState

        PartialState().wait_for_everyone()


def first_of(value: T) -> T:
    """What the first process has in the place of `value`."""
    if count() == 1:
        return value
    from accelerate.utils import broadcast_object_list

    values: list[T] = broadcast_object_list([value])
    return values[0]


def any_of(flag: bool) -> bool:
    """Whether `flag` is true in any of the processes."""
    if count() == 1:
        return flag
    import torch
    from accelerate import PartialState

    flags = torch.tensor(int(flag), device=PartialState().device)
    torch.distributed.all_reduce(flags, torch.distributed.ReduceOp.MAX)
    return bool(flags)
