# SPDX-License-Identifier: Apache-2.0
"""`watch: on`: files that change on disk are used, when they are whole."""
import os
import pathlib
import shutil
import time

import pytest

import ends
import reloading
from pki import openssl
from scale import until


class Site:
    """A certificate and its key where they are replaced, and the program that has them."""

    def __init__(self, fleet, pki, backend, folder, names=("live/c.pem", "live/k.pem"), **more):
        self.pki, self.pairs = pki, [pki.server, pki.issue("turn", "DNS:localhost")]
        self.root = pathlib.Path(folder)
        self.chain, self.key = (self.root / name for name in names)
        self.config = {"watch": True, **more.pop("top", {}), "services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": backend().url,
            "certificates": [{"chain": str(self.chain), "key": str(self.key)}], **more}}}
        self.fleet = fleet

    def put(self, number, place=None):
        folder = place or self.chain.parent
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in ((self.chain.name, self.pairs[number].chain),
                             (self.key.name, self.pairs[number].key)):
            shutil.copyfile(source, folder / name)
            os.chmod(folder / name, 0o600)

    def start(self):
        self.one = self.fleet.run(self.config)
        return self.one

    def shown(self):
        return reloading.peer_cert(self.one.address(), self.pki.ca)

    def der(self, number):
        text = pathlib.Path(self.pairs[number].chain).read_text()
        return ends.ssl.PEM_cert_to_DER_cert(text[:text.index("-----END") + 26])

    def wait(self, number):
        until(lambda: self.shown() == self.der(number), f"certificate {number}", 20.0)


@pytest.fixture(name="site")
def fixture_site(fleet, pki, backend, folder):
    return Site(fleet, pki, backend, folder)


class TestRenewal:
    """As those do it that renew certificates."""

    def test_files_renamed_over_the_old_ones(self, site):
        site.put(0)
        site.start()
        site.wait(0)
        for number in (1, 0, 1):
            site.put(number, site.root / "fresh")
            for path in (site.chain, site.key):
                os.rename(site.root / "fresh" / path.name, path)
            site.wait(number)
        assert site.one.find_logs("reloaded")[-1]["cause"] == "files"

    def test_files_written_in_place(self, site):
        site.put(0)
        site.start()
        site.put(1)
        site.wait(1)

    def test_links_that_lead_to_other_files(self, fleet, pki, backend, folder):
        """certbot: live/c.pem is a link to ../archive/c1.pem."""
        site = Site(fleet, pki, backend, folder)
        for number in (0, 1):
            site.put(number, site.root / f"archive{number}")
        site.chain.parent.mkdir()
        for path in (site.chain, site.key):
            path.symlink_to(f"../archive0/{path.name}")
        site.start()
        site.wait(0)
        for path in (site.chain, site.key):
            path.unlink()
            path.symlink_to(f"../archive1/{path.name}")
        site.wait(1)

    def test_a_folder_that_is_a_link_and_is_swapped(self, fleet, pki, backend, folder):
        """Kubernetes: live/c.pem -> ..data/c.pem, and ..data is renamed over."""
        site = Site(fleet, pki, backend, folder)
        for number in (0, 1):
            site.put(number, site.root / "live" / f"..{number}")
        (site.root / "live" / "..data").symlink_to("..0")
        for path in (site.chain, site.key):
            path.symlink_to(f"..data/{path.name}")
        site.start()
        site.wait(0)
        (site.root / "live" / "..tmp").symlink_to("..1")
        os.rename(site.root / "live" / "..tmp", site.root / "live" / "..data")
        site.wait(1)

    def test_connections_live_on(self, site, stack):
        site.put(0)
        one = site.start()
        client = stack.enter_context(ends.tls_dial(one.address(),
                                                   ends.client_context(site.pki.ca)))
        site.put(1)
        site.wait(1)
        client.send(b"still")
        assert client.recv_exactly(5) == b"still"


class TestHalf:
    """What is not whole is not used, and that is said once."""

    def test_a_certificate_without_its_key_waits_for_it(self, site):
        site.put(0)
        one = site.start()
        shutil.copyfile(site.pairs[1].chain, site.chain)
        record = one.wait_log("watch_failed")
        assert str(site.key) in record["detail"] and "sluice.yaml:" in record["at"]
        assert site.shown() == site.der(0)
        os.utime(site.chain)  # another change that is none
        shutil.copyfile(site.pairs[1].key, site.key)
        site.wait(1)
        assert len(one.find_logs("watch_failed")) == 1

    def test_half_a_file_keeps_the_old(self, site):
        site.put(0)
        one = site.start()
        text = pathlib.Path(site.pairs[0].chain).read_text()
        site.chain.write_text(text[:len(text) // 2])
        one.wait_log("watch_failed")
        site.wait(0)
        site.put(1)
        site.wait(1)

    def test_files_that_go_and_come_back(self, site):
        site.put(0)
        one = site.start()
        site.chain.unlink()
        one.wait_log("watch_failed")
        site.wait(0)
        site.put(1)
        site.wait(1)


class TestOff:
    def test_nothing_is_noticed_and_the_text_waits_for_hup(self, site):
        site.config["watch"] = False
        site.put(0)
        one = site.start()
        site.put(1)
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            assert site.shown() == site.der(0)
        reloading.reload(one)
        site.wait(1)

    def test_a_text_that_has_changed_is_not_read_for_files(self, site):
        site.put(0)
        one = site.start()
        (one.folder / "sluice.yaml").write_text("services: [\n")
        site.put(1)
        site.wait(1)
        assert not one.find_logs("config_error")


class TestLists:
    def make(self, pki, folder, name, revoked=()):
        """The revocation list of an authority of `pki`."""
        place = pathlib.Path(folder) / f"ca-{name}"
        place.mkdir(exist_ok=True)
        lines = [f"R\t400101000000Z\t250101000000Z\t{serial}\tunknown\t/CN=x\n"
                 for serial in revoked]
        (place / "index.txt").write_text("".join(lines))
        (place / "crlnumber").write_text("01\n")
        (place / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=one\n[one]\ndatabase={place}/index.txt\n"
            f"crlnumber={place}/crlnumber\ndefault_md=sha256\ndefault_crl_days=30\n"
            "crl_extensions=ext\n[ext]\nauthorityKeyIdentifier=keyid\n")
        openssl("ca", "-config", place / "ca.cnf", "-gencrl", "-out", place / "new.crl",
                "-keyfile", pki.folder / f"{name}.key", "-cert", pki.folder / f"{name}.pem")
        os.rename(place / "new.crl", pathlib.Path(folder) / f"{name}.crl")
        return str(pathlib.Path(folder) / f"{name}.crl")

    def test_who_is_revoked_while_it_runs_is_refused_also_with_a_ticket(self, fleet, pki, backend,
                                                                        folder):
        lists = [self.make(pki, folder, name) for name in ("ca", "intermediate")]
        one = fleet.run({"watch": True, "services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": backend().url,
            "certificates": [pki.server.as_config()],
            "clients": {"verify": "require", "ca": pki.ca, "crl": {"files": lists}}}}})
        context = ends.client_context(pki.ca, cert=pki.client)

        def visit(session=None):
            with ends.tls_dial(one.address(), context, session=session) as client:
                client.send(b"x")
                assert client.recv_exactly(1) == b"x"
                return client.tls.session, client.tls.session_reused

        session, _ = visit()
        assert visit(session)[1]
        serial = openssl("x509", "-in", pki.client.chain, "-noout", "-serial").strip()
        self.make(pki, folder, "intermediate", [serial.split("=")[1]])
        one.wait_log("reloaded", cause="files")
        for ticket in (None, session):
            with pytest.raises((OSError, ends.Truncated)):
                visit(ticket)
