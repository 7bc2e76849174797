"""What is set before TensorFlow is loaded: that it starts without a red block, and that thirty kernels fit on one machine.

TensorFlow is no dependency of the package, because its builds have several names and two of them must not be there at once.

A variable that the user has set is left alone. Warnings, errors, CUDA's messages and the reason of an abort are shown.
"""

import contextlib
import ctypes
import importlib.util
import os
import sys

if importlib.util.find_spec("tensorflow") is None:
    raise ModuleNotFoundError('aehelpers needs TensorFlow, which is not installed: pip install "aehelpers[tensorflow]"')

# No messages of the lowest level: which instructions the processor has, that XLA was started.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

# oneDNN announces itself whatever the level, and its allocator keeps all it ever had. Without it these models train as fast,
# and a kernel that has trained seven of them keeps 600 MB for itself instead of 1,209.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

if sys.platform == "linux":
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's; other C libraries have none
    if mallopt is not None:
        # Arrays above 2 MB get pages of their own, which go back when the array goes; by itself, glibc stops doing so after
        # the first one of 32 MB. At the end of notebook 01 a kernel has 567 MB for itself, where 8 MB would leave it 601. With
        # 1 MB it would have 544, and the notebook would take a fifth longer.
        mallopt(-3, 2**21)  # M_MMAP_THRESHOLD
        mallopt(-1, 2**24)  # M_TRIM_THRESHOLD

# PyTorch's optimizers load Triton, and after TensorFlow that ends the process with a segmentation fault (Triton 3.8, TensorFlow
# 2.21, both with an LLVM of their own). The other way round it works. Who has no PyTorch has no Triton, and loads nothing.
if "tensorflow" not in sys.modules and importlib.util.find_spec("triton") is not None:
    with contextlib.suppress(Exception):  # what Triton says of a machine is nothing that a reader of notebooks should see
        importlib.import_module("triton")
