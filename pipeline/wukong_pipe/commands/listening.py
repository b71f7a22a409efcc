"""The port of a server for this machine alone."""

from __future__ import annotations

import socket

from wukong_pipe.errors import WorkspaceError

HOST = "127.0.0.1"


def listening(port: int) -> socket.socket:
    """A socket that has the port; 0 for any.

    Raises:
        WorkspaceError: another process has it, or only root may.
    """
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise WorkspaceError(f"Port {port} cannot be used ({error.strerror}): choose another with --port.") from error
    return listener
