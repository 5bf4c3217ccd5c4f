"""TCP from one network namespace to another, by way of a socket in a folder: that both see."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def relay(listening: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Whoever comes to a socket is connected on, in threads that end with the process or with the socket."""
    threading.Thread(target=_accept, args=(listening, connect), daemon=True).start()


def listening_file(file: Path) -> socket.socket:
    """A socket in a folder."""
    file.unlink(missing_ok=True)
    found = socket.socket(socket.AF_UNIX)
    found.bind(str(file))
    found.listen(64)
    return found


def listening_port() -> socket.socket:
    """A socket at a free port of 127.0.0.1."""
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def connected_file(file: Path) -> socket.socket:
    """A connection to a socket in a folder."""
    found = socket.socket(socket.AF_UNIX)
    try:
        found.connect(str(file))
    except OSError:
        found.close()
        raise
    return found


def _accept(listening: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with suppress(OSError):  # it is closed
        while True:
            client, _ = listening.accept()
            try:
                server = connect()
            except OSError:
                client.close()
                continue
            for one in (client, server):
                if one.family == socket.AF_INET:  # small parts of an answer do not wait for one another
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
