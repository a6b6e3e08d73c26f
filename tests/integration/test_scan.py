# SPDX-License-Identifier: Apache-2.0
"""What scanners find at each policy: only what this table allows, by name and with its reason."""
import os
import re

import pytest

import scanners

POLICIES = ["modern", "intermediate", "old"]
IS_LONG = os.environ.get("SLUICE_SCAN") == "1"  # ./start scan
LONG = pytest.mark.skipif(not IS_LONG, reason="slow, and more packages: ./start scan")

ALL = set(POLICIES)
TLS_12 = {"intermediate", "old"}
OLD, MODERN = {"old"}, {"modern"}

SUITES = r"TLS_(AES_128_GCM_SHA256|AES_256_GCM_SHA384|CHACHA20_POLY1305_SHA256)"
AEAD = r"ECDHE-(ECDSA|RSA)-(AES128-GCM-SHA256|AES256-GCM-SHA384|CHACHA20-POLY1305)"
CBC = r"(ECDHE-(ECDSA|RSA)-)?AES(128|256)-SHA(256|384)?|AES(128-GCM-SHA256|256-GCM-SHA384)"
TRIPLE_DES = "DES-CBC3-SHA"  # where the library has it

# (policies, the whole line as a regular expression, why it may be said)
SSLSCAN = [
    (ALL, r"protocol tls1\.3", "of the policy"),
    (TLS_12, r"protocol tls1\.2", "of the policy"),
    (OLD, r"protocol tls1\.[01]", "of the policy"),
    (ALL, rf"cipher TLSv1\.3 {SUITES} (strong|acceptable)", "of the policy"),
    (TLS_12, rf"cipher TLSv1\.2 {AEAD} (strong|acceptable)", "of the policy"),
    (OLD, rf"cipher TLSv1\.[012] ({CBC}) (strong|acceptable)", "of the policy"),
    (OLD, rf"cipher TLSv1\.[012] {TRIPLE_DES} (medium|weak)", "of the policy"),
    (ALL, r"group TLSv1\.3 (secp256r1 \(NIST P-256\)|secp384r1 \(NIST P-384\)|x25519"
     r"|X25519MLKEM768)", "of the policy"),
    (TLS_12, r"group TLSv1\.2 (secp256r1 \(NIST P-256\)|secp384r1 \(NIST P-384\)|x25519)",
     "of the policy"),
    (ALL, r"signature TLSv1\.3 (ecdsa_secp256r1_sha256|rsa_pss_rsae_sha(256|384|512))",
     "of the policy"),
    (TLS_12, r"signature TLSv1\.2 (ecdsa_|rsa_(pkcs1|pss_rsae)_)\w*sha(256|384|512)",
     "of the policy"),
    (OLD, r"signature TLSv1\.2 (rsa_pkcs1_sha1|ecdsa_sha1)", "TLS 1.0's hash, of the policy"),
    (ALL, r"fallback", "RFC 7507, where versions are"),
    (TLS_12, r"renegotiation secure", "RFC 5746 is announced; a try is refused"),
    (ALL, r"key EC prime256v1", "the test's certificate"),
    (TLS_12, r"key RSA 2048", "the test's certificate"),
    (ALL, r"signed ecdsa-with-SHA256", "the test's certificate"),
]

GNUTLS = [
    (ALL, r"for TLS 1\.3 \(RFC8446\) support: yes", "of the policy"),
    (TLS_12, r"for TLS 1\.2 \(RFC5246\) support: yes", "of the policy"),
    (OLD, r"for TLS 1\.[01] \(RFC\d+\) support: yes", "of the policy"),
    (OLD, r"for TLS 1\.0 \(RFC2246\) support with TLS 1\.0 record version: yes", "RFC 5246 E.1"),
    (ALL, r"for known TLS or SSL protocols support: yes", "so it must be"),
    (MODERN, r"whether we need to disable TLS 1\.[012]: yes", "modern has TLS 1.3 alone"),
    (MODERN, r"TLS1\.2 neg fallback from TLS 1\.6 to: failed .*", "modern has TLS 1.3 alone"),
    (ALL - OLD, r"fallback from TLS 1\.1 to: failed", "below TLS 1.2 there is nothing"),
    (TLS_12, r"TLS1\.2 neg fallback from TLS 1\.6 to: TLS1\.2", "RFC 5246 E.1"),
    (OLD, r"for inappropriate fallback \(RFC7507\) support: yes", "so it must be"),
    (MODERN, r"for certificate chain order: unsorted", "it looks with TLS 1.2, so at no chain"),
    (TLS_12, r"for certificate chain order: sorted", "so it must be"),
    (TLS_12, r"for (safe renegotiation \(RFC5746\)|ext master secret \(RFC7627\)) support: yes",
     "so it must be"),
    (OLD, r"for encrypt-then-MAC \(RFC7366\) support: yes", "better than without"),
    (ALL - OLD, r"for version rollback bug in RSA PMS: yes",
     "the failed handshake is taken for the bug, but there is no RSA key transport"),
    (OLD, r"for version rollback bug in RSA PMS: dunno", "its question ends in ECDHE"),
    (TLS_12, r"whether the server ignores the RSA PMS version: yes", "as above"),
    (TLS_12, r"whether the server accepts default record size \(512 bytes\): yes", "no fault"),
    (TLS_12, r"whether small records \(512 bytes\) are tolerated on handshake: yes", "no fault"),
    (TLS_12, r"whether cipher suites not in SSL 3\.0 spec are accepted: yes", "no fault"),
    (TLS_12, r"whether a bogus TLS record version in the client hello is accepted: yes",
     "RFC 5246 E.1: servers must accept any 03.XX"),
    (TLS_12, r"whether the server understands TLS closure alerts: yes", "so it must be"),
    (TLS_12, r"whether the server supports session resumption: yes", "tickets"),
    (TLS_12, r"for ephemeral EC Diffie-Hellman support: yes", "of the policy"),
    (OLD, r"for RSA key exchange support: yes", "of the policy"),
    (TLS_12, r"for curve (SECP256r1|SECP384r1) \(RFC4492\): yes", "of the policy"),
    (TLS_12, r"for curve X25519 \(RFC8422\): yes", "of the policy"),
    (TLS_12, r"for (AES-GCM|CHACHA20-POLY1305) cipher \(RFC\d+\) support: yes", "of the policy"),
    (OLD, r"for (AES-CBC|3DES-CBC) cipher \(RFC\d+\) support: yes", "of the policy"),
    (OLD, r"for SHA(1|256|384) MAC support: yes", "of the policy"),
    (TLS_12, r"for max record size \(RFC6066\) support: yes", "asked for by the client"),
]

NMAP = [
    (ALL, r"(ssl-(poodle|ccs-injection|dh-params|heartbleed)|tls-ticketbleed|sslv2-drown): "
     r"NOT VULNERABLE", "so it must be"),
    (ALL, rf"cipher TLSv1\.3 {SUITES.replace('TLS_', 'TLS_AKE_WITH_', 1)} A", "of the policy"),
    (TLS_12, r"cipher TLSv1\.2 TLS_ECDHE_(ECDSA|RSA)_WITH_(AES_128_GCM_SHA256|"
     r"AES_256_GCM_SHA384|CHACHA20_POLY1305_SHA256) A", "of the policy"),
    (OLD, r"cipher TLSv1\.[012] TLS_(ECDHE_ECDSA|ECDHE_RSA|RSA)_WITH_AES_(128|256)_"
     r"(CBC_SHA(256|384)?|GCM_SHA(256|384)) A", "of the policy"),
    (OLD, r"cipher TLSv1\.[012] TLS_RSA_WITH_3DES_EDE_CBC_SHA C", "of the policy"),
    (ALL, r"TLSv1\.\d cipher preference: server", "so it must be"),
    (ALL, r"TLSv1\.\d compressors: NULL", "so it must be"),
    (ALL, r"least strength: A", "so it must be"),
    (OLD, r"least strength: C", "3DES, where the library has it"),
    (ALL, r"ssl-cert: ec 256 ecdsa-with-SHA256", "the test's certificate"),
    (TLS_12, r"ssl-cert: rsa 2048 ecdsa-with-SHA256", "the test's certificate"),
    (ALL, r"ssl-cert-intaddr: .*127\.0\.0\.1", "the test's certificate is for this address"),
    (ALL, r"ssl-date: TLS randomness does not represent time", "so it must be"),
]

TESTSSL = [
    (ALL, r"WARN engine_problem: .*", "of the scanner: it has no GOST"),
    (ALL, r"DEBUG service: .*skipping all HTTP checks", "the service behind is an echo"),
    (ALL, r"(MEDIUM|HIGH) cert_(expirationStatus|notAfter)( <cert#\d>)?: .*",
     "the test's certificate"),
    (ALL, r"HIGH cert_revocation( <cert#\d>)?: .*Neither CRL nor OCSP URI provided",
     "the test's certificate"),
    (ALL, r"LOW DNS_CAArecord( <cert#\d>)?: .*", "localhost has no such record"),
    (ALL, r"WARN sessionresumption_\w+: check failed because of connect problem",
     "its client goes before the ticket of TLS 1.3 has come, and then has no session to offer"),
    (OLD, r"LOW TLS1(_1)?: offered \(deprecated\)", "of the policy"),
    (OLD, r"LOW cipherlist_AVERAGE: offered", "of the policy"),
    (OLD, r"MEDIUM cipherlist_3DES_IDEA: offered", "of the policy, where the library has it"),
    (OLD, r"MEDIUM BEAST_CBC_TLS1: .*", "CBC in TLS 1.0; clients split records"),
    (OLD, r"LOW BEAST: VULNERABLE -- but also supports higher protocols .*", "as above"),
    (OLD, r"LOW LUCKY13: potentially vulnerable, uses TLS CBC ciphers",
     "the library's CBC takes constant time"),
    (OLD, r"LOW SWEET32: .*", "3DES, where the library has it"),
]

# What must be said, or the scanner has not looked at all.
WANTED = {
    "SSLSCAN": {"protocol tls1.3": ALL, "protocol tls1.2": TLS_12, "protocol tls1.0": OLD},
    "GNUTLS": {"for TLS 1.3 (RFC8446) support: yes": ALL,
               "for ext master secret (RFC7627) support: yes": TLS_12,
               "for safe renegotiation (RFC5746) support: yes": TLS_12},
    "NMAP": {"ssl-poodle: NOT VULNERABLE": TLS_12, "ssl-ccs-injection: NOT VULNERABLE": TLS_12,
             "TLSv1.3 cipher preference: server": ALL},
    "TESTSSL": {},
}


def judge(policy, tool, lines):
    """What is said but not allowed, and what is not said but wanted."""
    allowed = [re.compile(pattern) for policies, pattern, _ in globals()[tool]
               if policy in policies]
    wrong = [line for line in lines if not any(one.fullmatch(line) for one in allowed)]
    return wrong + [f"not said: {line}" for line, policies in WANTED[tool].items()
                    if policy in policies and line not in lines]


def hold(policy, tool, lines):
    wrong = judge(policy, tool, lines)
    assert not wrong, "\n".join(wrong)


@pytest.fixture(name="address")
def fixture_address(fleet, pki, backend):
    """address(policy): of a service with that policy and both kinds of key, where it may be."""
    url = backend().url

    def start(policy):
        pairs = [pki.server] if policy == "modern" else [pki.server, pki.server_rsa]
        return fleet.run_one("tls://127.0.0.1:0", url, policy=policy, certificates=[
            pair.as_config() for pair in pairs]).address()

    return start


@pytest.mark.parametrize("policy", POLICIES)
class TestPolicies:
    """Each scanner at each policy."""

    def test_sslscan_finds_nothing_else(self, address, policy):
        hold(policy, "SSLSCAN", scanners.sslscan(address(policy)))

    def test_gnutls_cli_debug_finds_nothing_else(self, address, policy):
        hold(policy, "GNUTLS", scanners.gnutls_debug(address(policy)))

    @LONG
    def test_nmap_finds_nothing_else(self, address, policy):
        hold(policy, "NMAP", scanners.nmap(address(policy)))

    @LONG
    def test_testssl_finds_nothing_else(self, address, pki, folder, policy):
        hold(policy, "TESTSSL", scanners.testssl(address(policy), pki.ca, folder))


class TestScanners:
    """That they would find something."""

    def test_an_old_service_does_not_pass_for_a_newer_one(self, address):
        old = address("old")
        for policy, line in [("intermediate", "protocol tls1.0"), ("modern", "protocol tls1.2")]:
            assert line in judge(policy, "SSLSCAN", scanners.sslscan(old))
        found = judge("intermediate", "GNUTLS", scanners.gnutls_debug(old))
        assert "for RSA key exchange support: yes" in found

    @LONG
    def test_nor_to_the_slow_ones(self, address, pki, folder):
        old = address("old")
        assert any("CBC" in line for line in judge("intermediate", "NMAP", scanners.nmap(old)))
        found = judge("intermediate", "TESTSSL", scanners.testssl(old, pki.ca, folder))
        assert "LOW TLS1: offered (deprecated)" in found
