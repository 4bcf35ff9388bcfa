"""What a thread claims of the processors."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from backstay.utils.threads import run_behind_others


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a niceness for each thread")
def test_only_the_thread_itself_gives_way() -> None:
    with ThreadPoolExecutor(1, initializer=run_behind_others) as threads:
        hashing = threads.submit(threading.get_native_id).result()
        assert os.getpriority(os.PRIO_PROCESS, hashing) == 10
        assert os.sched_getscheduler(hashing) == os.SCHED_OTHER
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < 10
