# SPDX-License-Identifier: Apache-2.0
"""PROXY headers to and from the programs that people have: haproxy, nginx and curl."""
import re
import ssl
import pathlib

import pytest

import ends
import peers
import programs
import proxy

FROM_LOOPBACK = {"from": ["127.0.0.1"]}


def version_of(*argv):
    done = programs.run(*argv)
    found = re.search(rb"(\d+)\.(\d+)\.(\d+)", done.stdout + done.stderr)
    return tuple(int(part) for part in found.groups())


def keep(headers):
    """A backend that reads a header, keeps it and is an echo."""

    def behave(visit):
        headers.append(proxy.read_v2(visit.end))
        peers.echo(visit)

    return behave


def ask(end):
    """One exchange; gives the client's own address as text."""
    with end:
        end.send(b"words")
        assert end.recv_exactly(5) == b"words"
        return "%s:%d" % end.sock.getsockname()


class TestHaproxySends:
    @pytest.mark.parametrize("word", ["send-proxy", "send-proxy-v2"])
    def test_the_client_is_that_of_haproxy(self, fleet, pki, backend, folder, stack, word):
        one = fleet.run_one("tls://127.0.0.1:0", backend().url, proxy_protocol=FROM_LOOPBACK,
                            certificates=[pki.server.as_config()])
        haproxy = stack.enter_context(programs.Haproxy(
            folder, f"127.0.0.1:{one.port()} {word}"))
        context = ends.client_context(pki.ca)
        own = ask(ends.tls_dial(("127.0.0.1", haproxy.port), context))
        record = one.wait_connection(client=own)
        assert record["via"].startswith("127.0.0.1:") and record["via"] != own

    def test_its_checks_say_local(self, fleet, backend, folder, stack):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, proxy_protocol=FROM_LOOPBACK)
        stack.enter_context(programs.Haproxy(
            folder, f"127.0.0.1:{one.port()} send-proxy-v2 check inter 50ms fall 1"))
        record = one.wait_logs(3, "connection")[-1]
        assert "via" not in record
        assert record["reason"] not in ("proxy_header_missing", "proxy_header_invalid")

    def test_tlvs_of_its_tls_go_on_as_they_are(self, fleet, pki, backend, folder, stack):
        headers = []
        one = fleet.run_one(
            "tcp://127.0.0.1:0", backend(keep(headers)).url,
            proxy_protocol={**FROM_LOOPBACK,
                            "pass": ["ssl", "alpn", "authority", "unique_id", "0xEA"]},
            upstream={"proxy_protocol": "v2", "proxy_tlvs": ["unique_id", "crc32c"]})
        pem = pathlib.Path(folder) / "haproxy.pem"
        pem.write_text(pathlib.Path(pki.server.chain).read_text()
                       + pathlib.Path(pki.server.key).read_text())
        has_own = version_of("haproxy", "-v") >= (2, 9, 0)
        haproxy = stack.enter_context(programs.Haproxy(
            folder, f"127.0.0.1:{one.port()} send-proxy-v2-ssl-cn proxy-v2-options "
            "cert-key,cert-sig,ssl-cipher,authority,crc32c,unique-id"
            + (" set-proxy-v2-tlv-fmt(0xEA) vpce" if has_own else ""),
            bind=f"ssl crt {pem} ca-file {pki.ca} verify optional alpn echo/1",
            directives=["unique-id-format id-%ci-%cp"]))
        context = ends.client_context(pki.ca, cert=pki.client, alpn=["echo/1"])
        end = ends.tls_dial(("127.0.0.1", haproxy.port), context)
        cipher = end.tls.cipher()[0].encode()
        host, port = end.sock.getsockname()
        ask(end)
        places, tlvs, nested = headers[0]
        unique = f"id-{host}-{port}"
        assert places == [(host, port), ("127.0.0.1", haproxy.port)]
        assert tlvs.pop(proxy.CRC32C)
        assert tlvs.pop(0xEA, None) == (b"vpce" if has_own else None)
        assert tlvs.pop(proxy.SSL)[:5] == b"\x07\0\0\0\0"
        assert tlvs == {proxy.ALPN: b"echo/1", proxy.AUTHORITY: b"localhost",
                        proxy.UNIQUE_ID: unique.encode()}
        assert nested[proxy.SSL_VERSION] == b"TLSv1.3" and nested[proxy.SSL_CN] == b"client-one"
        assert nested[proxy.SSL_CIPHER] == cipher
        # by its words, which ours are held to
        assert nested[proxy.SSL_KEY_ALG] == b"EC256"
        assert nested[proxy.SSL_SIG_ALG] == b"ecdsa-with-SHA256"
        assert one.wait_connection(client=f"{host}:{port}")["id"] == unique


class TestHaproxyReceives:
    FORMAT = "%[src]:%[src_port] %[dst_port] a=%[fc_pp_authority] i=%[fc_pp_unique_id]"

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_it_sees_the_client_and_what_is_told(self, fleet, pki, folder, stack, version):
        haproxy = stack.enter_context(programs.Haproxy(
            folder, "127.0.0.1:1", mode="http", bind="accept-proxy", directives=[
                "http-request return status 200 content-type text/plain "
                f'lf-string "{self.FORMAT}"']))
        upstream = {"proxy_protocol": version}
        if version == "v2":
            upstream["proxy_tlvs"] = ["alpn", "authority", "crc32c", "unique_id", "ssl_version",
                                      "ssl_cn", "ssl_cipher", "ssl_sig_alg", "ssl_key_alg",
                                      "ssl_group", "ssl_sig_scheme", "ssl_client_cert", "resumed"]
        one = fleet.run_one("tls://127.0.0.1:0", f"tcp://127.0.0.1:{haproxy.port}",
                            upstream=upstream, certificates=[pki.server.as_config()],
                            clients={"verify": "require", "ca": pki.ca})
        end = ends.tls_dial(one.address(), ends.client_context(pki.ca, cert=pki.client))
        with end:
            own = "%s:%d" % end.sock.getsockname()
            end.send(b"GET / HTTP/1.0\r\n\r\n")
            answer = end.recv_all().decode()
        record = one.wait_connection(client=own)
        expected = f"{own} {one.port()} "
        expected += f"a=localhost i={record['id']}" if version == "v2" else "a= i="
        assert answer.endswith("\r\n\r\n" + expected), answer


class TestNginx:
    def test_its_stream_proxy_sends(self, fleet, pki, backend, folder, stack):
        one = fleet.run_one("tls://127.0.0.1:0", backend().url, proxy_protocol=FROM_LOOPBACK,
                            certificates=[pki.server.as_config()])
        nginx = stack.enter_context(programs.NginxStream(folder, f"127.0.0.1:{one.port()}"))
        own = ask(ends.tls_dial(("127.0.0.1", nginx.port), ends.client_context(pki.ca)))
        assert one.wait_connection(client=own)["via"].startswith("127.0.0.1:")

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_it_receives(self, fleet, pki, folder, stack, version):
        has_tlvs = version == "v2" and version_of("nginx", "-v") >= (1, 23, 2)
        who = "$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_port"
        if has_tlvs:
            who += (" $proxy_protocol_tlv_authority $proxy_protocol_tlv_unique_id"
                    " $proxy_protocol_tlv_ssl_version $proxy_protocol_tlv_ssl_cn"
                    " $proxy_protocol_tlv_ssl_verify")
        nginx = stack.enter_context(programs.Nginx(folder, flags=" proxy_protocol", who=who))
        one = fleet.run_one("tls://127.0.0.1:0", nginx.url, upstream={"proxy_protocol": version},
                            certificates=[pki.server.as_config()],
                            clients={"verify": "require", "ca": pki.ca})
        context = ends.client_context(pki.ca, cert=pki.client)
        with ends.tls_dial(one.address(), context) as end:
            own = "%s:%d" % end.sock.getsockname()
            end.send(b"GET /who HTTP/1.0\r\n\r\n")
            answer = end.recv_all().decode()
        expected = f"{own} {one.port()}"
        if has_tlvs:
            record = one.wait_connection(client=own)
            expected += f" localhost {record['id']} TLSv1.3 client-one 0"
        assert answer.endswith("\r\n\r\n" + expected + "\n"), answer


def test_curl_sends(fleet, pki, folder, stack):
    nginx = stack.enter_context(programs.Nginx(folder))
    one = fleet.run_one("tls://127.0.0.1:0", nginx.url, proxy_protocol=FROM_LOOPBACK,
                        certificates=[pki.server.as_config()])
    url = f"https://localhost:{one.port()}/hello"
    argv = ["--cacert", pki.ca, "--resolve", f"localhost:{one.port()}:127.0.0.1", "--ipv4"]
    assert programs.curl("--haproxy-protocol", *argv, url) == b"hello from nginx\n"
    record = one.wait_connection(reason="done")
    assert record["client"] == record["via"], "curl names itself"
    done = programs.run("curl", "-sS", "--noproxy", "*", *argv, url)
    assert done.returncode != 0
    one.wait_connection(reason="proxy_header_missing")


def test_two_of_our_own_pass_everything_on(fleet, pki, backend):
    """From TLS to TCP to the backend, by two headers."""
    headers = []
    second = fleet.run_one("tcp://127.0.0.1:0", backend(keep(headers)).url,
                           proxy_protocol={**FROM_LOOPBACK,
                                           "pass": ["ssl", "authority", "unique_id"]},
                           upstream={"proxy_protocol": "v2"})
    first = fleet.run_one("tls://127.0.0.1:0", second.url(), upstream={"proxy_protocol": "v2"},
                          certificates=[pki.server.as_config()])
    own = ask(ends.tls_dial(first.address(), ends.client_context(
        pki.ca, version=ssl.TLSVersion.TLSv1_2)))
    places, tlvs, nested = headers[0]
    assert "%s:%d" % places[0] == own and places[1] == first.address()
    assert set(tlvs) == {proxy.SSL, proxy.AUTHORITY, proxy.UNIQUE_ID}
    assert nested[proxy.SSL_VERSION] == b"TLSv1.2"
    ids = {one.wait_connection(client=own)["id"] for one in (first, second)}
    assert ids == {tlvs[proxy.UNIQUE_ID].decode()}
