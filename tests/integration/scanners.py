# SPDX-License-Identifier: Apache-2.0
"""Scanners of others, and what they say of a service as a list of short lines."""
import json
import pathlib
import re
import xml.etree.ElementTree as xml

import programs

NAME = "localhost"


def _done(argv, timeout_s, statuses=(0,)):
    done = programs.run(*argv, timeout_s=timeout_s)
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode in statuses, f"{argv[0]}: {done.returncode}: {text[-2000:]}"
    return text


def sslscan(address):
    """Versions, ciphers, groups and faults that sslscan found."""
    root = xml.fromstring(_done(
        ["sslscan", "--no-colour", "--show-sigs", "--xml=-", f"--sni-name={NAME}",
         "{}:{}".format(*address)], 120))
    lines = []
    for one in root.iter():
        has = one.attrib
        if one.tag == "protocol" and has["enabled"] == "1":
            lines.append(f"protocol {has['type']}{has['version']}")
        elif one.tag == "cipher":
            lines.append(f"cipher {has['sslversion']} {has['cipher']} {has['strength']}")
        elif one.tag == "group":
            lines.append(f"group {has['sslversion']} {has['name']}")
        elif one.tag == "connection-signature-algorithm":
            lines.append(f"signature {has['sslversion']} {has['name']}")
        elif one.tag in ("renegotiation", "compression", "fallback") and has["supported"] == "1":
            lines.append(f"{one.tag}{' secure' if has.get('secure') == '1' else ''}")
        elif one.tag == "heartbleed" and has["vulnerable"] != "0":
            lines.append(f"heartbleed {has['sslversion']}")
        elif one.tag in ("self-signed", "expired") and one.text != "false":
            lines.append(one.tag)
        elif one.tag == "pk":
            lines.append(f"key {has['type']} {has.get('curve_name') or has['bits']}")
        elif one.tag == "signature-algorithm":
            lines.append(f"signed {one.text}")
    return lines


def gnutls_debug(address):
    """What gnutls-cli-debug asks, and every answer but a "no"."""
    host, port = address
    assert host == "127.0.0.1"
    text = _done(["gnutls-cli-debug", "-p", port, NAME], 120)
    lines = [f"{ask.strip()}: {answer.strip()}" for ask, answer in
             re.findall(r"^(.*?)\.\.\. (.*)$", text, re.MULTILINE)]
    assert len(lines) > 30, text
    return [line for line in lines if not line.endswith(": no")]


def nmap(address):
    """Output of nmap's scripts on TLS; those that look for a fault say that there is none."""
    host, port = address
    text = _done(["nmap", "-Pn", "-n", "-p", port, "--script", "+ssl-*,+tls-*,+sslv2*",
                  "--script-args", f"vulns.showall,tls.servername={NAME}", "-oX", "-", host], 300)
    lines = []
    for script in xml.fromstring(text).iter("script"):
        name = script.get("id")
        if name == "ssl-enum-ciphers":
            lines += _nmap_ciphers(script)
        elif name == "ssl-cert":
            values = {one.get("key"): one.text for one in script.iter("elem")}
            lines.append(f"ssl-cert: {values['type']} {values['bits']} {values['sig_algo']}")
        elif re.search(r"\bState: ", script.get("output")):
            lines += [f"{name}: {state}" for state in
                      sorted(set(re.findall(r"State: (.*)", script.get("output"))))]
        else:
            lines.append(f"{name}: " + " ".join(script.get("output").split()))
    return lines


def _nmap_ciphers(script):
    for table in script:
        version = table.get("key")
        if table.tag == "elem":
            yield f"{version}: {table.text}"
            continue
        for part in table:
            if part.tag == "elem":
                yield f"{version} {part.get('key')}: {part.text}"
            elif part.get("key") == "ciphers":
                for cipher in part:
                    values = {one.get("key"): one.text for one in cipher}
                    yield f"cipher {version} {values['name']} {values['strength']}"
            else:
                for one in part.iter("elem"):
                    yield f"{version} {part.get('key')}: {one.text}"


def testssl(address, ca, folder, *checks):
    """All that testssl.sh takes for worse than information, with its severity."""
    path = pathlib.Path(folder) / "testssl.json"
    path.unlink(missing_ok=True)
    host, port = address
    assert host == "127.0.0.1"
    _done(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "--add-ca",
           ca, "--jsonfile", path, *checks, f"{NAME}:{port}"], 600, statuses=range(50))
    found = json.loads(path.read_text())
    assert len(found) > 40, found
    return [f"{one['severity']} {one['id']}: {one['finding']}" for one in found
            if one["severity"] not in ("OK", "INFO")]
