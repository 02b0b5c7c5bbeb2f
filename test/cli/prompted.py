"""Runs a command whose standard input and error are a terminal, types a line after a mark, and prints what the terminal showed and what came out."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios

mark, line, command = sys.argv[1], sys.argv[2], sys.argv[3:]
terminal, inside = pty.openpty()
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
child = subprocess.Popen(command, stdin=inside, stderr=inside, stdout=subprocess.PIPE)
os.close(inside)
shown, typed = b"", False
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    shown += chunk
    if not typed and mark.encode() in shown:
        os.write(terminal, line.encode() + b"\r")
        typed = True
stdout = child.stdout.read().decode()
print(json.dumps({"code": child.wait(), "shown": shown.decode(), "stdout": stdout}))
