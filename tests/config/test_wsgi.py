"""What the web server loads before it forks: all of it, and no collection of garbage looks at it again."""

from pathlib import Path

from tests.config.processes import python

LOADED = """
import gc, sys
import config.wsgi
print("inference.api.routing" in sys.modules, "annotation.api.queue" in sys.modules)
print(gc.get_freeze_count() > 50_000, len(gc.get_objects()) < 5_000)
"""


def test_every_address_is_loaded_before_the_fork_and_then_left_alone(tmp_path: Path):
    done = python(tmp_path, "-W", "ignore", "-c", LOADED)
    assert done.stdout.split() == ["True"] * 4, done.stderr
