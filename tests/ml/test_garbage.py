"""A server leaves alone what it has loaded, and collects what it makes later as ever."""

from __future__ import annotations

import subprocess
import sys

LOADED_THEN_SERVED = """
import gc, weakref
from ml.garbage import YOUNG, keep_loaded

class Loop:
    def __init__(self):
        self.itself = self

loaded = [[] for _ in range(50_000)]
gone = weakref.ref(Loop())
keep_loaded()
print(gone() is None, gc.get_freeze_count() > 50_000, len(gc.get_objects()) < 1_000, gc.isenabled())

later = weakref.ref(Loop())
made = [[] for _ in range(2 * YOUNG)]
print(later() is None)
"""


def test_what_was_loaded_is_left_alone_and_later_garbage_is_collected() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED_THEN_SERVED], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["True"] * 5
