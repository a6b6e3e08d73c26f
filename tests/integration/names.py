# SPDX-License-Identifier: Apache-2.0
"""A name server of our own: it says what a test wants, or nothing, or what no server should."""
import collections
import socket
import struct
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33}
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
UDP_BYTES_MAX = 1232


def name_bytes(text):
    labels = [label for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def data_of(kind, value):
    """The data of a record: an address, a name, or "PRIORITY WEIGHT PORT TARGET"."""
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "CNAME":
        return name_bytes(value)
    priority, weight, port, target = value.split()
    return struct.pack("!HHH", int(priority), int(weight), int(port)) + name_bytes(target)


def record(owner, kind, ttl_s, value):
    data = data_of(kind, value)
    return name_bytes(owner) + struct.pack("!HHIH", TYPES[kind], 1, ttl_s, len(data)) + data


def question_of(query):
    """The name, its type, and the bytes of the question."""
    at, labels = 12, []
    while query[at] != 0:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    kind = struct.unpack_from("!H", query, at + 1)[0]
    return ".".join(labels).lower(), kind, query[12:at + 5]


class NameServer:
    """Answers by UDP and TCP on one port of 127.0.0.1.

    `zone` has (name, type): [values]; `ttl_s` is that of all. `state`: "answers", "silent" or
    "fails"; `delay_s` is waited before an answer; `lies` has functions (owner) -> [records] by
    name, whatever is asked for."""

    def __init__(self, ttl_s=0):
        self.zone = {}
        self.ttl_s = ttl_s
        self.state = "answers"
        self.delay_s = 0.0
        self.lies = {}
        self.is_udp_cut = False
        self.asked = collections.Counter()  # by (name, type)
        self.tcp_count = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.udp, self.tcp = self._bind()
        self.port = self.udp.getsockname()[1]
        self._threads = [threading.Thread(target=target, daemon=True)
                         for target in (self._serve_udp, self._serve_tcp)]

    @staticmethod
    def _bind():
        for _ in range(50):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(("127.0.0.1", 0))
            tcp = socket.socket()
            try:
                tcp.bind(udp.getsockname())
            except OSError:  # the port is somebody's
                udp.close()
                tcp.close()
                continue
            tcp.listen(64)
            udp.settimeout(0.2)
            tcp.settimeout(0.2)
            return udp, tcp
        raise AssertionError("no port is free for UDP and TCP")

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(10)
        self.udp.close()
        self.tcp.close()

    def config(self, **options):
        """The section `dns` of a configuration that asks this server."""
        return {"servers": [f"127.0.0.1:{self.port}"], "timeout": "300ms", "retry": "200ms",
                "min_ttl": "200ms", **options}

    def set(self, name, kind="A", *values):
        with self._lock:
            self.zone[(name.lower(), TYPES[kind])] = list(values)

    def forget(self, name):
        with self._lock:
            self.zone = {key: value for key, value in self.zone.items() if key[0] != name}

    def count(self, name, kind="A"):
        with self._lock:
            return self.asked[(name, TYPES[kind])]

    def _records(self, name, kind):
        kinds = {number: word for word, number in TYPES.items()}
        if name in self.lies:
            return self.lies[name](name, kinds.get(kind, "")), True
        with self._lock:
            values = self.zone.get((name, kind), [])
            exists = any(key[0] == name for key in self.zone)
        return [record(name, kinds[kind], self.ttl_s, value) for value in values], exists

    def answer(self, query, is_udp):
        """The response, or None."""
        name, kind, question = question_of(query)
        with self._lock:
            self.asked[(name, kind)] += 1
        if self.state == "silent":
            return None
        code = SERVFAIL if self.state == "fails" else NOERROR
        records, exists = self._records(name, kind) if code == NOERROR else ([], True)
        code = code if exists else NXDOMAIN
        body = question + b"".join(records)
        is_cut = is_udp and (self.is_udp_cut or len(body) + 12 > UDP_BYTES_MAX)
        flags = 0x8180 | code | (0x0200 if is_cut else 0)
        if is_cut:
            records, body = [], question
        return query[:2] + struct.pack("!5H", flags, 1, len(records), 0, 0) + body

    def _reply(self, query, peer):
        if self.delay_s:
            time.sleep(self.delay_s)
        response = self.answer(query, True)
        if response is not None and not self._stopping.is_set():
            self.udp.sendto(response, peer)

    def _serve_udp(self):
        while not self._stopping.is_set():
            try:
                query, peer = self.udp.recvfrom(4096)
            except (TimeoutError, socket.timeout):
                continue
            if self.delay_s:
                threading.Thread(target=self._reply, args=(query, peer), daemon=True).start()
            else:
                self._reply(query, peer)

    def _serve_tcp(self):
        while not self._stopping.is_set():
            try:
                sock, _ = self.tcp.accept()
            except (TimeoutError, socket.timeout):
                continue
            threading.Thread(target=self._serve_stream, args=(sock,), daemon=True).start()

    def _serve_stream(self, sock):
        with sock:
            sock.settimeout(5)
            try:
                while True:
                    head = sock.recv(2, socket.MSG_WAITALL)
                    if len(head) < 2:
                        return
                    query = sock.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
                    with self._lock:
                        self.tcp_count += 1
                    response = self.answer(query, False)
                    if response is None:
                        return
                    sock.sendall(struct.pack("!H", len(response)) + response)
            except OSError:
                return
