"""Keep a kernel small, so that a class of thirty fits on one machine.

By default, neither TensorFlow nor the C library gives memory back: one call with the training images leaves 170 MB behind,
and a notebook ends up with twice what it uses. `benchmarks/classroom.py` prints what these settings leave.
"""

import ctypes
import os
import sys

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # numbers of options in glibc's malloc.h
_LARGE = 2**23  # bytes; smaller arrays come and go in every training step, and new pages would cost time


def keep_small():
    """Make TensorFlow take memory from the C library, and that give it back; to be called before TensorFlow is loaded."""
    # TensorFlow's oneDNN code has an allocator of its own, which keeps whatever it once had.
    os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")
    if hasattr(_libc, "mallopt"):
        # Each array above this size gets pages of its own, which go back when it goes. By itself, glibc stops doing so
        # for arrays of up to 32 MB as soon as it has seen one of that size.
        _libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        # More patience here: a figure that is drawn anew for each move of a slider takes and frees some megabytes.
        _libc.mallopt(_TRIM_THRESHOLD, 8 * _LARGE)


def give_back():
    """Hand what is free inside the C library to the operating system: after a compilation, some 40 MB."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
