# SPDX-License-Identifier: Apache-2.0
"""The ends of a connection, plain or TLS, with every way to end it under the test's control."""
import socket
import ssl
import struct

from scale import PATIENCE

TIMEOUT_S = 20.0 * PATIENCE
CHUNK_BYTES = 1 << 16


class Truncated(Exception):
    """TCP ended without close_notify."""


def is_bare_eof(error):
    """Whether an ssl.SSLError says that TCP ended without close_notify."""
    return isinstance(error, ssl.SSLEOFError) or error.reason == "UNEXPECTED_EOF_WHILE_READING"


def abort(sock):
    """Closes with a TCP RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def dial(address, timeout_s=TIMEOUT_S):
    """Connects to (host, port) or to a unix path."""
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout_s)
        sock.connect(address)
        return sock
    sock = socket.create_connection(address, timeout_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class End:
    """What PlainEnd and TlsEnd share."""

    is_tls = False

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(TIMEOUT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def recv_exactly(self, count):
        parts = bytearray()
        while len(parts) < count:
            part = self.recv(count - len(parts))
            if not part:
                raise AssertionError(f"ended after {len(parts)} of {count} bytes: {parts[:80]!r}")
            parts += part
        return bytes(parts)

    def recv_all(self):
        """Everything up to the clean end."""
        parts = bytearray()
        while True:
            part = self.recv()
            if not part:
                return bytes(parts)
            parts += part

    def fate(self):
        """How the other side ends: "clean", "truncated" or "reset"."""
        try:
            self.recv_all()
            return "clean"
        except Truncated:
            return "truncated"
        except (ConnectionResetError, BrokenPipeError):
            return "reset"

    def fin(self):
        """Ends sending on TCP alone: for TLS a truncation."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        abort(self.sock)

    def close(self):
        self.sock.close()


class PlainEnd(End):
    def send(self, data):
        self.sock.sendall(data)

    def recv(self, count=CHUNK_BYTES):
        return self.sock.recv(count)

    def end(self):
        """Ends sending, cleanly."""
        self.sock.shutdown(socket.SHUT_WR)


def fate_of_dialling(address):
    """How a connection ends that is taken and given up at once: connect may see the reset already."""
    try:
        with PlainEnd(dial(address)) as client:
            return client.fate()
    except ConnectionResetError:
        return "reset"


class TlsEnd(End):
    """TLS over memory BIOs: TCP and TLS end apart from each other."""

    is_tls = True

    def __init__(self, sock, context, server_side=False, name=None, session=None):
        super().__init__(sock)
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server_side,
                                    server_hostname=name, session=session)

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.sock.sendall(data)

    def _fill(self):
        data = self.sock.recv(4 * CHUNK_BYTES)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                self.flush()
                return self
            except ssl.SSLWantReadError:
                self.flush()
                self._fill()
            except ssl.SSLError as error:
                if is_bare_eof(error):
                    raise Truncated("in the handshake") from error
                self.flush()
                raise

    def send(self, data):
        view = memoryview(data)
        for at in range(0, len(view), 4 * CHUNK_BYTES):
            self.tls.write(view[at : at + 4 * CHUNK_BYTES])
            self.flush()

    def recv(self, count=CHUNK_BYTES):
        while True:
            try:
                return self.tls.read(count)
            except ssl.SSLWantReadError:
                self.flush()
                self._fill()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                if is_bare_eof(error):
                    raise Truncated from error
                raise

    def end(self):
        """Sends close_notify and leaves TCP open."""
        unread = self.incoming.read()  # unwrap() takes data in front of the other's end for a fault
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()
        if unread:
            self.incoming.write(unread)


def client_context(ca=None, cert=None, alpn=None, version=None):
    """A client's context; without `ca` it does not verify."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(ca)
    if cert is not None:
        context.load_cert_chain(cert.chain, cert.key)
    if alpn is not None:
        context.set_alpn_protocols(alpn)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def server_context(cert, client_ca=None, alpn=None, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    context.load_cert_chain(cert.chain, cert.key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    if alpn is not None:
        context.set_alpn_protocols(alpn)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def tls_dial(address, context, name="localhost", session=None):
    """Connects and does the handshake."""
    end = TlsEnd(dial(address), context, name=name, session=session)
    try:
        return end.handshake()
    except BaseException:
        end.close()
        raise
