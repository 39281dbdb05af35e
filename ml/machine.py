"""What this machine offers: threads to use, its CPU's name, and which instructions that bear on speed it has."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path

FLAGS = (
    "avx2", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16",
    "asimddp", "i8mm", "bf16",
)  # fmt: skip
NICE = "ML_NICE"
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
BYTE_PRODUCTS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}
"""Products of bytes that are added up in 32 bits; any of them will do."""


def threads_asked(environment: Mapping[str, str] = os.environ) -> int:
    """``ML_THREADS``, else ``OMP_NUM_THREADS``, else the cores this process may use."""
    for name in ("ML_THREADS", "OMP_NUM_THREADS"):
        asked = environment.get(name, "")
        if asked.isdigit() and int(asked) > 0:
            return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def background(nice: int) -> dict[str, str]:
    """The environment of a program that gives way, so far (0: not), to those a customer waits for."""
    return {NICE: str(nice)}


def give_way(asked: str) -> None:
    """Ask for the cores after programs that are not so nice (1 to 19, else as before).

    Linux shares cores among sessions first (autogroup), and niceness counts within a session alone: a program that has
    one of its own tells the session too (sched(7)).
    """
    if not asked.isdigit() or not 0 < int(asked) < 20:
        return
    os.nice(int(asked))
    with contextlib.suppress(OSError):
        if os.getsid(0) == os.getpgid(0):
            Path("/proc/self/autogroup").write_text(asked)


def has_gpu() -> bool:
    """Whether a GPU that torch can use is there, without loading torch to ask."""
    return Path("/dev/nvidiactl").exists()


def cpu_flags() -> list[str]:
    """Which of the instructions that bear on speed this machine has."""
    return sorted({flag for flag in FLAGS if flag in _cpu("flags", "Features").split()})


def adds_bytes_exactly() -> bool:
    """Whether this machine sums products of bytes without overflow. Without such instructions x86 adds each two of them
    in 16 bits, which cuts off what is beyond (``vpmaddubsw``).
    """
    return bool(BYTE_PRODUCTS & set(cpu_flags()))


def cpu_name() -> str:
    return _cpu("model name", "CPU part") or platform.processor() or platform.machine()


def _cpu(*names: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in names:
            return value.strip()
    return ""
