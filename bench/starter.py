"""Starts a process and tells its exit code, wall and CPU seconds, and MiB at most: `python starter.py LOG COMMAND…`."""

import os
import subprocess
import sys
import time

began = time.perf_counter()
with open(sys.argv[1], "w") as said:
    child = subprocess.Popen(sys.argv[2:], stdout=said, stderr=said)
    _, status, used = os.wait4(child.pid, 0)
wall = time.perf_counter() - began
print(os.waitstatus_to_exitcode(status), wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
