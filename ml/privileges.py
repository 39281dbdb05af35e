"""Root is given up before a program reads what it was sent.

SageMaker starts a container as root and owns the folders under /opt/ml. Nothing in a training or in serving needs
root: ``ML_RUN_AS`` names the user of the image that goes on. Empty or absent, the user stays who they are.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ml.container import ContainerError


def give_up_root(folders: Sequence[Path], environment: Mapping[str, str] = os.environ) -> None:
    """Become the user that ``ML_RUN_AS`` names; ``folders``, those the program writes, are made theirs before.

    Nothing happens without that name, or when the process is not root. ``ContainerError`` (unknown_user) when the
    image has no such user; ``OSError`` when a folder cannot be handed over.
    """
    name = environment.get("ML_RUN_AS", "")
    if not name or os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam(name)
    except KeyError as error:
        raise ContainerError("unknown_user", f"ML_RUN_AS={name!r}: the image has no such user") from error
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for path in _with_all_below(folder):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    os.initgroups(name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ.update(HOME=user.pw_dir, USER=name, LOGNAME=name)


def _with_all_below(folder: Path) -> Iterator[Path]:
    """The folder and all it holds; a link is one of these, what it points to is not."""
    yield folder
    for place, inner, files in os.walk(folder):
        yield from (Path(place, name) for name in (*inner, *files))
