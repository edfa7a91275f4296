"""XML-RPC over supervisord's Unix socket: one connection a call, closed whatever happens."""

import http.client
import socket
from base64 import b64encode
from pathlib import Path
from xmlrpc.client import dumps, loads


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class SupervisorRpc:
    """`call("getAllProcessInfo")`. Raises `OSError` or `http.client.HTTPException` where nobody answers, and
    `xmlrpc.client.Fault` where supervisord refuses."""

    def __init__(self, path: Path, user: str, password: str) -> None:
        self._path = path
        self._headers = {
            "Content-Type": "text/xml",
            "Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode(),
        }

    def call(self, method: str, *arguments: object) -> object:
        connection = _UnixConnection(self._path)
        try:
            body = dumps(arguments, f"supervisor.{method}")  # type: ignore[arg-type]
            connection.request("POST", "/RPC2", body.encode(), self._headers)
            response = connection.getresponse()
            if response.status != 200:
                raise http.client.HTTPException(f"supervisord answered {response.status}")
            answer: object = loads(response.read())[0][0]
            return answer
        finally:
            connection.close()
