"""Arrays that outlast a run, as files in the user's cache folder.

Nothing here fails because of the disk: what cannot be read counts as missing, and what cannot be written is left out.
"""

import contextlib
import hashlib
import io
import mmap
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
        _replace(_path(key), content.getbuffer())


def shared(name, shape, checksum, make):
    """Return a large array of constants that all processes of a user have in memory once: a file that they map.

    Parameters
    ----------
    name : str
        The file's name.
    shape : tuple of int
    checksum : str
        The SHA-256 of the array's bytes, in hexadecimal.
    make : callable
        Returns the array, float32, where there is no such file or a damaged one; it is then written.

    Returns
    -------
    ndarray of float32
        Read-only. Where no file can be written it is the array that was made, in memory.
    """
    path = folder() / name
    array = _map(path, shape, checksum)
    if array is None:
        made = make()
        with contextlib.suppress(OSError):
            _replace(path, made.reshape(-1).view(np.uint8))
        array = _map(path, shape, checksum)
        if array is None:
            made.flags.writeable = False
            return made
    return array


def _map(path, shape, checksum):
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if hashlib.sha256(content).hexdigest() == checksum:
            return np.ndarray(shape, np.float32, buffer=content)
    except (OSError, ValueError):  # missing, empty, or on a disk that knows no mapping
        pass
    return None


def _replace(path, content):
    """Write a file so that whoever reads it finds the old one or the whole of the new one."""
    folder().mkdir(parents=True, exist_ok=True)
    _remove_leftovers()
    temporary = folder() / f"{uuid.uuid4().hex}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
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
