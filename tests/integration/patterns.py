# SPDX-License-Identifier: Apache-2.0
"""The patterns (what is listened on, what is connected to) with ends that fit them."""
import ends
import peers

# listen side - connect side
ALL = ["tls-tcp", "tcp-tls", "tls-tls", "tcp-tcp"]
UNIX = ["tls-unix", "unix-tls", "unix-tcp", "tcp-unix", "unix-unix"]


class Pattern:
    """A running program of one pattern with a Python backend behind it."""

    def __init__(self, name, fleet, backend, pki, behave=peers.echo, top=None, **service):
        self.front, self.back = name.split("-")
        self.pki = pki
        options = {}
        if self.back == "tls":
            options["context"] = ends.server_context(pki.server)
            service.setdefault("upstream", {"ca": pki.ca})
        elif self.back == "unix":
            options["path"] = f"{fleet.folder}/backend.sock"
        self.backend = backend(behave, **options)
        if self.front == "tls":
            service.setdefault("certificates", [pki.server.as_config()])
        listen = (f"unix:{fleet.folder}/front.sock" if self.front == "unix"
                  else f"{self.front}://127.0.0.1:0")
        self.sluice = fleet.run_one(listen, self.backend.url, top=top, **service)

    def dial(self, context=None):
        """A new client, its handshake done."""
        address = self.sluice.address()
        if self.front == "tls":
            return ends.tls_dial(address, context or ends.client_context(self.pki.ca))
        return ends.PlainEnd(ends.dial(address))

    def is_tls(self, side):
        return (self.front if side == "client" else self.back) == "tls"
