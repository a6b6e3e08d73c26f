# SPDX-License-Identifier: Apache-2.0
"""Backends of our own in threads: each connection runs one function that says how to behave."""
import hashlib
import os
import selectors
import socket
import ssl
import threading

from ends import PlainEnd, TlsEnd, Truncated
from scale import PATIENCE, blocks, until

LISTEN_BACKLOG = 2048


class Visit:
    """One connection to a backend: `end` after the handshake, what came, and how it went."""

    def __init__(self, sock):
        self.sock = sock
        self.end = None
        self.received = bytearray()
        self.received_bytes = 0
        self.sent_bytes = 0
        self.digest = None
        self.outcome = None  # "done", "reset", "truncated", "handshake: …", "failed: …"
        self.go = threading.Event()  # tests let a waiting behaviour go on with it
        self.finished = threading.Event()

    def read(self):
        """One receive, kept in `received`; empty at the clean end."""
        data = self.end.recv()
        self.received += data
        self.received_bytes += len(data)
        return data

    def wait(self, timeout_s=20.0):
        """Until the behaviour is over; gives the outcome."""
        assert self.finished.wait(timeout_s * PATIENCE), "the backend is still busy"
        return self.outcome


def echo(visit):
    """Sends back what comes; a clean end for a clean end."""
    while True:
        data = visit.read()
        if not data:
            break
        visit.end.send(data)
    visit.end.end()


def sink(visit):
    """Takes everything, then answers with its SHA-256."""
    digest = hashlib.sha256()
    while True:
        data = visit.end.recv()
        if not data:
            break
        digest.update(data)
        visit.received_bytes += len(data)
    visit.digest = digest.hexdigest()
    visit.end.send(visit.digest.encode())
    visit.end.end()


def hold(visit):
    """Reads nothing until `go`, then is a sink."""
    assert visit.go.wait(120 * PATIENCE)
    sink(visit)


def collect(visit):
    """Keeps everything, says nothing until `go`, then ends cleanly."""
    while visit.read():
        pass
    assert visit.go.wait(60 * PATIENCE)
    visit.end.end()


def silent(visit):
    """Reads nothing and says nothing until `go`."""
    visit.go.wait(60 * PATIENCE)


def source(total_bytes):
    """Sends so many bytes of blocks(), ends, and waits for the other's end."""

    def behave(visit):
        for block in blocks(total_bytes):
            visit.end.send(block)
            visit.sent_bytes += len(block)
        visit.end.end()
        while visit.read():
            pass

    return behave


def sink_while_sending(visit, total_bytes):
    """Answers every block that comes with one of its own of the same size, up to total_bytes."""
    digest = hashlib.sha256()
    for block in blocks(total_bytes):
        data = visit.end.recv_exactly(len(block))
        digest.update(data)
        visit.end.send(block)
    visit.digest = digest.hexdigest()
    assert visit.end.recv_all() == b""
    visit.end.end()


class Backend:
    """Listens on a port of 127.0.0.1 or a unix path, or IPv6 with host="::1"."""

    def __init__(self, behave=echo, context=None, path=None, host="127.0.0.1", is_raw=False,
                 port=0):
        self.behave = behave
        self.context = context
        self.is_raw = is_raw  # a TLS service whose handshake the behaviour does itself, or not
        self.visits = []
        self.path = path
        if path is not None:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o666)
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.listener = socket.socket(family)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((host, port))
            self.host = f"[{host}]" if ":" in host else host
            self.port = self.listener.getsockname()[1]
        self.listener.listen(LISTEN_BACKLOG)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self):
        if self.path is not None:
            return f"unix:{self.path}"
        scheme = "tcp" if self.context is None and not self.is_raw else "tls"
        return f"{scheme}://{self.host}:{self.port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(10)
        self.listener.close()
        for visit in self.visits:
            visit.go.set()
            try:
                visit.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            visit.finished.wait(10)

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            visit = Visit(sock)
            self.visits.append(visit)
            threading.Thread(target=self._serve, args=(visit,), daemon=True).start()

    def _serve(self, visit):
        try:
            self._greet(visit)
            if visit.end is not None:
                self.behave(visit)
                visit.outcome = "done"
        except Truncated:
            visit.outcome = "truncated"
        except (ConnectionResetError, BrokenPipeError):
            visit.outcome = "reset"
        except (OSError, AssertionError) as error:
            visit.outcome = f"failed: {error}"
        finally:
            visit.sock.close()
            visit.finished.set()

    def _greet(self, visit):
        if visit.sock.family != socket.AF_UNIX:
            visit.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context is None:
            visit.end = PlainEnd(visit.sock)
            return
        end = TlsEnd(visit.sock, self.context, server_side=True)
        try:
            visit.end = end.handshake()
        except Truncated:
            visit.outcome = "handshake: truncated"
        except (OSError, ssl.SSLError) as error:
            visit.outcome = f"handshake: {error}"

    def visit(self, index=0, timeout_s=10.0):
        """The connection of that number, once it is there and its handshake done."""
        until(lambda: len(self.visits) > index, f"connection {index} to the backend", timeout_s)
        one = self.visits[index]
        until(lambda: one.end is not None or one.finished.is_set(), "its handshake", timeout_s)
        return one


class ManyEcho:
    """A plain echo for thousands of connections in one thread."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(4096)
        self.listener.setblocking(False)
        self.url = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(10)
        self.listener.close()

    def _run(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.listener, selectors.EVENT_READ)
            while not self._stopping.is_set():
                for key, _ in selector.select(0.2):
                    if key.fileobj is self.listener:
                        sock, _ = self.listener.accept()
                        selector.register(sock, selectors.EVENT_READ)
                    else:
                        self._serve(selector, key.fileobj)
            for key in list(selector.get_map().values()):
                if key.fileobj is not self.listener:
                    key.fileobj.close()

    @staticmethod
    def _serve(selector, sock):
        try:
            data = sock.recv(65536)
            if data:
                sock.sendall(data)
                return
        except OSError:
            pass
        selector.unregister(sock)
        sock.close()


class Unanswering:
    """A port whose accept queue is full: a connect to it gets no answer."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.address = self.listener.getsockname()
        self.fillers = []

    @property
    def url(self):
        return f"tcp://127.0.0.1:{self.address[1]}"

    def __enter__(self):
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(self.address)
            self.fillers.append(sock)
        probe = socket.socket()
        probe.settimeout(0.2)
        try:
            probe.connect(self.address)
        except (TimeoutError, socket.timeout):
            pass
        else:
            raise AssertionError("the accept queue is not full")
        finally:
            probe.close()
        return self

    def __exit__(self, *_):
        for sock in [*self.fillers, self.listener]:
            sock.close()


class Refusing:
    """A port of 127.0.0.1 that stays ours and refuses connections: bound, not listening."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
