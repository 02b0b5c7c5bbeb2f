"""Types a line and a tabulator into an interactive zsh that has read a script, and prints what the terminal shows after that, without controls."""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

script, line = sys.argv[1], sys.argv[2]
child, terminal = pty.fork()
if child == 0:
    os.environ.update(TERM="xterm", PS1="ready> ", LC_ALL="C.UTF-8")
    os.execvp("zsh", ["zsh", "-f", "-i"])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 200, 0, 0))


def read_until(mark, quiet=30.0):
    """Reads until the mark, or for a mark of None until the terminal is quiet."""
    shown, since = b"", time.monotonic()
    while mark is None or mark not in shown:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            shown += os.read(terminal, 65536)
            since = time.monotonic()
        elif time.monotonic() - since > quiet:
            break
    return shown


os.write(terminal, f"autoload -U compinit; compinit -u -D; setopt no_list_ambiguous auto_list no_auto_menu; LISTMAX=9999; source {script}; print do''ne\n".encode())
read_until(b"done\r\n")
read_until(None, 1.0)
os.write(terminal, line.encode() + b"\t")
shown = read_until(None, 3.0).decode(errors="replace")
os.kill(child, 9)
print(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b.|[\x00-\x08\x0e-\x1f]", " ", shown))
