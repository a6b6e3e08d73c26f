# SPDX-License-Identifier: Apache-2.0
"""unix: on either side."""
import os
import stat

import pytest

import ends
import peers
import programs
from patterns import UNIX, Pattern


class TestUnix:
    """Every pattern with a unix socket in it."""

    @pytest.mark.parametrize("name", UNIX)
    def test_bytes_go_both_ways_to_a_clean_end(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki)
        with pattern.dial() as client:
            client.send(b"through a unix socket")
            assert client.recv_exactly(21) == b"through a unix socket"
            client.end()
            assert client.fate() == "clean"
        assert pattern.backend.visit().wait() == "done"
        assert pattern.sluice.wait_connection(reason="done")["bytes_to_client"] == 21

    @pytest.mark.parametrize("name", UNIX)
    def test_half_close_lets_the_answer_come(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, peers.sink)
        with pattern.dial() as client:
            client.send(b"x" * 100000)
            client.end()
            assert len(client.recv_all()) == 64

    def test_curl_speaks_to_a_unix_listen(self, fleet, pki, folder, stack):
        nginx = stack.enter_context(programs.Nginx(folder))
        path = f"{folder}/front.sock"
        one = fleet.serve(f"unix:{path}", nginx.url)
        assert one.url() == f"unix:{path}"
        assert stat.S_ISSOCK(os.stat(path).st_mode)
        assert programs.curl("--unix-socket", path, "http://x/hello") == b"hello from nginx\n"

    def test_a_socket_file_left_behind_does_not_hinder_a_start(self, fleet, backend, folder):
        path = f"{folder}/front.sock"
        first = fleet.serve(f"unix:{path}", backend().url)
        first.may_fail = True
        for pid in [first.pid, *first.worker_pids().values()]:
            os.kill(pid, 9)
        first.wait_exit()
        assert os.path.exists(path)
        second = fleet.serve(f"unix:{path}", backend().url)
        with ends.PlainEnd(ends.dial(path)) as client:
            client.send(b"again")
            assert client.recv_exactly(5) == b"again"
        assert second.url() == f"unix:{path}"

    def test_a_missing_socket_is_refused_upstream(self, fleet, folder):
        one = fleet.serve("tcp://127.0.0.1:0", f"unix:{folder}/nobody.sock")
        assert ends.fate_of_dialling(one.address()) == "reset"
        one.wait_connection(reason="upstream_refused")
