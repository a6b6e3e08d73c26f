#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a file under src/ reaches for what its layer may not have (docs/architecture.md).

usage: check_layers.py [ROOT]        prints FILE:LINE: MESSAGE; exit status 1 when there is any
"""
import pathlib
import re
import sys

import csource

# A folder includes only folders of a lower number; tls and sys do not know each other.
LEVELS = {"base": 0, "codec": 1, "conf": 2, "tls": 3, "sys": 3, "relay": 4, "net": 5, "svc": 6,
          "app": 7}

# Who may include a header of the system; what is not named here everybody may. <arpa/inet.h> only
# turns addresses into text and back.
ADDRESS_FILES = {"src/base/addr.h", "src/base/addr.c"}  # an address is a value for every layer
ADDRESS_HEADERS = {"sys/socket.h", "netinet/in.h", "sys/un.h"}
KERNEL = {"sys", "app"}
HEADER_LAYERS = {
    "yaml.h": {"conf"},
    "seccomp.h": {"sys"},
    "netdb.h": {"sys", "net", "app"},
    **dict.fromkeys(["sys/epoll.h", "sys/eventfd.h", "sys/mman.h", "sys/signalfd.h",
                     "sys/timerfd.h", "sys/wait.h", "spawn.h", "poll.h", "netinet/tcp.h",
                     "sys/socket.h", "netinet/in.h", "sys/un.h"], KERNEL),
}

# Bytes in, bytes out: no heap, stream, clock, file or socket.
PURE_LAYERS = {"codec", "conf"}
IMPURE_HEADERS = {"time.h", "sys/time.h", "unistd.h", "fcntl.h", "signal.h", "pthread.h"}
IMPURE_CALL = re.compile(
    r"(?<![\w.>])(malloc|calloc|realloc|reallocarray|aligned_alloc|free|strdup|strndup|asprintf|"
    r"printf|vprintf|fprintf|vfprintf|puts|fputs|putchar|perror|fopen|fdopen|fread|fwrite|"
    r"time|clock_gettime|gettimeofday|nanosleep|getenv|"
    r"open|openat|close|read|write|socket|connect|bind|listen|accept4?|send|sendto|sendmsg|"
    r"recv|recvfrom|recvmsg|poll|getaddrinfo)\s*\(")

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]*)"|<([^>]*)>)', re.M)


def check_own_include(layer, target):
    """What is wrong with `#include "target"` in a file of `layer`; None when nothing is."""
    folder = target.split("/")[0]
    if "/" not in target or folder not in LEVELS:
        return f'"{target}" does not begin with the folder of a layer'
    if not target.endswith(".h"):
        return f'"{target}" is not a header'
    if folder == layer or LEVELS[folder] < LEVELS[layer]:
        return None
    way = "sideways" if LEVELS[folder] == LEVELS[layer] else "up"
    return f'"{target}" goes {way}: {layer} may not know {folder}'


def check_system_include(layer, name, target):
    """What is wrong with `#include <target>` in the file `name` of `layer`."""
    layers = {"tls"} if target.startswith("openssl/") else HEADER_LAYERS.get(target)
    if layers is not None and layer not in layers and not (
            name in ADDRESS_FILES and target in ADDRESS_HEADERS):
        return f"<{target}> outside " + " and ".join(f"src/{one}" for one in sorted(layers))
    if target in IMPURE_HEADERS and layer in PURE_LAYERS:
        return f"<{target}> in src/{layer}, which has no clock, file or process"
    return None


def check_variables(text):
    """(line, message) of what can be written to and outlives every call."""
    found = []
    for piece in csource.pieces(text):
        if not piece.is_function:
            if csource.is_mutable_variable(piece.head):
                found.append((piece.line, "mutable variable at file scope outside src/app"))
            continue
        for at, statement in csource.statements(piece.body):
            if (re.match(r"(static|_Thread_local)\b", statement)
                    and csource.is_mutable_variable(statement)):
                line = piece.body_line + piece.body.count("\n", 0, at)
                found.append((line, "mutable static variable outside src/app"))
    return found


def check_file(root, path):
    """(line, message) of everything wrong in one file."""
    name = path.relative_to(root).as_posix()
    layer = name.split("/")[1]
    if layer not in LEVELS or name.count("/") < 2:
        return [(1, "stands in no folder of a layer")]
    raw = path.read_text(encoding="utf-8")
    text = csource.strip_comments(raw)
    found = []
    for match in _INCLUDE.finditer(text):
        message = (check_own_include(layer, match[1]) if match[1] is not None
                   else check_system_include(layer, name, match[2]))
        if message:
            found.append((text.count("\n", 0, match.start()) + 1, message))
    code = csource.strip_directives(csource.strip(raw))
    if layer in PURE_LAYERS:
        for match in IMPURE_CALL.finditer(code):
            found.append((code.count("\n", 0, match.start()) + 1,
                          f"{match[1]}() in src/{layer}, which is pure"))
    if layer != "app":
        found += check_variables(code)
    return sorted(found)


def check(root):
    """FILE:LINE: MESSAGE of everything wrong under `root`."""
    root = pathlib.Path(root).resolve()
    return [f"{path.relative_to(root).as_posix()}:{line}: {message}"
            for path in csource.files(root, ["src"], csource.C_SUFFIXES)
            for line, message in check_file(root, path)]


def main(argv):
    root = argv[1] if len(argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = check(root)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
