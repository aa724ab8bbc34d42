"""Run a command within bounds and tell what it used. A program of its own, and a small one.

    python -I -S launch.py CPU_SECONDS ADDRESS_SPACE OUT ERR COMMAND...

A process starts with the memory of the one that it was forked from as its highest mark, so a test suite that has
imported PyTorch cannot measure its own children.
"""

import os
import resource
import signal
import sys


def main() -> None:
    seconds, space, out, err, *command = sys.argv[1:]
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
            resource.setrlimit(resource.RLIMIT_AS, (int(space), int(space)))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.execv(command[0], command)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    held = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, held)


main()
