"""The stop button: a training that is interrupted ends between two compiled calls, with everything up to there."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def deferred_interrupt():
    """Turn the first Ctrl-C into an event that a loop looks at between its calls; a second one interrupts at once.

    Without this, the interrupt would arrive after a call has changed the weights and before its losses are recorded.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked  # only the main thread may set a handler, and only it is interrupted
        return
    before = signal.getsignal(signal.SIGINT)

    def on_interrupt(number, frame):
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield asked
    except KeyboardInterrupt:
        asked.set()
    finally:
        signal.signal(signal.SIGINT, before)
