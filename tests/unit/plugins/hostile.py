"""A service on 127.0.0.1 that says, byte by byte, what a test wants it to say."""

import base64
import contextlib
import html
import json
import socket
import ssl
import struct
import threading
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

COUNTS = {
    "first": "2016-01-01 12:00:00", "last": "2016-02-01 12:00:00",
    "messages": 1000, "deliveries": 980, "opens": 490, "clicks": 98,
}  # fmt: skip


def answer(body, status="200 OK", *headers):
    """A whole HTTP answer; without a `Content-Length` of one's own, the right one."""
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    if not any(line.lower().startswith(("content-length:", "transfer-encoding:")) for line in headers):
        headers = (f"Content-Length: {len(content)}", *headers)
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode("latin-1") + content


def constantly(reply):
    """The script that says the same to every request."""
    return lambda _target: [reply]


def spellings(token):
    """How a service, a library or Ansible may write a token, by name; Base64 less the ends that neighbours change."""
    percent = quote(token, safe="")
    written = {
        "raw": token,
        "percent": percent,
        "percent, lower case": "".join(f"%{byte:02x}" for byte in token.encode()),
        "percent, twice": quote(percent, safe=""),
        "JSON": json.dumps(token)[1:-1],
        "JSON, not ASCII": json.dumps(token, ensure_ascii=False)[1:-1],
        "JSON, twice": json.dumps(json.dumps(token)[1:-1])[1:-1],
        "JSON, slashes escaped": json.dumps(token)[1:-1].replace("/", "\\/"),
        "Python": repr(token)[1:-1],
        "JSON in Python": repr(json.dumps(token)[1:-1])[1:-1],
        "HTML": html.escape(token),
        "HTML, decimal": "".join(f"&#{ord(char)};" for char in token),
        "HTML, hexadecimal": "".join(f"&#x{ord(char):02X};" for char in token),
    }
    for shift in range(3):
        whole = (shift + len(token.encode())) * 8 // 6
        text = base64.b64encode(b"\0" * shift + token.encode()).decode()
        core = text[shift + (shift > 0) : whole]
        written.update({f"Base64, {shift}": core, f"Base64, {shift}, URL": core.translate({43: 45, 47: 95})})
    return written


def leaks(text, token):
    """The spellings of the token that `text` holds, also where line ends and white space part them."""
    seen = text.casefold()
    everything = f"{seen} {''.join(seen.split())}"
    return [name for name, spelling in spellings(token).items() if spelling.casefold() in everything]


def assert_silent(error, token):
    """Nothing that hangs on an exception, however far down, holds the token."""
    seen, pending = [], [error]
    while pending:
        item = pending.pop()
        if item is not None and id(item) not in map(id, seen):
            seen.append(item)
            assert leaks(f"{item} {item!r} {vars(item)} {item.args}", token) == []
            pending += [item.__cause__, item.__context__, *(arg for arg in item.args if isinstance(arg, BaseException))]


class Server:
    """A TCP server on loopback, with TLS where `tls` is given; `threads` are one that accepts, and one a connection."""

    def __init__(self, tls=None, host="127.0.0.1"):
        self.connections = 0
        self._tls = tls
        self._sockets = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=64)
        # Inherited by the connections, so that what lies in buffers counts for little.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        self.port = self._listener.getsockname()[1]
        self.address = f"{f'[{host}]' if ':' in host else host}:{self.port}"
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def close(self):
        """Stop; every thread has ended afterwards."""
        for sock in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive(), "a thread of the server does not end"
        self._listener.close()

    def serve(self, sock):
        """What is done with a connection; an OSError or EOFError ends it."""
        raise NotImplementedError

    def _accept(self):
        while True:
            try:
                sock, _peer = self._listener.accept()
            except OSError:
                return
            sock.settimeout(15)
            self.connections += 1
            self._sockets.append(sock)
            self.threads.append(threading.Thread(target=self._run, args=(sock,)))
            self.threads[-1].start()

    def _run(self, sock):
        with contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            # OSError: the client has gone, or close() was called.
            stack.enter_context(contextlib.suppress(OSError, EOFError))
            if self._tls:
                sock = stack.enter_context(self._tls.wrap_socket(sock, server_side=True))
                self._sockets.append(sock)
            self.serve(sock)


class Hostile(Server):
    """A server that answers each request by its script.

    Of a request's target, that makes the pieces to send. EOFError hangs up, ConnectionResetError resets the connection.
    Where it is `impatient`, it takes the first bytes of a connection for the request, whatever they are.

    `requests` are the heads received, `sent` the bytes that the system took, `busiest` the most requests that were
    answered at the same time, and `url` is what to give as api_url.
    """

    def __init__(self, script, tls=None, impatient=False):
        self.requests = []
        self.sent = self.busiest = self._busy = 0
        self._script, self._impatient = script, impatient
        self._lock = threading.Lock()
        super().__init__(tls)
        self.url = f"http{'s' if tls else ''}://{self.address}/v1"

    @property
    def targets(self):
        """What was asked for, as written in the request lines."""
        return [_target(head.split("\n")[0]) for head in list(self.requests)]

    def serve(self, sock):
        """Answer request after request."""
        if self._impatient:
            self._answer(sock, [repr(sock.recv(65536))])
            sock.recv(65536)
            return
        with sock.makefile("rb") as reader:
            while lines := list(iter(lambda: reader.readline(65536).decode("latin-1").strip("\r\n"), "")):
                self._answer(sock, lines)

    def _answer(self, sock, lines):
        with self._lock:
            self.requests.append("\n".join(lines))
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        try:
            for chunk in self._script(_target(lines[0])):
                sock.sendall(chunk)
                with self._lock:
                    self.sent += len(chunk)
        except ConnectionResetError:
            # Closed with time 0 to linger, the system sends a reset.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise
        finally:
            with self._lock:
                self._busy -= 1


def _target(line):
    """What a request line asks for; what is no request line, such as a greeting of TLS, asks for nothing."""
    words = line.split(" ")
    return words[1] if len(words) == 3 else ""


class Authority:
    """A certificate authority that signs what it should not. `bundle` is the file of its own certificate."""

    def __init__(self, directory):
        from trustme import CA

        self._own, self._other, self._directory = CA(), CA(), directory
        self.bundle = directory / "authority.pem"
        self._own.cert_pem.write_to_path(str(self.bundle))

    def context(self, flaw=""):
        """What a server needs; `flaw` is `expired`, `another name`, `self-signed` or none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if flaw == "self-signed":
            path = self._directory / "self-signed.pem"
            path.write_bytes(self._other.private_key_pem.bytes() + self._other.cert_pem.bytes())
            context.load_cert_chain(path)
        else:
            name = "192.0.2.1" if flaw == "another name" else "127.0.0.1"
            end = datetime.now(timezone.utc) - timedelta(days=1) if flaw == "expired" else None
            self._own.issue_cert(name, not_after=end).configure_cert(context)
        return context
