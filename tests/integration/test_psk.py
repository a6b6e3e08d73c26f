# SPDX-License-Identifier: Apache-2.0
"""Pre-shared keys in place of certificates, on both sides."""
import contextlib
import os
import pathlib
import re
import secrets
import signal

import pytest
import yaml

import ends
import programs
import sluice
from scale import SANITIZED, until
from test_keys import keys_pid, memory_of, names_in

KEY = "00112233445566778899aabbccddeeff" * 2
OTHER_KEY = "ffeeddccbbaa99887766554433221100" * 2
ODD = 'a "b" \\ é\t€ %s'


class Keys:
    """Key files, each for one identity."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def psk(self, identity="tunnel", key=KEY, mode=0o600):
        path = self.folder / f"{len(list(self.folder.glob('*.psk')))}.psk"
        path.touch(mode)
        path.chmod(mode)
        path.write_text(key + "\n")
        return {"identity": identity, "key_file": str(path)}


@pytest.fixture(name="keys")
def fixture_keys(folder):
    return Keys(folder)


def serve(fleet, backend, psk, **service):
    one_backend = backend()
    one = fleet.run_one("tls://127.0.0.1:0", one_backend.url, clients={"psk": psk}, **service)
    one.backend = one_backend
    return one


def s_client(one, *options, identity="tunnel", key=KEY, data=b"hello\n"):
    """`openssl s_client -psk`: (its output, whether the echo came back)."""
    host, port = one.address()
    argv = ["openssl", "s_client", "-connect", f"{host}:{port}", "-ign_eof", *options]
    argv += ["-psk", key, "-psk_identity", identity] if key else []
    with programs.Talk(argv) as talk:
        try:
            talk.expect("---\n(?s:.*)(Verify return code|Extended master)", 5)
            talk.send(data)
            talk.expect(data.decode().strip() + "$", 5)
            is_echoed = True
        except (AssertionError, OSError):
            is_echoed = False
        talk.stop()
        return talk.text(), is_echoed


VERSIONS = pytest.mark.parametrize("version, cipher", [
    ("-tls1_3", "TLS_AES_128_GCM_SHA256"),
    ("-tls1_2", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256")])


class TestOpenssl:
    """s_client and s_server, in both versions."""

    @VERSIONS
    def test_a_client_with_the_key_gets_in(self, fleet, backend, keys, version, cipher):
        one = serve(fleet, backend, keys.psk())
        text, is_echoed = s_client(one, version)
        assert is_echoed, text
        record = one.wait_connection()
        assert record["psk_identity"] == "tunnel" and record["reason"] in ("done", "truncated")
        assert record["resumed"] is False and "peer" not in record
        assert record["version"] == version.replace("-tls1_", "TLSv1.")
        if version == "-tls1_2":
            assert record["cipher"] == cipher
        else:
            assert record["cipher"].endswith("_SHA256") and record["group"]

    @VERSIONS
    @pytest.mark.parametrize("client, text", [
        ({"key": OTHER_KEY}, "another one"), ({"identity": "nobody"}, "identity is not known")])
    def test_another_does_not(self, fleet, backend, keys, version, cipher, client, text):
        del cipher
        one = serve(fleet, backend, keys.psk())
        said, is_echoed = s_client(one, version, **client)
        assert not is_echoed and "alert" in said.lower(), said
        record = one.wait_connection(reason="client_unverified")
        assert text in record["detail"] and "psk_identity" not in record
        assert not one.backend.visits

    def test_an_unknown_identity_is_told_so(self, fleet, backend, keys):
        one = serve(fleet, backend, keys.psk())
        for version in ["-tls1_2", "-tls1_3"]:
            said, _ = s_client(one, version, identity="nobody")
            assert "alert number 115" in said, said

    @VERSIONS
    def test_no_key_at_all_does_not_get_in(self, fleet, backend, keys, version, cipher):
        del cipher
        one = serve(fleet, backend, keys.psk())
        said, is_echoed = s_client(one, version, key=None)
        assert not is_echoed, said
        record = one.wait_connection(reason="client_unverified")
        assert "no pre-shared key" in record["detail"]

    @VERSIONS
    def test_each_identity_has_its_key(self, fleet, backend, keys, version, cipher):
        del cipher
        one = serve(fleet, backend, [keys.psk("a", KEY), keys.psk("b", OTHER_KEY)])
        for identity, key in [("a", KEY), ("b", OTHER_KEY)]:
            assert s_client(one, version, identity=identity, key=key)[1]
            one.wait_connection(psk_identity=identity)
        assert not s_client(one, version, identity="a", key=OTHER_KEY)[1]

    @pytest.mark.parametrize("identity", ["x", "x" * 128, ODD])
    @VERSIONS
    def test_an_identity_may_be_odd(self, fleet, backend, keys, version, cipher, identity):
        del cipher
        one = serve(fleet, backend, keys.psk(identity))
        said, is_echoed = s_client(one, version, identity=identity)
        assert is_echoed, said
        assert one.wait_connection()["psk_identity"] == identity

    @pytest.mark.parametrize("suites", ["TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
                                        "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"])
    def test_the_key_goes_before_the_client_s_first_suite(self, fleet, backend, pki, keys, suites):
        one = serve(fleet, backend, keys.psk(), certificates=[pki.server.as_config()])
        said, is_echoed = s_client(one, "-ciphersuites", suites)
        assert is_echoed, said
        assert one.wait_connection()["psk_identity"] == "tunnel"

    @VERSIONS
    def test_beside_certificates_both_get_in(self, fleet, backend, pki, keys, version, cipher):
        del cipher
        one = serve(fleet, backend, keys.psk(), certificates=[pki.server.as_config()])
        cipher = ["-cipher", "PSK"] if version == "-tls1_2" else []
        assert s_client(one, version, *cipher)[1]
        assert one.wait_connection()["psk_identity"] == "tunnel"
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            client.send(b"x")
            assert client.recv_exactly(1) == b"x"
        until(lambda: len(one.find_logs("connection")) == 2, "the second connection")
        assert "psk_identity" not in one.find_logs("connection")[1]

    def test_an_exchange_without_diffie_hellman_is_refused(self, fleet, backend, keys):
        one = serve(fleet, backend, keys.psk())
        assert not s_client(one, "-tls1_2", "-cipher", "PSK-AES128-GCM-SHA256")[1]
        assert not s_client(one, "-tls1_2", "-cipher", "ECDHE-PSK-AES128-CBC-SHA256")[1]
        assert s_client(one, "-tls1_2", "-cipher", "DHE-PSK-AES256-GCM-SHA384")[1]

    @pytest.mark.parametrize("cipher, level", [("PSK-AES128-GCM-SHA256", 2),
                                               ("PSK-AES256-CCM", 2), ("PSK-AES128-CCM8", 0),
                                               ("ECDHE-PSK-AES128-CBC-SHA256", 2)])
    def test_a_policy_that_names_it_lets_a_key_do_without(self, fleet, backend, keys, stack,
                                                          cipher, level):
        """On both sides, and nothing but what it names."""
        own = {"policies": {"p": {"max_version": "1.2", "ciphers": [cipher],
                                  "security_level": level}}, "policy": "p"}
        one = serve(fleet, backend, keys.psk(), top=own)
        assert s_client(one, "-cipher", f"{cipher}:@SECLEVEL=0")[1]
        assert not s_client(one, "-cipher", "DHE-PSK-AES256-GCM-SHA384")[1]
        record = one.wait_connection(psk_identity="tunnel")
        server = stack.enter_context(Server("-cipher", f"{cipher}:@SECLEVEL=0"))
        other = encrypt(fleet, server.port, keys.psk(), policy="p", top=own)
        with ends.PlainEnd(ends.dial(other.address())) as client:
            client.send(b"hello\n")
            server.talk.expect("^hello")
        assert other.wait_connection()["upstream_cipher"] == record["cipher"]

    def test_check_says_what_the_key_stands_for(self, folder, keys):
        path = sluice.write_config(pathlib.Path(folder) / "check.yaml", {"services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": "tls://127.0.0.1:1",
            "clients": {"psk": [keys.psk("a"), keys.psk("b", OTHER_KEY)]},
            "upstream": {"psk": keys.psk(key="ab" * 32)}}}})
        done = sluice.command("check", "-c", path)
        assert done.returncode == 0, done.stderr
        assert "no certificates asked for, 2 pre-shared keys;" in done.stdout
        assert "upstream: has the pre-shared key 'tunnel'; policy" in done.stdout

    @VERSIONS
    def test_an_upstream_with_the_key_is_spoken_to(self, fleet, keys, stack, version, cipher):
        server = stack.enter_context(Server(version))
        one = encrypt(fleet, server.port, keys.psk())
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"hello\n")
            server.talk.expect("^hello")
        record = one.wait_connection()
        assert record["upstream_resumed"] is False
        assert record["upstream_version"] == version.replace("-tls1_", "TLSv1.")
        if version == "-tls1_2":
            assert record["upstream_cipher"] == cipher

    @pytest.mark.parametrize("version, psk", [
        ("-tls1_2", {"key": OTHER_KEY}), ("-tls1_3", {"key": OTHER_KEY}),
        ("-tls1_3", {"identity": "nobody"})])  # which s_server takes in TLS 1.2
    def test_an_upstream_with_another_is_not(self, fleet, keys, stack, version, psk):
        server = stack.enter_context(Server(version))
        one = encrypt(fleet, server.port, keys.psk(**psk))
        is_cut_off(one)
        one.wait_connection(reason="upstream_handshake_failed")
        assert "secret" not in server.talk.text()

    @VERSIONS
    def test_a_certificate_is_no_substitute(self, fleet, pki, keys, backend, version, cipher):
        """Not even a good one: the key was to be proven."""
        del cipher, version
        one_backend = backend(context=ends.server_context(pki.server))
        one = encrypt(fleet, one_backend.port, keys.psk())
        is_cut_off(one)
        record = one.wait_connection(reason="upstream_unverified")
        assert "certificate" in record["detail"]
        assert not any(visit.received for visit in one_backend.visits)


class Server:
    """`openssl s_server -nocert -psk`."""

    def __init__(self, *options):
        self.talk = programs.Talk(["openssl", "s_server", "-accept", "127.0.0.1:0", "-nocert",
                                   "-psk", KEY, "-psk_identity", "tunnel", *options])
        self.port = int(self.talk.expect(r"^ACCEPT 127\.0\.0\.1:(\d+)")[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.talk.stop()


def encrypt(fleet, port, psk, top=None, **upstream):
    return fleet.run_one("tcp://127.0.0.1:0", f"tls://127.0.0.1:{port}", top=top,
                         upstream={"psk": psk, **upstream})


def is_cut_off(one):
    """A client whose upstream fails the handshake; how early depends on the turn of the loop."""
    with ends.PlainEnd(ends.dial(one.address())) as client:
        with contextlib.suppress(ConnectionError):
            client.send(b"secret\n")
            assert client.fate() == "reset"


class TestTunnel:
    """Two programs, and nothing but a key."""

    @pytest.mark.parametrize("policy", ["modern", "intermediate"])
    @pytest.mark.parametrize("length", [32, 128])
    def test_it_carries_and_resumes(self, fleet, backend, keys, policy, length):
        key = (KEY * 2)[:length]
        far = serve(fleet, backend, keys.psk("t", key), policy=policy)
        near = encrypt(fleet, far.port(), keys.psk("t", key))
        for _ in range(3):
            with ends.PlainEnd(ends.dial(near.address())) as client:
                client.send(b"through")
                assert client.recv_exactly(7) == b"through"
                client.end()
                assert client.fate() == "clean"
        records = far.wait_logs(3, "connection")
        assert [record["resumed"] for record in records] == [False, True, True]
        assert all(record["psk_identity"] == "t" for record in records)
        assert [record["upstream_resumed"] for record in near.wait_logs(3, "connection")] == [
            False, True, True]

    def test_it_does_so_in_tls_1_2(self, fleet, backend, keys):
        top = {"policies": {"old-only": {"extends": "intermediate", "max_version": "1.2"}}}
        far_backend = backend()
        far = fleet.run_one("tls://127.0.0.1:0", far_backend.url, top=top, policy="old-only",
                            clients={"psk": keys.psk()})
        near = encrypt(fleet, far.port(), keys.psk())
        for _ in range(2):
            with ends.PlainEnd(ends.dial(near.address())) as client:
                client.send(b"through")
                assert client.recv_exactly(7) == b"through"
                client.end()
                assert client.fate() == "clean"
        records = far.wait_logs(2, "connection")
        assert [record["resumed"] for record in records] == [False, True]
        assert all(record["psk_identity"] == "tunnel" and record["version"] == "TLSv1.2"
                   for record in records)

    def test_the_wrong_key_ends_both(self, fleet, backend, keys):
        far = serve(fleet, backend, keys.psk())
        near = encrypt(fleet, far.port(), keys.psk(key=OTHER_KEY))
        is_cut_off(near)
        far.wait_connection(reason="client_unverified")
        near.wait_connection(reason="upstream_handshake_failed")
        assert not far.backend.visits


class TestMemory:
    """A key is where handshakes run, and nowhere else."""

    @pytest.mark.skipif(os.geteuid() != 0, reason="reads the memory of other processes")
    @pytest.mark.skipif(SANITIZED, reason="reads a shadow of terabytes")
    def test_only_workers_have_it(self, fleet, backend, keys, pki):
        secret = secrets.token_bytes(32)
        one = serve(fleet, backend, keys.psk(key=secret.hex()), certificates=[
            pki.server.as_config()])
        assert s_client(one, key=secret.hex())[1]
        forms = {"key": [secret], "text": [secret.hex().encode()]}
        assert names_in(memory_of(one.worker_pid()), forms) == {"key"}
        for pid in [one.pid, keys_pid(one)]:
            assert names_in(memory_of(pid), forms) == set()

    def test_a_restarted_worker_has_it_again(self, fleet, backend, keys):
        one = serve(fleet, backend, keys.psk())
        one.may_lose_workers = True
        os.kill(one.worker_pid(), signal.SIGKILL)
        one.wait_log("worker_died")
        one.wait_logs(2, "worker_started")
        assert s_client(one)[1]


class TestResumption:
    """A ticket is for the identity, the key and the service that it was given for."""

    @VERSIONS
    def test_it_does_not_cross(self, fleet, backend, keys, folder, version, cipher):
        del cipher
        a, b = keys.psk("a"), keys.psk("b", OTHER_KEY)
        url = backend().url
        one = fleet.run({"services": {
            name: {"listen": "tls://127.0.0.1:0", "connect": url, "clients": {"psk": psks}}
            for name, psks in [("both", [a, b]), ("b_only", b), ("a_again", a)]}})
        kept = str(pathlib.Path(folder) / "session")

        def go(service, *options):
            host, port = one.address(service)
            argv = ["openssl", "s_client", "-connect", f"{host}:{port}", version, "-ign_eof",
                    *options]
            with programs.Talk(argv) as talk:
                if "-sess_out" in options:
                    until(lambda: pathlib.Path(kept).exists() and
                          pathlib.Path(kept).stat().st_size, "the session")
                else:
                    talk.expect("Reused|New, |alert|errno")
                return talk.text()

        go("both", "-psk", KEY, "-psk_identity", "a", "-sess_out", kept)
        # in TLS 1.2 s_client has no such ciphers without a key
        again = ["-sess_in", kept]
        again += ["-psk", KEY, "-psk_identity", "a"] if version == "-tls1_2" else []
        assert "Reused" in go("both", *again)
        one.wait_connection(service="both", resumed=True, psk_identity="a")
        for service in ["b_only", "a_again"]:
            assert "Reused" not in go(service, *again)
        assert len(one.find_logs("connection", resumed=True)) == 1


class TestGnutls:
    """The other library, as client."""

    @pytest.mark.parametrize("priority, version", [
        ("NORMAL:-VERS-ALL:+VERS-TLS1.3:-KX-ALL:+ECDHE-PSK:+DHE-PSK", "TLSv1.3"),
        ("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-PSK", "TLSv1.2")])
    def test_it_gets_in(self, fleet, backend, keys, priority, version):
        one = serve(fleet, backend, keys.psk())
        with programs.Talk(["gnutls-cli", "--port", one.port(), "--pskusername", "tunnel",
                            "--pskkey", KEY, "--priority", priority, "127.0.0.1"]) as talk:
            if version == "TLSv1.3":  # in TLS 1.2 that of Debian 12 crashes before it says so
                talk.expect("Simple Client Mode")
                talk.send(b"hello\n")
                talk.expect("^hello")
            talk.end_input()
            talk.wait()
        record = one.wait_connection()
        assert record["psk_identity"] == "tunnel" and record["version"] == version

    @pytest.mark.parametrize("name, key", [("tunnel", OTHER_KEY), ("nobody", KEY)])
    def test_another_does_not(self, fleet, backend, keys, name, key):
        one = serve(fleet, backend, keys.psk())
        done = programs.run("gnutls-cli", "--port", one.port(), "--pskusername", name, "--pskkey",
                            key, "--priority", "NORMAL:-KX-ALL:+ECDHE-PSK:+DHE-PSK", "127.0.0.1",
                            input=b"")
        assert done.returncode != 0
        one.wait_connection(reason="client_unverified")


def check(folder, config):
    path = pathlib.Path(folder) / "check.yaml"
    path.write_text(yaml.safe_dump({"services": config}, sort_keys=False))
    done = sluice.command("check", "-c", path)
    return done.returncode, done.stdout + done.stderr


class TestFindings:
    """What `sluice check` says."""

    @staticmethod
    def accepting(psk, **clients):
        return {"main": {"listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:1",
                         "clients": {"psk": psk, **clients}}}

    def test_a_good_one_is_good(self, folder, keys):
        base64 = programs.run("openssl", "base64", "-A", input=b"0123456789abcdef").stdout.decode()
        for key in [KEY, KEY[:32], KEY * 2, base64]:
            status, said = check(folder, self.accepting(keys.psk(key=key)))
            assert status == 0 and "warning" not in said, said

    @pytest.mark.parametrize("key, text", [
        (KEY[:30], "16 to 64 bytes"), (KEY * 2 + "00", "16 to 64 bytes"), ("", "16 to 64 bytes"),
        ("not a key at all, but a sentence", "neither hexadecimal nor base64"),
        (KEY + "0", "neither hexadecimal nor base64"), (KEY * 40, "too large")],
        ids=["short", "long", "empty", "text", "half", "file"])
    def test_a_bad_key_is_an_error(self, folder, keys, key, text):
        psk = keys.psk(key=key)
        status, said = check(folder, self.accepting(psk))
        assert status != 0 and psk["key_file"] in said and text in said, said
        assert re.search(r"check\.yaml:\d+:\d+: error: .*\(service 'main'\)", said), said

    @pytest.mark.parametrize("mode", [0o644, 0o604])
    def test_a_file_for_everybody_is_warned_of(self, folder, keys, mode):
        status, said = check(folder, self.accepting(keys.psk(mode=mode)))
        assert status == 0 and f"can read this pre-shared key (mode {mode:04o})" in said, said

    def test_one_key_of_two_identities_is_an_error(self, folder, keys):
        status, said = check(folder, self.accepting([keys.psk("a"), keys.psk("b", KEY.upper())]))
        assert status != 0 and "the same key is that of another identity" in said, said
        shared = keys.psk("a")
        status, said = check(folder, self.accepting([shared, {**shared, "identity": "b"}]))
        assert status != 0 and "the same key is that of another identity" in said, said

    def test_both_ends_of_a_tunnel_may_be_here(self, folder, keys):
        near = {"near": {"listen": "tcp://127.0.0.1:0", "connect": "tls://127.0.0.1:1",
                         "upstream": {"psk": keys.psk()}}}
        status, said = check(folder, {**self.accepting(keys.psk()), **near})
        assert status == 0, said

    @pytest.mark.parametrize("psk, text", [
        ([{"identity": "a"}], "'key_file' is missing"), ([{"key_file": "/x"}], "'identity' is miss"),
        ({"identity": "a" * 129, "key_file": "/x"}, "'identity' has 129 bytes"),
        ({"identity": "a\0b", "key_file": "/x"}, "NUL"), ("a", "'psk' cannot be"),
        ([], "'psk' is empty"), ({"identity": "a", "key_file": "/nonexistent"}, "/nonexistent"),
        ([{"identity": "a", "key_file": "/x"}, {"identity": "a", "key_file": "/y"}], "twice")])
    def test_what_is_not_whole_is_an_error(self, folder, psk, text):
        status, said = check(folder, self.accepting(psk))
        assert status != 0 and text in said, said
        assert "needs 'certificates'" not in said

    def test_what_contradicts_it_is_an_error(self, folder, keys, pki):
        status, said = check(folder, self.accepting(keys.psk(), verify="require", ca=pki.ca))
        assert status != 0 and "'verify' contradicts 'psk'" in said
        for key, value in [("verify", "off"), ("ca", pki.ca),
                           ("certificate", pki.client.as_config())]:
            status, said = check(folder, {"main": {
                "listen": "tcp://127.0.0.1:0", "connect": "tls://127.0.0.1:1",
                "upstream": {"psk": keys.psk(), key: value}}})
            assert status != 0 and f"'{key}' contradicts 'psk'" in said, said

    def test_it_is_for_tls_only(self, folder, keys):
        plain = {"listen": "tcp://127.0.0.1:0", "connect": "tcp://127.0.0.1:1"}
        for side in ["clients", "upstream"]:
            status, said = check(folder, {"main": {**plain, side: {"psk": keys.psk()}}})
            assert status != 0 and "this service has none" in said, said
