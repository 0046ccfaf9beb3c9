"""A program that begins as a server of version 2.10.26 does, which is too old for relays."""

from __future__ import annotations

import sys
from pathlib import Path

CODE = """
import json, os, socket, sys
config = json.load(open(sys.argv[2]))
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
path = f"{config['ports_file_dir']}/nats-server_{os.getpid()}.ports"
open(path, "w").write(json.dumps({"nats": [f"nats://127.0.0.1:{port}"]}))
while True:
    connection, _ = listener.accept()
    facts = {"server_id": "x", "version": "2.10.26", "max_payload": 1048576, "headers": True}
    connection.sendall(f"INFO {json.dumps(facts)}\\r\\n".encode())
    data = b""
    while b"PING" not in data:
        data += connection.recv(65536)
    connection.sendall(b"PONG\\r\\n")
"""


def old_server(folder: Path) -> Path:
    """Return the path of the program, which takes ``-c`` and a configuration in JSON."""
    program = folder / "nats-server"
    program.write_text(f"#!{sys.executable}\n{CODE}")
    program.chmod(0o755)
    return program
