"""The arithmetic that trials are run in: fixed by the engine, never chosen by chance, named in every record."""

import importlib.metadata
import platform

import numpy as np
import torch

ENGINE_VERSION = 1

# Gradients of a larger batch are summed over pieces of this size: at 2,048 examples a step of Simple-CNN then runs
# at the speed of 64 (1,129 → 585 ms measured on one core), since a piece's activations stay in the cache.
MICRO_BATCH = 64


def fix_numerics() -> None:
    """Give this process the engine's arithmetic: one thread, and no TF32 behind the caller's back."""
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def numerics(device: torch.device | str) -> dict[str, str]:
    """What decides how a trial's arithmetic rounds, beside its configuration."""
    return {"engine": str(ENGINE_VERSION), "device": torch.device(device).type, "threads": "1", "slots": "1"}


def versions() -> dict[str, str]:
    """Versions of the interpreter and the libraries that trained."""
    try:
        ours = importlib.metadata.version("steps-to-result")
    except importlib.metadata.PackageNotFoundError:
        ours = "source"
    return {
        "steps-to-result": ours,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
