# SPDX-License-Identifier: Apache-2.0
"""What only root can do to a running process: use its channels, and make calls within it."""
import contextlib
import ctypes
import errno
import os
import pathlib
import signal
import socket
import struct
import time

from scale import PATIENCE, until

LIBC = ctypes.CDLL(None, use_errno=True)
PIDFD_OPEN, PIDFD_GETFD = 434, 438  # the same number in every architecture
SUPERVISOR_FD = 3  # of every child: its channel to the supervisor

# codec/key_message.h
SIGN, SIGNED = 1, 2
DONE, REFUSED, NOT_THERE = 0, 1, 2
ECDSA_P256, RSA_PSS_SHA256 = 0x0403, 0x0804
UNDERWAY_MAX_COUNT = 128
DATAGRAM_MAX = 36 * 1024
# codec/message.h
READY, FAILED, SWAPPED = 8, 9, 48


def call(number, *args):
    """A system call that the C library has no name for."""
    result = LIBC.syscall(ctypes.c_long(number), *(ctypes.c_long(arg) for arg in args))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def descriptor_of(pid, fd):
    """A duplicate of another process's descriptor."""
    pidfd = call(PIDFD_OPEN, pid, 0)
    try:
        return call(PIDFD_GETFD, pidfd, fd, 0)
    finally:
        os.close(pidfd)


def channels_of(pid):
    """The SOCK_SEQPACKET sockets of a process as sockets of ours, by their number in it."""
    found = {}
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            if not os.readlink(entry).startswith("socket:"):
                continue
            sock = socket.socket(fileno=descriptor_of(pid, int(entry.name)))
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EBADF):  # a connection that has ended since
                raise
            continue
        if sock.family == socket.AF_UNIX and sock.type == socket.SOCK_SEQPACKET:
            found[int(entry.name)] = sock
        else:
            sock.close()
    return found


@contextlib.contextmanager
def channel_of(pid, to_supervisor=False):
    """A child's channel to the supervisor, or the first other one: a worker's to the keys, or one
    of the keys' to a worker. Others are closed here; the process keeps its own."""
    found = {}

    def look():
        found.update(channels_of(pid))
        return any((fd == SUPERVISOR_FD) == to_supervisor for fd in found)

    until(look, "the channel")  # a worker gets the one to the keys after its first messages
    wanted = next(fd for fd in found if (fd == SUPERVISOR_FD) == to_supervisor)
    for fd, sock in found.items():
        if fd != wanted:
            sock.close()
    with found[wanted] as sock:
        yield sock


@contextlib.contextmanager
def stopped(pid):
    """Between SIGSTOP and SIGCONT; the process may be gone at the end."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def send_all(sock, datagram):
    """Sends one datagram, in spite of a full socket."""
    deadline = time.monotonic() + 10 * PATIENCE
    while True:
        try:
            return sock.send(datagram)
        except BlockingIOError:
            assert time.monotonic() < deadline, "nobody reads"
            time.sleep(0.001)


def key_message(kind, number, body):
    return struct.pack("!BIH", kind, number, len(body)) + body


def split(datagram):
    """The messages in a datagram: (type, number, body)."""
    found = []
    while datagram:
        kind, number, length = struct.unpack("!BIH", datagram[:7])
        found.append((kind, number, datagram[7 : 7 + length]))
        datagram = datagram[7 + length :]
    return found


def sign(key=0, scheme=ECDSA_P256, data=b"d" * 32, number=0xF0000000):
    """A request as workers send them; the number is none that a worker has in use."""
    return key_message(SIGN, number, struct.pack("!IH", key, scheme) + data)


def message(kind, body=b"", fds_count=0):
    return struct.pack("!BBHI", 1, kind, fds_count, len(body)) + body


class Registers(ctypes.Structure):
    """struct user_regs_struct of x86-64."""

    _fields_ = [(name, ctypes.c_uint64) for name in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
        "fs_base gs_base ds es fs gs").split()]


def ptrace(request, pid, address=0, data=0):
    LIBC.ptrace.restype = ctypes.c_long
    result = LIBC.ptrace(ctypes.c_long(request), ctypes.c_long(pid), ctypes.c_void_p(address),
                         data if isinstance(data, ctypes.Array) else ctypes.byref(data)
                         if isinstance(data, ctypes.Structure) else ctypes.c_void_p(data))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Visitor:
    """Makes system calls within another process that waits in one (x86-64): its own filters and
    rights decide. Nothing else in it changes."""

    SINGLESTEP, GETREGS, SETREGS, ATTACH, DETACH = 9, 12, 13, 16, 17
    SYSCALL = b"\x0f\x05"
    BELOW_STACK_BYTES = 4096

    def __init__(self, pid):
        self.pid = pid
        self.before = Registers()

    def __enter__(self):
        ptrace(self.ATTACH, self.pid)
        self._wait()
        ptrace(self.GETREGS, self.pid, 0, self.before)
        self.memory = open(f"/proc/{self.pid}/mem", "r+b", buffering=0)
        self.memory.seek(self.before.rip - 2)
        assert self.memory.read(2) == self.SYSCALL, "it does not wait in a system call"
        return self

    def __exit__(self, *_):
        self.memory.close()
        # with orig_rax as it was, the kernel repeats the call that it waited in
        ptrace(self.SETREGS, self.pid, 0, self.before)
        ptrace(self.DETACH, self.pid)

    def _wait(self):
        _, status = os.waitpid(self.pid, 0x40000000)  # __WALL
        assert os.WIFSTOPPED(status), status

    def call(self, number, *args):
        """The result; below 0 an errno. A bytes argument becomes the address of a copy there."""
        regs = Registers.from_buffer_copy(self.before)
        at = self.before.rsp - self.BELOW_STACK_BYTES
        values = []
        for arg in args:
            if isinstance(arg, bytes):
                self.memory.seek(at)
                self.memory.write(arg + b"\0")
                values.append(at)
                at += (len(arg) + 16) & ~15
            else:
                values.append(arg & (1 << 64) - 1)
        for name, value in zip("rdi rsi rdx r10 r8 r9".split(), values + [0] * 6):
            setattr(regs, name, value)
        regs.rax, regs.orig_rax, regs.rip = number, (1 << 64) - 1, self.before.rip - 2
        ptrace(self.SETREGS, self.pid, 0, regs)
        ptrace(self.SINGLESTEP, self.pid)
        self._wait()
        ptrace(self.GETREGS, self.pid, 0, regs)
        return ctypes.c_int64(regs.rax).value
