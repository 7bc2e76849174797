"""Arrays that outlast a run, as files in the user's cache folder.

Nothing here fails because of the disk: what cannot be read counts as missing, and what cannot be written is left out.
"""

import contextlib
import hashlib
import io
import os
import time
import uuid
from pathlib import Path

import numpy as np
import platformdirs

_DAY = 24 * 60 * 60  # seconds; no write takes that long, so an older temporary file belongs to a process that was killed


def folder():
    """Return the folder in which the files lie; it need not exist."""
    return Path(platformdirs.user_cache_dir("aehelpers", appauthor=False))


def digest(text, arrays):
    """Return the SHA-256, in hexadecimal, of a text and of the types, shapes and values of arrays.

    Raises
    ------
    TypeError
        If an array holds Python objects: their bytes are addresses.
    """
    # With the shapes at the start, no two lists of arrays are the same row of bytes.
    result = hashlib.sha256(repr((text, [(array.dtype.str, array.shape) for array in arrays])).encode())
    for array in arrays:
        result.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    return result.hexdigest()


def read(key, like):
    """Return the arrays that were written under a key.

    Parameters
    ----------
    key : str
        What was handed to `write`.
    like : list of ndarray
        Arrays of the types and shapes that are expected.

    Returns
    -------
    list of ndarray or None
        None where there is no such file, where it is damaged or was written under another key, and where its arrays are
        other than expected or not finite.
    """
    try:
        with np.load(io.BytesIO(_path(key).read_bytes()), allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        stored_key, checksum = (str(content.pop(name)) for name in ("key", "checksum"))
        arrays = [content.pop(f"arr_{number}") for number in range(len(like))]
        intact = not content and stored_key == key and checksum == digest(key, arrays)
        expected = [(array.dtype, array.shape) for array in like] == [(array.dtype, array.shape) for array in arrays]
        return arrays if intact and expected and all(np.isfinite(array).all() for array in arrays) else None
    except Exception:  # a damaged archive fails in more ways than can be listed
        return None


def write(key, arrays):
    """Write arrays to disk under a key, in place of those that were there.

    Many processes may do so at once, and any of them may be killed: a reader finds all of one file or none.

    Parameters
    ----------
    key : str
        Letters and digits.
    arrays : list of ndarray
        Numbers.
    """
    # In memory first: an archive that a full disk cuts short raises a second error when it is closed.
    content = io.BytesIO()
    with contextlib.suppress(OSError):
        np.savez(content, *arrays, key=key, checksum=digest(key, arrays))
        folder().mkdir(parents=True, exist_ok=True)
        _remove_leftovers()
        temporary = folder() / f"{uuid.uuid4().hex}.tmp"
        try:
            with open(temporary, "xb") as file:
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, _path(key))
        except BaseException:  # Ctrl-C too
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def _path(key):
    return folder() / f"{key}.npz"


def _remove_leftovers():
    for path in folder().glob("*.tmp"):
        with contextlib.suppress(OSError):  # another process was faster, or it is not ours to remove
            if time.time() - path.stat().st_mtime > _DAY:
                path.unlink()
