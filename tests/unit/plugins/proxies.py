"""Proxies on loopback that connect whatever they are asked for to one service, or refuse as a test wants."""

import base64
import re
import select
import socket
import struct
import time

from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Server


class Proxy(Server):
    """A proxy that speaks one protocol: `connect` (HTTP), `socks5` or `socks4`; `other` is none of these.

    It always connects to `port` on 127.0.0.1. `refusal` is the status line or the SOCKS code that it answers instead,
    or a function that gives it, or null, for a host; `credentials` are those that it asks for; with `pause` it answers
    byte by byte, with so many seconds before each, and with `lag` it passes on so what the service sends. `asked` lists
    the hosts and ports of the requests, and `shown` the credentials, in order.
    """

    def __init__(self, protocol, port, host="127.0.0.1", refusal=None, credentials=None, pause=0, lag=0, tls=None):
        self.asked, self.shown = [], []
        self._open = getattr(self, f"_open_{protocol}")
        self._target, self._refusal, self._credentials = port, refusal, credentials
        self._pause, self._lag = pause, lag
        super().__init__(tls, host)

    def serve(self, sock):
        """Do what the protocol asks for, and pass on what either end sends."""
        if self._open(sock):
            with socket.create_connection(("127.0.0.1", self._target), 15) as target:
                self._relay(sock, target)

    def _relay(self, one, other):
        ends = {one: other, other: one}
        while True:
            pending = [end for end in ends if getattr(end, "pending", int)()]
            for end in pending or select.select(list(ends), [], [], 15)[0]:
                data = end.recv(65536)
                if not data:
                    return
                _send(ends[end], data, self._lag if end is other else 0)

    def _open_connect(self, sock):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _take(sock, 1)
        host, _colon, port = head.decode("latin-1").split(" ")[1].rpartition(":")
        given = re.search(rb"(?i)\r\nproxy-authorization: Basic (\S*)", head)
        basic = base64.b64decode(given[1]).decode("latin-1") if given else ""
        self._note(host.strip("[]"), int(port), basic)
        status = self._refused() or ("200 Connected" if self._is_welcome() else "407 Proxy Authentication Required")
        _send(sock, f"HTTP/1.1 {status}\r\nProxy-Authenticate: Basic\r\n\r\n".encode(), self._pause)
        return status.startswith("200")

    def _open_socks5(self, sock):
        methods = _take(sock, _take(sock, 2)[1])
        method = 2 if self._credentials else 0
        _send(sock, bytes([5, method if method in methods else 255]), self._pause)
        if method not in methods:
            return False
        given = ()
        if self._credentials:
            given = tuple(_take(sock, _take(sock, count)[-1]).decode() for count in (2, 1))
            _send(sock, bytes([1, given != self._credentials]), self._pause)
            if given != self._credentials:
                return False
        kind = _take(sock, 4)[3]
        if kind == 3:
            host = _take(sock, _take(sock, 1)[0]).decode()
        else:
            family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, _take(sock, size))
        self._note(host, int.from_bytes(_take(sock, 2), "big"), ":".join(given))
        _send(sock, bytes([5, self._refused() or 0, 0, 1, 0, 0, 0, 0, 0, 0]), self._pause)
        return not self._refused()

    def _open_socks4(self, sock):
        _version, _command, port, address = struct.unpack(">BBH4s", _take(sock, 8))
        user = _take_text(sock)
        host = _take_text(sock) if address[:3] == b"\0\0\0" else socket.inet_ntoa(address)
        self._note(host, port, f"{user}:")
        _send(sock, bytes([0, self._refused() or 0x5A, 0, 0, 0, 0, 0, 0]), self._pause)
        return not self._refused()

    def _open_other(self, sock):
        _take(sock, 3)
        _send(sock, b"SSH-2.0-OpenSSH_9.6\r\n", self._pause)
        return False

    def _note(self, host, port, basic):
        name, _colon, password = basic.partition(":")
        self.asked.append((host, port))
        self.shown.append((name, password) if basic else None)

    def _refused(self):
        return self._refusal(self.asked[-1][0]) if callable(self._refusal) else self._refusal

    def _is_welcome(self):
        return self._credentials is None or self.shown[-1] == self._credentials


def _send(sock, data, pause):
    for piece in [bytes([byte]) for byte in data] if pause else [data]:
        time.sleep(pause)
        sock.sendall(piece)


def _take(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _take_text(sock):
    return b"".join(iter(lambda: _take(sock, 1), b"\0")).decode()
