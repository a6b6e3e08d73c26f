# SPDX-License-Identifier: Apache-2.0
"""Certificates for the suite, made with the openssl command."""
import pathlib
import subprocess


class Pair:
    """A certificate chain (leaf first) and its key, as files."""

    def __init__(self, folder, name):
        self.chain = str(folder / f"{name}.pem")
        self.key = str(folder / f"{name}.key")
        self.leaf = str(folder / f"{name}.leaf.pem")

    def as_config(self):
        return {"chain": self.chain, "key": self.key}


def openssl(*args):
    done = subprocess.run(
        ["openssl", *map(str, args)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"openssl {args}: {done.stderr}"
    return done.stdout


class Pki:
    """
    ca            the root; signs `intermediate`, which signs all leaves
    foreign_ca    a root that nobody trusts
    server        localhost, sluice.test, 127.0.0.1, ::1 (ECDSA P-256); server_rsa the same in RSA
    other, wild   other.test; *.wild.test
    dns_only      sluice.test and no address; ip_only 127.0.0.1 and no name
    expired       the names of server, ended yesterday
    foreign       the names of server, signed by foreign_ca
    client, client_foreign, client_expired
    """

    NAMES = "DNS:localhost,DNS:sluice.test,IP:127.0.0.1,IP:::1"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ca = self._root("ca", "Sluice test root")
        self.foreign_ca = self._root("foreign_ca", "Foreign test root")
        self._intermediate()
        self.server = self.issue("server", self.NAMES)
        self.server_rsa = self.issue("server_rsa", self.NAMES, key="rsa")
        self.other = self.issue("other", "DNS:other.test")
        self.other_rsa = self.issue("other_rsa", "DNS:other.test", key="rsa")
        self.wild = self.issue("wild", "DNS:*.wild.test")
        self.dns_only = self.issue("dns_only", "DNS:sluice.test")
        self.ip_only = self.issue("ip_only", "IP:127.0.0.1")
        self.expired = self.issue("expired", self.NAMES, is_expired=True)
        self.foreign = self.issue("foreign", self.NAMES, issuer="foreign_ca")
        self.client = self.issue("client", None, subject="/O=Sluice test/CN=client-one")
        self.client_expired = self.issue("client_expired", None, is_expired=True)
        self.client_foreign = self.issue("client_foreign", None, issuer="foreign_ca")
        self.combined = str(self.folder / "combined.pem")
        pathlib.Path(self.combined).touch(0o600)
        pathlib.Path(self.combined).write_text(
            pathlib.Path(self.server.chain).read_text() + pathlib.Path(self.server.key).read_text()
        )

    def _key(self, name, kind):
        path = self.folder / f"{name}.key"
        if kind == "rsa":
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                    "-out", path)
        elif kind == "ed25519":
            openssl("genpkey", "-algorithm", "ED25519", "-out", path)
        else:
            curve = "P-256" if kind == "ec" else kind
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}",
                    "-out", path)
        path.chmod(0o600)
        return path

    def _root(self, name, subject):
        key = self._key(name, "ec")
        path = self.folder / f"{name}.pem"
        openssl("req", "-x509", "-new", "-key", key, "-subj", f"/CN={subject}", "-days", "30",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", path)
        return str(path)

    def _sign(self, name, key, issuer, subject, extensions, is_expired):
        request = self.folder / f"{name}.csr"
        text = self.folder / f"{name}.ext"
        text.write_text(extensions)
        openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
        leaf = self.folder / f"{name}.leaf.pem"
        if is_expired:
            self._sign_in_the_past(request, issuer, text, leaf)
        else:
            openssl("x509", "-req", "-in", request, "-CA", self.folder / f"{issuer}.pem",
                    "-CAkey", self.folder / f"{issuer}.key", "-CAcreateserial", "-days", "30",
                    "-extfile", text, "-out", leaf)
        return leaf

    def _sign_in_the_past(self, request, issuer, extensions, leaf):
        """`openssl ca` takes dates that have gone by in every version; `x509 -days` does not."""
        index = leaf.with_suffix(".index")
        index.touch()
        config = leaf.with_suffix(".cnf")
        config.write_text(f"[ca]\ndefault_ca = it\n[it]\ndatabase = {index}\npolicy = any\n"
                          "rand_serial = yes\ndefault_md = sha256\n[any]\n"
                          "organizationName = optional\ncommonName = optional\n")
        openssl("ca", "-batch", "-notext", "-config", config, "-in", request,
                "-cert", self.folder / f"{issuer}.pem",
                "-keyfile", self.folder / f"{issuer}.key", "-extfile", extensions,
                "-outdir", self.folder, "-startdate", "20200101000000Z",
                "-enddate", "20200201000000Z", "-out", leaf)

    def _intermediate(self):
        key = self._key("intermediate", "ec")
        leaf = self._sign("intermediate", key, "ca", "/CN=Sluice test intermediate",
                          "basicConstraints=critical,CA:TRUE,pathlen:0\n"
                          "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
                          "keyUsage=critical,keyCertSign,cRLSign\n", False)
        (self.folder / "intermediate.pem").write_text(leaf.read_text())

    def issue(self, name, alt_names, key="ec", issuer="intermediate", subject=None,
              is_expired=False, usage=None):
        """A new leaf: for a server with names, without them for a client."""
        path = self._key(name, key)
        usage = usage or ("clientAuth" if alt_names is None else "serverAuth")
        extensions = ("basicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\n"
                      f"authorityKeyIdentifier=keyid\nextendedKeyUsage={usage}\n")
        if alt_names is not None:
            extensions += f"subjectAltName={alt_names}\n"
        leaf = self._sign(name, path, issuer, subject or f"/CN={name}", extensions, is_expired)
        pair = Pair(self.folder, name)
        chain = leaf.read_text()
        if issuer == "intermediate":
            chain += (self.folder / "intermediate.pem").read_text()
        pathlib.Path(pair.chain).write_text(chain)
        return pair
