"""How much of the processors a thread claims."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import threading
from contextlib import suppress
from typing import Final

_NICENESS: Final = 10
# Longer than what other threads have, 2.8 ms at most, and no longer: on a full machine the thread waits for its turn
# in proportion, and may hold the interpreter's lock then.
_SLICE_NANOSECONDS: Final = 4_000_000
# The number of sched_setattr(2), for which glibc has a function since 2.41 only.
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}


def run_behind_others() -> None:
    """Have the calling thread give way to every other one at once, and take what they leave and a little more.

    It stays a normal thread, which always gets a part of a busy processor: it may hold a lock that others wait for.
    Linux alone keeps such things for each thread; elsewhere this does nothing.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    _ask_for_long_slices()


def _ask_for_long_slices() -> None:
    """Since Linux 6.12, threads that ask for shorter slices of time interrupt one that asks for long ones.

    A nice one would be waited for until its slice is over, up to 3 ms. Older kernels do not look at it.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None:
        return
    # size, policy SCHED_OTHER, flags, nice, priority, runtime, deadline, period: struct sched_attr, version 0
    attributes = struct.pack("=IIQiIQQQ", 48, 0, 0, _NICENESS, 0, _SLICE_NANOSECONDS, 0, 0)
    # What is refused leaves the thread as it was.
    ctypes.CDLL(None).syscall(number, 0, ctypes.create_string_buffer(attributes, 48), 0)
