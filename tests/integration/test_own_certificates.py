# SPDX-License-Identifier: Apache-2.0
"""Which of several certificates of ours an upstream is shown, by what it asks for."""
import pathlib
import re
import ssl

import pytest

import ends
import peers
import pki as pki_module
import programs
import sluice


class Owns:
    """Authorities, and what they have signed: self.certs["red-rsa"] has an RSA key. That of green
    is RSA, those of red and blue are ECDSA; red-weak has 1024 bits."""

    KEYS = {"ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "again": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            "weak": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "ed25519": ["ED25519"]}

    def __init__(self, folder, pki):
        self.folder = folder
        self.certs = {"client": pki.client, "server": pki.server}
        self.cas = {"pki": pki.ca}
        for ca, kind in [("red", "ec"), ("blue", "ec"), ("green", "rsa")]:
            self._root(ca, kind)
        for name in ["red-ec", "red-again", "red-rsa", "red-weak", "red-ed25519", "blue-ec",
                     "blue-rsa", "blue-ed25519", "green-ec"]:
            self._issue(name)

    def ca(self, name):
        return self.cas[name]

    def _key(self, path, kind):
        pki_module.openssl("genpkey", "-algorithm", *self.KEYS[kind], "-out", path)
        pathlib.Path(path).chmod(0o600)

    def _root(self, name, kind):
        self.cas[name] = str(self.folder / f"{name}.pem")
        self._key(self.folder / f"{name}.key", kind)
        pki_module.openssl("req", "-x509", "-new", "-key", self.folder / f"{name}.key", "-subj",
                           f"/CN={name} root", "-days", "30", "-addext",
                           "keyUsage=critical,keyCertSign", "-out", self.cas[name])

    def _issue(self, name):
        ca, kind = name.split("-")
        pair = self.certs[name] = pki_module.Pair(self.folder, name)
        self._key(pair.key, kind)
        request, text = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        text.write_text("basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n"
                        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        pki_module.openssl("req", "-new", "-key", pair.key, "-subj", f"/CN={name}", "-out", request)
        pki_module.openssl("x509", "-req", "-in", request, "-CA", self.cas[ca], "-CAkey",
                           self.folder / f"{ca}.key", "-set_serial", str(100 + len(self.certs)),
                           "-days", "30", "-extfile", text, "-out", pair.chain)

    def config(self, *names):
        return [self.certs[name].as_config() for name in names]


@pytest.fixture(scope="module", name="owns")
def fixture_owns(tmp_path_factory, pki):
    return Owns(tmp_path_factory.mktemp("owns"), pki)


# (what the upstream asks for, the certificates at hand, the one that is shown)
EC, RSA, ED = ("ECDSA+SHA256", "RSA-PSS+SHA256:RSA+SHA256", "ed25519")
ALL = f"{EC}:{RSA}:{ED}"
CASES = {
    "one authority": ({"cas": ["red"]}, ["red-ec", "blue-ec"], "red-ec"),
    "the other": ({"cas": ["blue"]}, ["red-ec", "blue-ec"], "blue-ec"),
    "both, so the first": ({"cas": ["red", "blue"]}, ["blue-ec", "red-ec"], "blue-ec"),
    "neither": ({"cas": ["green"]}, ["red-ec", "blue-ec"], "none"),
    "none by name": ({"cas": []}, ["red-ec", "blue-ec"], "red-ec"),
    "one alone is not chosen": ({"cas": ["green"]}, ["red-ec"], "red-ec"),
    "the authority above": ({"cas": ["pki"]}, ["red-ec", "client"], "client"),
    "RSA": ({"cas": [], "signatures": RSA}, ["red-ec", "red-rsa"], "red-rsa"),
    "ECDSA": ({"cas": [], "signatures": EC + ":" + RSA}, ["red-ed25519", "red-ec"], "red-ec"),
    "Ed25519": ({"cas": [], "signatures": ALL}, ["red-ed25519", "red-ec"], "red-ed25519"),
    "both at once": ({"cas": ["blue"], "signatures": EC + ":" + RSA},
                     ["red-rsa", "blue-ed25519", "blue-rsa"], "blue-rsa"),
    "no key for it": ({"cas": ["blue"], "signatures": EC}, ["red-ec", "blue-rsa"], "none"),
    "one alone with another key": ({"cas": [], "signatures": EC}, ["red-rsa"], "none"),
    "a chain of other signatures": ({"cas": [], "signatures": EC}, ["green-ec", "red-ec"],
                                    "red-ec"),
    "a chain of other signatures alone": ({"cas": ["green"], "signatures": EC},
                                          ["red-ec", "green-ec"], "green-ec"),
    "nothing at hand": ({"cas": ["red"]}, [], "none"),
    "nothing asked": (None, ["red-ec", "blue-ec"], None),
}


class Upstream:
    """`openssl s_server` that asks for a certificate as a case says."""

    def __init__(self, pki, owns, version, asks):
        argv = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", pki.server.chain,
                "-cert_chain", pki.server.chain, "-key", pki.server.key,
                "-no-CApath", version]
        if asks is not None:
            named = owns.folder / f"{'-'.join(asks['cas'])}.names.pem"
            named.write_text("".join(pathlib.Path(owns.ca(ca)).read_text() for ca in asks["cas"]))
            argv += ["-verify", "3", *(["-CAfile", named] if asks["cas"] else ["-no-CAfile"])]
            argv += ["-client_sigalgs", asks.get("signatures", ALL)]
        self.talk = programs.Talk(argv)
        self.port = int(self.talk.expect(r"^ACCEPT 127\.0\.0\.1:(\d+)")[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.talk.stop()

    def subject(self):
        """The common name of what it was shown; None for nothing."""
        found = re.search(r"^subject=.*?CN ?= ?(\S+)", self.talk.text(), re.MULTILINE)
        return found and found[1]


@pytest.fixture(name="upstreams", params=["-tls1_2", "-tls1_3"])
def fixture_upstreams(request, pki, owns, stack):
    """One for each case."""
    return {name: stack.enter_context(Upstream(pki, owns, request.param, asks))
            for name, (asks, _, _) in CASES.items()}


def test_the_upstream_is_shown_the_one_that_it_asks_for(fleet, pki, owns, upstreams):
    services = {}
    for number, (name, (_, at_hand, _)) in enumerate(CASES.items()):
        own = {"certificate": owns.config(*at_hand)} if at_hand else {}
        services[f"s{number}"] = {"listen": "tcp://127.0.0.1:0",
                                  "connect": f"tls://127.0.0.1:{upstreams[name].port}",
                                  "upstream": {"ca": pki.ca, **own}}
    one = fleet.run({"services": services})
    got = {}
    for number, name in enumerate(CASES):
        with ends.PlainEnd(ends.dial(one.address(f"s{number}"))) as client:
            client.send(b"hello\n")
            upstreams[name].talk.expect("^hello")
        record = one.wait_connection(service=f"s{number}")
        label = record.get("upstream_certificate")
        got[name] = (upstreams[name].subject(), label if label in (None, "none") else
                     pathlib.Path(label).stem)
    for name, (_, _, wanted) in CASES.items():
        seen = "client-one" if wanted == "client" else wanted if wanted != "none" else None
        assert got[name] == (seen, wanted), name


def test_a_refusal_in_the_handshake_is_logged_with_what_was_shown(fleet, pki, owns, backend):
    """TLS 1.2: the upstream tells before the handshake is over."""
    upstream = backend(peers.echo, context=ends.server_context(
        pki.server, client_ca=owns.ca("green"), version=ssl.TLSVersion.TLSv1_2))
    one = fleet.run_one("tcp://127.0.0.1:0", upstream.url, upstream={
        "ca": pki.ca, "certificate": owns.config("red-ec", "blue-ec")})
    with ends.PlainEnd(ends.dial(one.address())) as client:
        assert client.fate() == "reset"
    record = one.wait_connection(reason="upstream_handshake_failed")
    assert record["upstream_certificate"] == owns.certs["red-ec"].chain


class TestFindings:
    """What `check` says of them."""

    @staticmethod
    def check(folder, pki, certificates, *options, **top):
        path = sluice.write_config(pathlib.Path(folder) / "sluice.yaml", {**top, "services": {
            "main": {"listen": "tcp://127.0.0.1:0", "connect": "tls://127.0.0.1:1",
                     "upstream": {"ca": pki.ca, "certificate": certificates}}}})
        return sluice.command("check", "-c", path, *options)

    def test_they_are_shown_in_their_order(self, folder, pki, owns):
        done = self.check(folder, pki, owns.config("red-ec", "blue-rsa"))
        assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
        red, blue = owns.certs["red-ec"].chain, owns.certs["blue-rsa"].chain
        assert f"; shows {red}, or else {blue}, by what it asks for" in done.stdout

    @pytest.mark.parametrize("names, text", [
        (["red-ec", "red-ec"], "this chain stands in 'certificate' twice: first on line"),
        (["red-rsa", "red-weak"], "red-weak.pem: policy mozilla-intermediate-6.0: "),
    ])
    def test_an_error_stands_at_its_place(self, folder, pki, owns, names, text):
        done = self.check(folder, pki, owns.config(*names))
        assert done.returncode == 2 and text in done.stderr, done.stderr
        assert re.search(r"sluice\.yaml:1\d:\d+: error", done.stderr), done.stderr

    def test_a_response_to_staple_is_for_clients(self, folder, pki, owns):
        certs = owns.config("red-ec", "blue-ec")
        certs[1]["ocsp"] = certs[1]["chain"]
        done = self.check(folder, pki, certs)
        assert done.returncode == 2 and "'ocsp' is for certificates that clients" in done.stderr

    @pytest.mark.parametrize("names, text", [
        (["red-ec", "server"], "its extended key usage lacks clientAuth"),
        (["red-ec", "blue-ec", "red-again"], "it is never shown: {red-ec} fits whatever it fits"),
        (["red-rsa"], "it is never shown: policy ec has no signature for such a key"),
    ])
    def test_one_that_nobody_will_take_is_warned_of(self, folder, pki, owns, names, text):
        policies = {"ec": {"signatures": ["ecdsa_secp256r1_sha256", "ed25519"]}}
        policy = "ec" if names == ["red-rsa"] else "intermediate"
        done = self.check(folder, pki, owns.config(*names), policies=policies, policy=policy)
        wanted = text.replace("{red-ec}", owns.certs["red-ec"].chain)
        assert done.returncode == 0 and done.stderr.count("warning") == 1, done.stderr
        assert wanted in done.stderr
