# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates on PKCS#11 tokens."""
import os
import pathlib
import re
import shutil
import signal
import socket
import threading
import time

import pytest
import yaml

import ends
import sluice
from scale import PATIENCE, SANITIZED, until
from test_config_check import FINDING
from test_keys import keys_pid, memory_of, works
from tokens import HAS_TOKENS, MODULE, PIN, SLOW_MODULE, WHY_NOT, Token

pytestmark = pytest.mark.skipif(not HAS_TOKENS, reason=WHY_NOT)
NOT_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="root only")


@pytest.fixture
def token(folder):
    return Token(folder)


def start(fleet, token, certificates, backend, module=MODULE, pkcs11=None, **top):
    one = fleet.run({"pkcs11": {"module": module, **(pkcs11 or {})}, **top,
                     "services": {"main": {"listen": "tls://127.0.0.1:0", "connect": backend.url,
                                           "certificates": certificates}}}, env=token.env)
    return one


def wait_tokens(one, count=2):
    """Until so many of its processes are there."""
    until(lambda: len(token_pids(one)) == count, "the tokens' processes", 10.0)


def token_pids(one):
    dead = {r["pid"] for r in one.find_logs("token_died")}
    return [r["pid"] for r in one.find_logs("token_started") if r["pid"] not in dead]


def dial(one, pki, version=None, name="localhost"):
    """A handshake and an exchange; gives its seconds and the certificate's DER."""
    context = ends.client_context(pki.ca)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    begin_s = time.monotonic()
    with ends.tls_dial(one.address(), context, name=name) as client:
        took_s = time.monotonic() - begin_s
        client.send(b"hello")
        assert client.recv_exactly(5) == b"hello"
        der = client.tls.getpeercert(binary_form=True)
        client.end()
        client.fate()
    return took_s, der


def check(folder, token, certificates, pkcs11=None, **env):
    """The findings of `sluice check` as (severity, text), with line and column looked at."""
    path = pathlib.Path(folder) / "check.yaml"
    text = yaml.safe_dump({"pkcs11": {"module": MODULE, **(pkcs11 or {})}, "services": {"web": {
        "listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:9",
        "certificates": certificates}}}, sort_keys=False)
    path.write_text(text)
    done = sluice.command("check", "-c", path, env={**os.environ, **token.env, **env})
    found = [FINDING.match(line) for line in done.stderr.splitlines()]
    found = [one for one in found if one]
    assert all(int(one["line"]) > 1 and int(one["column"]) > 1 for one in found)
    assert (done.returncode == 0) == all(one["severity"] == "warning" for one in found), done.stderr
    return [(one["severity"], one["text"]) for one in found]


TLS_1_2, TLS_1_3 = ends.ssl.TLSVersion.TLSv1_2, ends.ssl.TLSVersion.TLSv1_3


class TestSigning:
    """What is signed on the token is what a key file would sign."""

    @pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
    @pytest.mark.parametrize("kind", ["ec", "rsa"])
    def test_handshakes_of_both_versions_work(self, fleet, pki, backend, token, kind, version):
        pair = pki.server if kind == "ec" else pki.server_rsa
        token.import_pair(pair, kind)
        one = start(fleet, token, [token.certificate(pair, kind)], backend())
        for _ in range(3):
            dial(one, pki, version)
        assert {r["version"] for r in one.wait_logs(3, "connection", reason="done")} == {
            "TLSv1.2" if version == TLS_1_2 else "TLSv1.3"}

    @pytest.mark.parametrize("kind", ["P-384", "P-521"])
    def test_larger_curves_sign_as_well(self, fleet, pki, backend, token, kind):
        pair = pki.issue(f"token-{kind}", pki.NAMES, key=kind)
        token.import_pair(pair, kind)
        one = start(fleet, token, [token.certificate(pair, kind)], backend())
        dial(one, pki, TLS_1_2)
        dial(one, pki, TLS_1_3)

    def test_a_client_certificate_is_shown_to_an_upstream(self, fleet, pki, backend, token):
        token.import_pair(pki.client, "me")
        context = ends.server_context(pki.server, client_ca=pki.ca)
        upstream = backend(context=context)
        one = fleet.run({"pkcs11": {"module": MODULE}, "services": {"main": {
            "listen": "tcp://127.0.0.1:0", "connect": upstream.url.replace("tcp:", "tls:"),
            "upstream": {"ca": pki.ca, "name": "localhost",
                         "certificate": token.certificate(pki.client, "me")}}}}, env=token.env)
        with ends.dial(one.address()) as client:
            client.sendall(b"hello")
            assert client.recv(5) == b"hello"
        one.wait_connection(reason="done")

    def test_the_certificate_comes_from_the_token_with_what_is_above_it(self, fleet, pki, backend,
                                                                         token):
        uri = token.import_pair(pki.server, "site", with_certificates=True)
        one = start(fleet, token, [{"chain": uri, "pin_file": token.pin_file}], backend())
        _, der = dial(one, pki)  # whose store has the root alone
        assert der == ends.ssl.PEM_cert_to_DER_cert(pathlib.Path(pki.server.leaf).read_text())

    def test_keys_in_files_and_on_tokens_stand_side_by_side(self, fleet, pki, backend, token):
        token.import_pair(pki.other, "other")
        one = start(fleet, token, [pki.server.as_config(), token.certificate(pki.other, "other")],
                    backend())
        for name, pair in (("localhost", pki.server), ("other.test", pki.other)):
            _, der = dial(one, pki, name=name)
            assert der == ends.ssl.PEM_cert_to_DER_cert(pathlib.Path(pair.leaf).read_text())

    def test_a_module_may_be_named_by_the_uri(self, fleet, pki, backend, token):
        token.import_pair(pki.server, "site")
        uri = token.uri("site", f"?module-path={MODULE}&pin-source=file:{token.pin_file}")
        one = fleet.run({"services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": backend().url,
            "certificates": [{"chain": pki.server.chain, "key": uri}]}}}, env=token.env)
        works(one, pki)


class TestSlowTokens:
    """A token that takes its time, between 1 ms and for ever."""

    def begin(self, fleet, token, pki, backend, **pkcs11):
        token.import_pair(pki.other, "other")
        one = start(fleet, token, [pki.server.as_config(), token.certificate(pki.other, "other")],
                    backend(), module=SLOW_MODULE, pkcs11=pkcs11)
        wait_tokens(one, pkcs11.get("processes", 2))
        return one

    def dial_many(self, one, pki, count, name="other.test"):
        """So many handshakes at once; gives the seconds of each, or what went wrong."""
        results, lock = [], threading.Lock()

        def run():
            try:
                result = dial(one, pki, name=name)[0]
            except (OSError, AssertionError, ends.Truncated) as error:
                result = error
            with lock:
                results.append(result)

        threads = [threading.Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads, results

    def test_a_millisecond_holds_up_no_crowd(self, fleet, pki, backend, token):
        token.set_delay(1)
        one = self.begin(fleet, token, pki, backend)
        threads, results = self.dial_many(one, pki, 60)
        for thread in threads:
            thread.join(30 * PATIENCE)
        assert len(results) == 60 and all(isinstance(r, float) for r in results), results

    def test_three_seconds_are_waited_by_those_who_want_the_token_alone(self, fleet, pki, backend,
                                                                        token):
        one = self.begin(fleet, token, pki, backend, processes=2)
        token.set_delay(3000)
        threads, results = self.dial_many(one, pki, 2)
        until(lambda: token.calls("sign") == 2, "both to be under way", 5.0)
        for _ in range(20):
            took_s, _ = dial(one, pki, name="localhost")
            assert took_s < 0.5 * PATIENCE
        assert not results, "the soft keys were to be done long before"
        for thread in threads:
            thread.join(30 * PATIENCE)
        assert all(isinstance(r, float) and 2.9 < r < 4.5 * PATIENCE for r in results), results

    def test_past_the_deadline_the_reason_is_keys_timeout(self, fleet, pki, backend, token):
        one = self.begin(fleet, token, pki, backend, processes=1)
        token.set_delay(3000)
        threads, results = self.dial_many(one, pki, 3)
        for thread in threads:
            thread.join(30 * PATIENCE)
        one.wait_logs(2, "connection", reason="keys_timeout")
        assert len([r for r in results if isinstance(r, float)]) == 1, results
        token.set_delay(0)
        until(lambda: works_now(one, pki), "the token to be free again", 10.0)

    def test_a_full_queue_is_keys_overload(self, fleet, pki, backend, token):
        one = self.begin(fleet, token, pki, backend, processes=1, queue=3)
        token.set_delay(2000)
        threads, results = self.dial_many(one, pki, 10)
        for thread in threads:
            thread.join(30 * PATIENCE)
        assert len(results) == 10
        one.wait_logs(6, "connection", reason="keys_overload")

    def test_a_token_that_hangs_leaves_the_other_keys_alone(self, fleet, pki, backend, token):
        one = self.begin(fleet, token, pki, backend, processes=2)
        for pid in token_pids(one):
            os.kill(pid, signal.SIGSTOP)
        threads, results = self.dial_many(one, pki, 200)
        for _ in range(10):
            assert dial(one, pki, name="localhost")[0] < 1.0 * PATIENCE
        for thread in threads:
            thread.join(30 * PATIENCE)
        assert not [r for r in results if isinstance(r, float)]
        one.wait_logs(200, "connection", reason="keys_timeout")
        for pid in token_pids(one):
            os.kill(pid, signal.SIGCONT)
        until(lambda: works_now(one, pki), "the token to be free again", 10.0)


def works_now(one, pki):
    try:
        return dial(one, pki, name="other.test")[0] < 1.0 * PATIENCE
    except (OSError, AssertionError, ends.Truncated):
        return False


class TestDeath:
    """kill -9 of each process."""

    def test_what_a_dead_process_had_under_way_is_signed_by_another(self, fleet, pki, backend,
                                                                    token):
        token.import_pair(pki.server, "site")
        one = start(fleet, token, [token.certificate(pki.server, "site")], backend(),
                    module=SLOW_MODULE, pkcs11={"processes": 2})
        wait_tokens(one)
        token.set_delay(700)
        results = []
        thread = threading.Thread(target=lambda: results.append(dial(one, pki)[0]))
        thread.start()
        until(lambda: token.calls("sign") == 1, "a signature under way", 5.0)
        victims = token_pids(one)
        for pid in victims:  # one of them has it
            os.kill(pid, signal.SIGKILL)
        thread.join(20 * PATIENCE)
        assert len(results) == 1
        for pid in victims:
            one.wait_log("token_died", pid=pid, signal=9)
        wait_tokens(one)
        token.set_delay(0)
        works(one, pki)

    def test_new_keys_find_the_tokens_again(self, fleet, pki, backend, token):
        token.import_pair(pki.server, "site")
        one = start(fleet, token, [token.certificate(pki.server, "site")], backend())
        wait_tokens(one)
        for _ in range(3):
            works(one, pki)
            before = keys_pid(one)
            os.kill(before, signal.SIGKILL)
            one.wait_log("keys_died", pid=before)
            until(lambda: len(one.find_logs("keys_started")) > len(one.find_logs("keys_died")),
                  "the keys again", 5.0)
        works(one, pki)
        assert not one.find_logs("token_died")

    def test_a_worker_that_dies_while_it_waits_leaves_the_others_served(self, fleet, pki, backend,
                                                                        token):
        token.import_pair(pki.server, "site")
        one = start(fleet, token, [token.certificate(pki.server, "site")], backend(),
                    module=SLOW_MODULE, workers=1)
        one.may_lose_workers = True
        wait_tokens(one)
        token.set_delay(500)
        sock = socket.create_connection(one.address())
        client = ends.TlsEnd(sock, ends.client_context(pki.ca), name="localhost")
        with pytest.raises(ends.ssl.SSLWantReadError):
            client.tls.do_handshake()
        client.flush()
        until(lambda: token.calls("sign") == 1, "a signature under way", 5.0)
        victim = one.worker_pid()
        os.kill(victim, signal.SIGKILL)
        one.wait_log("worker_died", pid=victim)
        sock.close()
        works(one, pki)
        assert not one.find_logs("keys_died") and not one.find_logs("token_died")


class TestPin:
    """The PIN, which a token counts."""

    def test_a_wrong_pin_is_tried_once_at_check(self, folder, pki, token):
        token.import_pair(pki.server, "site")
        wrong = token.secret("wrong", "00000")
        found = check(folder, token, [token.certificate(pki.server, "site", pin_file=wrong)],
                      {"module": SLOW_MODULE})
        assert len(found) == 1 and found[0][0] == "error"
        assert wrong in found[0][1] and "does not take the PIN" in found[0][1]
        assert token.calls("login") == 1

    def test_a_pin_that_has_become_wrong_is_tried_once_and_never_again(self, fleet, pki, backend,
                                                                       token):
        token.import_pair(pki.server, "site")
        one = start(fleet, token, [pki.other.as_config(), token.certificate(pki.server, "site")],
                    backend(), module=SLOW_MODULE, pkcs11={"processes": 3})
        wait_tokens(one, 3)
        before = token.calls("login")
        pathlib.Path(token.pin_file).write_text("00000\n")
        for pid in token_pids(one):
            os.kill(pid, signal.SIGKILL)
        one.wait_log("token_pin_refused")
        one.wait_logs(4, "token_died")
        dial(one, pki, name="other.test")  # goes on
        assert token.calls("login") == before + 1

    @NOT_ROOT
    def test_it_is_in_no_process_once_the_token_is_open(self, fleet, pki, backend, token):
        secret = "a PIN that is long enough to be found"
        token.util("--init-token", "--free", "--label", "long", "--so-pin", "12345678", "--pin",
                   secret)
        pathlib.Path(token.pin_file).write_text(secret + "\n")
        other = Token.__new__(Token)
        other.__dict__.update(token.__dict__, label="long")
        pkcs8 = token.folder / "k.p8"
        shutil.copy(pki.server.key, pkcs8)
        token.util("--import", pkcs8, "--token", "long", "--label", "site", "--id", "a1", "--pin",
                   secret)
        one = start(fleet, token, [other.certificate(pki.server, "site")], backend())
        wait_tokens(one)
        works(one, pki)
        for pid in (one.pid, one.worker_pid(), keys_pid(one)):
            assert secret.encode() not in memory_of(pid)


class TestCheck:
    """`sluice check` tries it, and says what is wrong where."""

    def test_what_works_has_no_finding(self, folder, pki, token):
        token.import_pair(pki.server, "site")
        assert check(folder, token, [token.certificate(pki.server, "site")]) == []

    @pytest.mark.parametrize("change, text", [
        ({"key": "pkcs11:token=nowhere;object=site"}, "there is no token pkcs11:token=nowhere"),
        ({"key": "pkcs11:token=sluice;object=nothing"}, "there is no private key of that name"),
        ({"chain": "pkcs11:token=sluice;object=nothing"}, "there is no certificate of that name"),
        ({"key": "pkcs11:token=sluice;object=site?module-path=/nothing.so"},
         "there is no PKCS#11 module /nothing.so"),
        ({"key": "pkcs11:token=sluice;object=site?pin-value=1234"}, "a PIN does not belong"),
        ({"pin_file": "/nothing"}, "cannot read /nothing"),
        ({"pin_file": "/dev/null"}, "not a regular file"),
    ])
    def test_what_is_not_there_is_named(self, folder, pki, token, change, text):
        token.import_pair(pki.server, "site")
        found = check(folder, token, [{**token.certificate(pki.server, "site"), **change}])
        assert len(found) == 1 and text in found[0][1], found

    def test_without_a_pin_the_key_is_not_seen_and_that_is_said(self, folder, pki, token):
        token.import_pair(pki.server, "site")
        found = check(folder, token, [{"chain": pki.server.chain, "key": token.uri("site")}])
        assert "or it wants a PIN (pin_file)" in found[0][1]

    def test_a_key_must_belong_to_its_certificate(self, folder, pki, token):
        token.import_pair(pki.server, "site")
        found = check(folder, token, [token.certificate(pki.other, "site")])
        assert len(found) == 1 and token.uri("site") in found[0][1]
        assert "does not belong to" in found[0][1] or "match" in found[0][1], found

    def test_two_pins_for_one_token_are_a_contradiction(self, folder, pki, token):
        token.import_pair(pki.server, "one")
        token.import_pair(pki.other, "two", "a2")
        second = token.secret("second", PIN)
        found = check(folder, token, [token.certificate(pki.server, "one"),
                                      token.certificate(pki.other, "two", pin_file=second)])
        assert len(found) == 1 and "is in another file on line" in found[0][1]

    def test_a_pin_that_others_can_read_is_a_warning(self, folder, pki, token):
        token.import_pair(pki.server, "site")
        os.chmod(token.pin_file, 0o644)
        found = check(folder, token, [token.certificate(pki.server, "site")])
        assert [severity for severity, _ in found] == ["warning"]

    def test_key_transport_is_said_to_be_impossible(self, folder, pki, token):
        token.import_pair(pki.server_rsa, "rsa")
        path = pathlib.Path(folder) / "old.yaml"
        path.write_text(yaml.safe_dump({
            "policy": "old", "pkcs11": {"module": MODULE}, "services": {"web": {
                "listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:9",
                "certificates": [token.certificate(pki.server_rsa, "rsa")]}}}))
        done = sluice.command("check", "-c", path, env={**os.environ, **token.env})
        assert "keys on tokens do no RSA key transport" in done.stderr


class TestCage:
    """Whose processes they are, and what they may do."""

    def test_no_rights_and_no_way_to_more(self, fleet, pki, backend, token):
        token.import_pair(pki.server, "site")
        one = start(fleet, token, [token.certificate(pki.server, "site")], backend())
        wait_tokens(one)
        for pid in token_pids(one):
            status = sluice.status_of(pid)
            assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0 or \
                os.geteuid() != 0
            assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
            assert status["NoNewPrivs"] == "1"
            assert SANITIZED or status["Seccomp"] == "2"
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"Max core file size\s+0\s+0", limits)
            assert sluice.ids_of(pid)[0] == os.geteuid()

    @NOT_ROOT
    def test_another_user_whose_token_it_is(self, fleet, pki, backend, token):
        token.import_pair(pki.server, "site")
        os.chmod(token.folder, 0o711)
        for root, folders, files in os.walk(token.folder / "tokens"):
            for name in [".", *folders, *files]:
                os.chown(os.path.join(root, name), 65534, 65534)
        one = start(fleet, token, [token.certificate(pki.server, "site")], backend(),
                    pkcs11={"user": "nobody"})
        wait_tokens(one)
        works(one, pki)
        assert {sluice.ids_of(pid)[0] for pid in token_pids(one)} == {65534}

    @NOT_ROOT
    def test_a_token_of_another_user_is_not_there(self, folder, pki, token):
        token.import_pair(pki.server, "site")
        found = check(folder, token, [token.certificate(pki.server, "site")], {"user": "nobody"})
        assert len(found) == 1
        assert "this user may not see it" in found[0][1] or "does not start" in found[0][1], found

    @NOT_ROOT
    def test_a_user_that_there_is_not_is_an_error(self, folder, pki, token):
        token.import_pair(pki.server, "site")
        found = check(folder, token, [token.certificate(pki.server, "site")],
                      {"user": "no-such-user"})
        assert len(found) == 1
        assert "there is no user 'no-such-user' on this machine to speak with tokens" in found[0][1]
