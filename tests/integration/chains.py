# SPDX-License-Identifier: Apache-2.0
"""Chains for each rule of verification, right and wrong, and what must come of them.

A case says how a chain is made, for which side, with which options of `clients` or `upstream`, and
what the log must say (None: accepted). Where no side is named it is tried on both.
"""
import dataclasses
import datetime
import typing

import x509
from x509 import DAY, NOW, Cert, Key

NAME = "upstream.test"
BOTH, CLIENT, SERVER = ("client", "server"), ("client",), ("server",)
REVOKED = 666  # the serial number in every list


class World:
    """The authorities, and makers of what they sign; `side` is whose leaves are wanted."""

    def __init__(self):
        self.side = "server"
        self.keys = {}
        self.root = self.authority("Root")
        self.inter = self.authority("Intermediate", self.root)
        self.second = self.authority("Second", self.inter)
        self.third = self.authority("Third", self.second)
        self.foreign = self.authority("Foreign root")
        self.revoked_inter = self.authority("Revoked intermediate", self.root, serial=REVOKED)
        self.bare = self.authority("No list of its own", self.root)  # of no revocation list
        self.expired_root = self.authority("Expired root", begin=NOW - 9 * DAY, end=NOW - DAY)
        self.young_root = self.authority("Root to be", begin=NOW + DAY)
        self.odd = {  # roots, trusted as well
            "without_key_usage": self.authority("Odd 1", drop=["ku"]),
            "that_does_not_sign": self.authority("Odd 2", add={
                "ku": (True, x509.key_usage("cRLSign"))}),
            "without_basic_constraints": self.authority("Odd 3", drop=["bc"]),
            "that_is_no_ca": self.authority("Odd 4", add={
                "bc": (True, x509.basic_constraints(False))}),
            "without_key_identifier": self.authority("Odd 5", drop=["ski"]),
            "of_version_1": self.authority("Odd 6", version=1, drop=["ski", "aki", "bc", "ku"]),
            "for_code_alone": self.authority("Odd 7", add={
                "eku": (False, x509.eku("codeSigning"))}),
            "with_constraints": self.authority("Odd 8", add={
                "nc": (True, x509.name_constraints(["dns:example"]))}),
            "that_signs_no_ca": self.authority("Odd 9", pathlen=0),
            "aged": self.authority("Aged root", begin=NOW - 9 * DAY, end=NOW - DAY),
            "aged_anew": self.authority("Aged root"),
        }

    def key(self, of):
        """One key for each name: keys are dear."""
        if of not in self.keys:
            self.keys[of] = Key(of if of.startswith(("rsa-", "p-")) else "ec")
        return self.keys[of]

    def _cert(self, subject, key, extensions, issuer, drop=(), add=None, **fields):
        extensions["ski"] = (False, x509.tlv(4, key.identifier))
        signer = (issuer.key if issuer else key).identifier
        extensions["aki"] = (False, x509.seq(x509.tlv(0x80, signer)))
        extensions.update(add or {})
        kept = {one: value for one, value in extensions.items() if one not in drop}
        return Cert(subject, key, kept, issuer, **fields)

    def authority(self, name, issuer=None, pathlen=None, key=None, subject=None, **fields):
        extensions = {"bc": (True, x509.basic_constraints(True, pathlen)),
                      "ku": (True, x509.key_usage("keyCertSign", "cRLSign"))}
        return self._cert(x509.name(("CN", name)) if subject is None else subject,
                          key or self.key(name), extensions, issuer, **fields)

    def leaf(self, issuer, names=None, subject=None, purposes=None, key=None, **fields):
        purpose = "serverAuth" if self.side == "server" else "clientAuth"
        wanted = ["dns:" + NAME] if names is None else names
        extensions = {"bc": (False, x509.basic_constraints(False)),
                      "ku": (True, x509.key_usage("digitalSignature")),
                      "eku": (False, x509.eku(*(purposes or [purpose]))),
                      "san": (False, x509.san(*wanted))}
        if not wanted:
            del extensions["san"]
        return self._cert(x509.name(("O", "Sluice"), ("CN", "leaf")) if subject is None
                          else subject, key or self.key("leaf"), extensions, issuer, **fields)

    def below(self, issuer, **fields):
        """A leaf and the certificate that signed it."""
        return [self.leaf(issuer, **fields), issuer]

    def lists(self):
        """Name and bytes of the revocation lists."""
        old = {"begin": NOW - 9 * DAY, "end": NOW - DAY}
        root, inter = self.root, self.inter
        other = Cert(inter.subject, self.key("other"), inter.extensions, root)
        cases = {
            "root": x509.crl(root, [REVOKED]),
            "inter": x509.crl(inter, [REVOKED]),
            "inter_empty": x509.crl(inter),
            "inter_stale": x509.crl(inter, [REVOKED], **old),
            "inter_stale_empty": x509.crl(inter, **old),
            "inter_future": x509.crl(inter, [REVOKED], begin=NOW + DAY),
            "inter_damaged": x509.crl(inter, is_damaged=True),
            "inter_by_another": x509.crl(inter, signer=self.key("other")),
            "inter_other_key": x509.crl(other),
            "inter_critical": x509.crl(inter, extensions={"unknown": (True, x509.tlv(5))}),
            "revoked_inter": x509.crl(self.revoked_inter),
            "foreign": x509.crl(self.foreign, [REVOKED]),
            "root_stale": x509.crl(root, [REVOKED], **old),
        }
        return {name: x509.pem("X509 CRL", der) if name != "inter_empty" else der
                for name, der in cases.items()}


@dataclasses.dataclass
class Case:
    name: str
    make: typing.Callable  # a World to certificates, leaf first
    refused: str = None    # a regular expression that the log's detail has; None: accepted
    sides: tuple = BOTH
    options: dict = None
    reason: str = None     # when it is another than that of certificates that are not accepted
    peer_id: str = None    # what the log has, of a client
    policy: str = None
    key: str = "leaf"      # whose key goes with the chain
    is_stale: bool = False  # and the log says so
    refused_at: str = None  # side at which alone it is refused


def _times():
    old = {"begin": NOW - 9 * DAY, "end": NOW - DAY}
    young = {"begin": NOW + DAY}
    return [
        Case("good", lambda w: w.below(w.inter)),
        Case("good_with_root", lambda w: [*w.below(w.inter), w.root]),
        Case("good_below_root", lambda w: [w.leaf(w.root)]),
        Case("good_three_intermediates",
             lambda w: [w.leaf(w.third), w.third, w.second, w.inter]),
        Case("leaf_expired", lambda w: w.below(w.inter, **old), "expired"),
        Case("leaf_not_yet_valid", lambda w: w.below(w.inter, **young), "not yet valid"),
        Case("leaf_ended_a_minute_ago",
             lambda w: w.below(w.inter, end=NOW - datetime.timedelta(minutes=1)), "expired"),
        Case("leaf_ends_after_2050",
             lambda w: w.below(w.inter, end=datetime.datetime(2051, 1, 1)), None),
        Case("intermediate_expired", lambda w: w.below(w.authority("A", w.root, **old)),
             r"expired \(depth 1"),
        Case("intermediate_not_yet_valid", lambda w: w.below(w.authority("A", w.root, **young)),
             r"not yet valid \(depth 1"),
        Case("root_expired", lambda w: [w.leaf(w.expired_root)], r"expired \(depth 1"),
        Case("root_not_yet_valid", lambda w: [w.leaf(w.young_root)], r"not yet valid \(depth 1"),
        Case("ends_before_it_begins",
             lambda w: w.below(w.inter, begin=NOW - DAY, end=NOW - 2 * DAY), "expired"),
    ]


def _usages():
    def usage(*usages):
        return {"ku": (True, x509.key_usage(*usages))}

    def constraints(is_ca, pathlen=None, critical=True):
        return {"bc": (critical, x509.basic_constraints(is_ca, pathlen))}

    purpose = "unsuitable certificate purpose|unsupported certificate purpose"
    return [
        Case("eku_of_the_other_side",
             lambda w: w.below(w.inter, purposes=["clientAuth" if w.side == "server"
                                                  else "serverAuth"]), purpose),
        Case("eku_of_both_sides",
             lambda w: w.below(w.inter, purposes=["clientAuth", "serverAuth"])),
        Case("eku_code_signing", lambda w: w.below(w.inter, purposes=["codeSigning"]), purpose),
        Case("eku_any_alone", lambda w: w.below(w.inter, purposes=["anyEKU"]), purpose),
        Case("eku_sgc_alone", lambda w: w.below(w.inter, purposes=["netscapeSGC"]), purpose),
        Case("eku_absent", lambda w: w.below(w.inter, drop=["eku"])),  # RFC 5280 4.2.1.12
        Case("eku_critical", lambda w: w.below(
            w.inter, add={"eku": (True, x509.eku("serverAuth", "clientAuth"))})),
        Case("eku_of_the_intermediate_is_another", lambda w: w.below(
            w.authority("B", w.root, add={"eku": (False, x509.eku("codeSigning"))})), purpose),
        Case("eku_of_the_intermediate_is_both", lambda w: w.below(
            w.authority("B", w.root, add={"eku": (False, x509.eku("clientAuth", "serverAuth"))}))),
        Case("key_usage_absent", lambda w: w.below(w.inter, drop=["ku"])),
        Case("key_usage_signs_lists_alone",
             lambda w: w.below(w.inter, add=usage("cRLSign")), purpose),
        Case("key_usage_of_a_ca_in_a_leaf",
             lambda w: w.below(w.inter, add=usage("digitalSignature", "keyCertSign")),
             "(?i)key usage"),
        Case("ca_without_basic_constraints",
             lambda w: w.below(w.authority("C", w.root, drop=["bc"])), "invalid CA"),
        Case("ca_false", lambda w: w.below(w.authority("C", w.root, add=constraints(False))),
             "invalid CA"),
        Case("ca_basic_constraints_not_critical",
             lambda w: w.below(w.authority("C", w.root, add=constraints(True, critical=False))),
             "(?i)basic constraints"),
        Case("ca_without_key_usage",
             lambda w: w.below(w.authority("C", w.root, drop=["ku"])), "(?i)key usage"),
        Case("ca_key_usage_without_signing",
             lambda w: w.below(w.authority("C", w.root, add=usage("cRLSign", "digitalSignature"))),
             "(?i)key usage|invalid CA"),
        Case("leaf_signs_a_leaf",
             lambda w: [w.leaf(w.leaf(w.inter, key=w.key("D"), subject=x509.name(("CN", "D")))),
                        w.leaf(w.inter, key=w.key("D"), subject=x509.name(("CN", "D"))), w.inter],
             "invalid CA"),
        Case("pathlen_0_kept", lambda w: w.below(w.authority("E", w.root, pathlen=0))),
        Case("pathlen_0_exceeded", lambda w: _longer(w, w.authority("E", w.root, pathlen=0), 1),
             "path length"),
        Case("pathlen_1_kept", lambda w: _longer(w, w.authority("E", w.root, pathlen=1), 1)),
        Case("pathlen_1_exceeded", lambda w: _longer(w, w.authority("E", w.root, pathlen=1), 2),
             "path length"),
        Case("pathlen_does_not_count_self_issued",
             lambda w: _self_issued(w, w.authority("E", w.root, pathlen=0))),
        Case("pathlen_without_ca",
             lambda w: w.below(w.inter, add=constraints(False, 0)), "(?i)path length|pathlen"),
        Case("unknown_critical_extension",
             lambda w: w.below(w.inter, add={"unknown": (True, x509.tlv(5))}),
             "unhandled critical"),
        Case("unknown_extension", lambda w: w.below(w.inter, add={"unknown": (False,
                                                                             x509.tlv(5))})),
        Case("unknown_critical_extension_of_the_intermediate",
             lambda w: w.below(w.authority("F", w.root, add={"unknown": (True, x509.tlv(5))})),
             "unhandled critical"),
        Case("explicit_policy_wanted_and_none",
             lambda w: w.below(w.authority("G", w.root, add={
                 "policy_constraints": (True, x509.seq(x509.tlv(0x80, b"\0")))})),
             "(?i)policy"),
        Case("explicit_policy_wanted_and_there", _explicit_policy),
        Case("version_1_leaf", lambda w: w.below(
            w.inter, version=1, drop=["bc", "ku", "eku", "san", "ski", "aki"]),
             "(?i)mismatch|version 1", sides=SERVER),
        Case("version_1_intermediate",
             lambda w: w.below(w.authority("H", w.root, version=1,
                                           drop=["bc", "ku", "ski", "aki"])), "invalid CA"),
        Case("version_1_with_extensions", lambda w: w.below(w.inter, version=1),
             "X509v3"),
        Case("no_authority_key_identifier", lambda w: w.below(w.inter, drop=["aki"]),
             "(?i)authority key identifier"),
        Case("ca_without_subject_key_identifier",
             lambda w: w.below(w.authority("I", w.root, drop=["ski"])),
             "(?i)subject key identifier"),
        Case("authority_key_identifier_critical", lambda w: w.below(w.inter, add={
            "aki": (True, x509.seq(x509.tlv(0x80, w.inter.key.identifier)))}),
             "unhandled critical"),
        Case("authority_key_identifier_of_another", lambda w: w.below(w.inter, add={
            "aki": (False, x509.seq(x509.tlv(0x80, b"0" * 20)))}), "unable to|issuer"),
        Case("ca_with_empty_subject",
             lambda w: w.below(w.authority("", w.root, subject=x509.name(), key=w.key("J"))),
             "(?i)subject|issuer"),
        Case("empty_subject_and_names_not_critical",
             lambda w: w.below(w.inter, subject=x509.name()), "(?i)subject"),
        Case("empty_subject_and_names_critical",
             lambda w: w.below(w.inter, subject=x509.name(),
                               add={"san": (True, x509.san("dns:" + NAME))})),
        Case("policy_constraints_not_critical", lambda w: w.below(w.authority("G", w.root, add={
            "policy_constraints": (False, x509.seq(x509.tlv(0x80, b"\5")))})), "not critical"),
        Case("name_constraints_in_a_leaf", lambda w: w.below(w.inter, add={
            "nc": (True, x509.name_constraints(["dns:test"]))}), "not a CA"),
        Case("serial_number_0", lambda w: w.below(w.inter, serial=0), "serial"),
        Case("serial_number_negative", lambda w: w.below(w.inter, serial=-5), "serial"),
        Case("serial_number_of_20_bytes", lambda w: w.below(w.inter, serial=1 << 158)),
        Case("serial_number_of_21_bytes", lambda w: w.below(w.inter, serial=1 << 160), "serial"),
        Case("extension_twice", lambda w: w.below(w.inter, add={
            "1.3.6.1.4.1.55555.2": (False, x509.tlv(5)),
            "1.3.6.1.4.1.55555.002": (False, x509.tlv(5))}), "twice"),
        Case("empty_list_of_names",
             lambda w: w.below(w.inter, add={"san": (False, x509.seq())}),
             "(?i)subject alt|mismatch"),
    ]


def _longer(world, top, count):
    chain = [top]
    for number in range(count):
        chain.insert(0, world.authority(f"Longer {number}", chain[0]))
    return [world.leaf(chain[0]), *chain]


def _self_issued(world, top):
    """A new key of the same CA is no step of the path (RFC 5280 6.1.4 l)."""
    rolled = world.authority("E", top, key=world.key("E rolled"))
    return [world.leaf(rolled), rolled, top]


def _explicit_policy(world):
    policy = {"policies": (False, x509.seq(x509.seq(x509.oid("1.2.3.4"))))}
    top = world.authority("G", world.root, add={
        "policy_constraints": (True, x509.seq(x509.tlv(0x80, b"\0"))), **policy})
    return world.below(top, add=policy)


def _constraints():
    def bound(permitted=(), excluded=(), critical=True):
        return lambda w: w.authority("K", w.root, add={
            "nc": (critical, x509.name_constraints(permitted, excluded))})

    def below(top, *names, **fields):
        return lambda w: w.below(top(w), names=["dns:" + NAME, *names], **fields)

    permitted, excluded = "(?i)permitted", "(?i)excluded"
    directory = x509.name(("O", "Sluice"))
    cases = [
        ("dns_permitted", below(bound(["dns:test"])), None),
        ("dns_permitted_exactly", below(bound(["dns:" + NAME])), None),
        ("dns_not_permitted", below(bound(["dns:example"])), permitted),
        ("dns_one_of_two_not_permitted", below(bound(["dns:test"]), "dns:a.example"), permitted),
        ("dns_longer_label_not_permitted", below(bound(["dns:st"])), permitted),
        ("dns_excluded", below(bound(excluded=["dns:test"])), excluded),
        ("dns_other_excluded", below(bound(excluded=["dns:example"])), None),
        ("dns_case_excluded", below(bound(excluded=["dns:UPSTREAM.TEST"])), excluded),
        ("dns_excluded_wins", below(bound(["dns:test"], ["dns:" + NAME])), excluded),
        ("dns_all_excluded", below(bound(excluded=["dns:"])), excluded),
        ("not_critical_still_counts", below(bound(["dns:example"], critical=False)), permitted),
        ("ip_permitted", below(bound(["ip:10.0.0.0/255.0.0.0"]), "ip:10.1.2.3"), None),
        ("ip_not_permitted", below(bound(["ip:10.0.0.0/255.0.0.0"]), "ip:11.1.2.3"), permitted),
        ("ip_excluded", below(bound(excluded=["ip:10.0.0.0/255.0.0.0"]), "ip:10.1.2.3"), excluded),
        ("ip6_not_permitted", below(bound(["ip:2001:db8::/ffff:ffff::"]), "ip:2001:db9::1"),
         permitted),
        ("ip6_permitted", below(bound(["ip:2001:db8::/ffff:ffff::"]), "ip:2001:db8::1"), None),
        ("email_permitted", below(bound(["email:example.com"]), "email:a@example.com"), None),
        ("email_not_permitted", below(bound(["email:example.com"]), "email:a@example.org"),
         permitted),
        ("email_of_a_host_below_not_permitted",
         below(bound(["email:example.com"]), "email:a@b.example.com"), permitted),
        ("email_excluded", below(bound(excluded=["email:a@example.com"]), "email:a@example.com"),
         excluded),
        ("uri_permitted", below(bound(["uri:example.com"]), "uri:https://example.com/x"), None),
        ("uri_not_permitted", below(bound(["uri:example.com"]), "uri:https://example.org/x"),
         permitted),
        ("uri_excluded", below(bound(excluded=["uri:.example.com"]),
                               "uri:https://a.example.com/x"), excluded),
        ("directory_permitted", below(bound([("dir", directory)])), None),
        ("directory_not_permitted", below(bound([("dir", x509.name(("O", "Other")))])), permitted),
        ("directory_excluded", below(bound(excluded=[("dir", directory)])), excluded),
        ("of_an_upper_ca", lambda w: _longer(w, bound(["dns:example"])(w), 1), permitted),
    ]
    return [Case("constraint_" + name, make, refused) for name, make, refused in cases]


def _roots():
    """What a trusted root says of itself counts as well."""
    def case(which, refused=None):
        return Case("root_" + which, lambda w: [w.leaf(w.odd[which])], refused)

    return [
        case("without_key_usage"),
        case("that_does_not_sign", "(?i)key usage|invalid CA|unable to get"),
        case("without_basic_constraints", "invalid CA"),
        case("that_is_no_ca", "invalid CA"),
        case("without_key_identifier", "(?i)subject key identifier"),
        case("of_version_1", "invalid CA"),
        case("for_code_alone", "(?i)certificate purpose|trusted|rejected"),
        case("with_constraints", "(?i)permitted"),
        case("that_signs_no_ca"),
        Case("root_that_signs_no_ca_and_has",
             lambda w: w.below(w.authority("P", w.odd["that_signs_no_ca"])), "path length"),
    ]


def _paths():
    trusted, issuer = "(?i)self.signed", "unable to get (local )?issuer"
    return [
        Case("self_signed", lambda w: [w.leaf(None)], trusted),
        Case("root_unknown", lambda w: [w.leaf(w.foreign)], issuer),
        Case("root_unknown_and_sent", lambda w: w.below(w.foreign), trusted),
        Case("root_of_the_same_name",
             lambda w: w.below(w.authority("Root", key=w.key("L"))), trusted),
        Case("intermediate_missing", lambda w: [w.leaf(w.inter)], issuer),
        Case("second_intermediate_missing", lambda w: w.below(w.second), issuer),
        Case("intermediates_in_any_order",
             lambda w: [w.leaf(w.third), w.inter, w.third, w.second]),
        Case("intermediate_twice", lambda w: [*w.below(w.inter), w.inter]),
        Case("leaf_twice", lambda w: [w.leaf(w.inter), w.leaf(w.inter), w.inter]),
        Case("stranger_between", lambda w: [w.leaf(w.inter), w.foreign, w.inter]),
        Case("crossed_path_to_an_unknown_root_first", lambda w: [
            w.leaf(w.inter), w.authority("Intermediate", w.foreign), w.inter]),
        Case("crossed_path_to_an_unknown_root_last", lambda w: [
            w.leaf(w.inter), w.inter, w.authority("Intermediate", w.foreign)]),
        Case("crossed_path_to_an_unknown_root_alone", lambda w: [
            w.leaf(w.inter), w.authority("Intermediate", w.foreign)], issuer),
        Case("root_crossed_by_an_unknown_root", lambda w: [
            w.leaf(w.inter), w.inter, w.authority("Root", w.foreign)]),
        Case("signature_wrong_on_the_leaf", lambda w: w.below(w.inter, is_damaged=True),
             "signature failure"),
        Case("signature_wrong_on_the_intermediate",
             lambda w: w.below(w.authority("Intermediate", w.root, is_damaged=True)),
             "signature failure"),
        Case("signature_by_another_key", lambda w: w.below(w.inter, signer=w.key("M")),
             "signature failure"),
        Case("signature_algorithms_differ", lambda w: w.below(w.inter, inner_digest="sha1"),
             "(?i)signature|md too weak"),
        Case("signature_sha1", lambda w: w.below(w.inter, digest="sha1"), "too weak"),
        Case("signature_sha1_on_the_intermediate",
             lambda w: w.below(w.authority("N", w.root, digest="sha1")), "too weak"),
        Case("signature_md5", lambda w: w.below(
            w.authority("rsa-2048", w.root), digest="md5"), "too weak"),
        Case("signature_sha256_of_rsa", lambda w: w.below(w.authority("rsa-2048", w.root))),
        Case("key_rsa_1024", lambda w: w.below(w.inter, key=w.key("rsa-1024")),
             "(?i)key too (small|weak)|weak", key="rsa-1024"),
        Case("key_rsa_2048", lambda w: w.below(w.inter, key=w.key("rsa-2048")), key="rsa-2048"),
        Case("key_rsa_1024_of_the_intermediate",
             lambda w: w.below(w.authority("rsa-1024", w.root)), "(?i)key too (small|weak)|weak"),
        Case("issuer_name_differs",
             lambda w: w.below(w.inter, issuer_name=x509.name(("CN", "Nobody"))), issuer),
        Case("anchor_is_an_intermediate", lambda w: [w.leaf(w.inter)],
             options={"ca": "inter"}),
        Case("anchor_is_a_folder", lambda w: w.below(w.inter), options={"ca": "folder"}),
        Case("anchor_is_another", lambda w: w.below(w.inter), "unable to|self.signed",
             options={"ca": "foreign"}),
        Case("depth_0_kept", lambda w: [w.leaf(w.root)], options={"depth": 0}),
        Case("depth_0_exceeded", lambda w: w.below(w.inter), "too long|unable to",
             options={"depth": 0}),
        Case("depth_2_kept", lambda w: [w.leaf(w.second), w.second, w.inter],
             options={"depth": 2}),
        Case("depth_2_exceeded", lambda w: [w.leaf(w.third), w.third, w.second, w.inter],
             "too long|unable to", options={"depth": 2}),
    ]


def _lists():
    def crl(*names, **more):
        return {"crl": {"files": list(names), **more}}

    all_good = crl("root", "inter", "revoked_inter")
    none, revoked = "unable to get certificate CRL", "certificate revoked"
    return [
        Case("crl_good", lambda w: w.below(w.inter), options=all_good),
        Case("crl_leaf_revoked", lambda w: w.below(w.inter, serial=REVOKED),
             revoked + r" \(depth 0", options=all_good),
        Case("crl_intermediate_revoked", lambda w: w.below(w.revoked_inter),
             revoked + r" \(depth 1", options=all_good),
        Case("crl_in_der", lambda w: w.below(w.inter), options=crl("root", "inter_empty")),
        Case("crl_not_of_the_issuer", lambda w: w.below(w.bare), none, options=all_good),
        Case("crl_not_of_the_root", lambda w: w.below(w.inter), none, options=crl("inter")),
        Case("crl_of_another_issuer", lambda w: w.below(w.inter), none,
             options=crl("root", "foreign")),
        Case("crl_stale_and_fail", lambda w: w.below(w.inter), "CRL has expired",
             options=crl("root", "inter_stale")),
        Case("crl_stale_and_warn", lambda w: w.below(w.inter), is_stale=True,
             options=crl("root", "inter_stale", stale="warn")),
        Case("crl_stale_and_warn_still_revokes", lambda w: w.below(w.inter, serial=REVOKED),
             revoked, options=crl("root", "inter_stale", stale="warn")),
        Case("crl_stale_and_fresh", lambda w: w.below(w.inter),
             options=crl("root", "inter_stale", "inter")),
        Case("crl_stale_empty_and_fresh", lambda w: w.below(w.inter, serial=REVOKED), revoked,
             options=crl("root", "inter_stale_empty", "inter")),
        Case("crl_of_the_root_stale", lambda w: w.below(w.inter), "CRL has expired",
             options=crl("root_stale", "inter")),
        Case("crl_not_yet_valid", lambda w: w.below(w.inter), "CRL is not yet valid",
             options=crl("root", "inter_future", stale="warn")),
        Case("crl_signature_wrong", lambda w: w.below(w.inter), "CRL signature failure",
             options=crl("root", "inter_damaged")),
        Case("crl_signed_by_another_key", lambda w: w.below(w.inter),
             "CRL", options=crl("root", "inter_by_another")),
        Case("crl_of_another_key_of_the_issuer", lambda w: w.below(w.inter), "CRL",
             options=crl("root", "inter_other_key")),
        Case("crl_unknown_critical_extension", lambda w: w.below(w.inter),
             "(?i)critical", options=crl("root", "inter_critical")),
        Case("crl_anchor_is_the_issuer", lambda w: [w.leaf(w.inter)],
             options={"ca": "inter", **crl("inter")}),
        Case("crl_anchor_is_the_issuer_and_revokes", lambda w: [w.leaf(w.inter, serial=REVOKED)],
             revoked, options={"ca": "inter", **crl("inter")}),
    ]


def _names():
    """Of upstreams: what is looked for is NAME, or what `options` say."""
    mismatch = "mismatch"

    def case(title, names, refused=None, name=None, **fields):
        return Case("name_" + title, lambda w: w.below(w.inter, names=names, **fields), refused,
                    SERVER, {"name": name} if name else None)

    return [
        case("exact", ["dns:" + NAME]),
        case("case", ["dns:Upstream.TEST"]),
        case("second", ["dns:a.test", "dns:" + NAME]),
        case("other", ["dns:other.test"], mismatch),
        case("of_a_host_below", ["dns:a." + NAME], mismatch),
        case("of_the_domain_above", ["dns:test"], mismatch),
        case("common_name_alone", [], mismatch, subject=x509.name(("CN", NAME))),
        case("common_name_beside_an_address", ["ip:10.0.0.1"], mismatch,
             subject=x509.name(("CN", NAME))),
        case("common_name_beside_another", ["dns:other.test"], mismatch,
             subject=x509.name(("CN", NAME))),
        case("wildcard", ["dns:*.wild.test"], name="a.wild.test"),
        case("wildcard_is_one_label", ["dns:*.wild.test"], mismatch, name="a.b.wild.test"),
        case("wildcard_is_not_none", ["dns:*.wild.test"], mismatch, name="wild.test"),
        case("wildcard_begins", ["dns:a*.wild.test"], mismatch, name="ab.wild.test"),
        case("wildcard_ends", ["dns:*b.wild.test"], mismatch, name="ab.wild.test"),
        case("wildcard_between", ["dns:a*c.wild.test"], mismatch, name="abc.wild.test"),
        case("wildcard_twice", ["dns:*.*.wild.test"], mismatch, name="a.b.wild.test"),
        case("wildcard_second", ["dns:a.*.wild.test"], mismatch, name="a.b.wild.test"),
        case("wildcard_alone", ["dns:*"], mismatch),
        case("wildcard_alone_for_one_label", ["dns:*"], mismatch, name="localhost"),
        case("wildcard_of_a_top_level_domain", ["dns:*.test"], mismatch),
        case("wildcard_for_an_a_label", ["dns:*.wild.test"], name="xn--bcher-kva.wild.test"),
        case("wildcard_in_an_a_label", ["dns:xn--*.wild.test"], mismatch,
             name="xn--bcher-kva.wild.test"),
        case("wildcard_of_an_address", ["dns:*.0.0.1"], mismatch, name="127.0.0.1"),
        case("a_label", ["dns:xn--bcher-kva.wild.test"], name="xn--bcher-kva.wild.test"),
        case("u_label", ["dns:bücher.wild.test"], mismatch, name="xn--bcher-kva.wild.test"),
        case("nul", [("dns", NAME.encode() + b"\0.evil.test")], "(?i)mismatch|invalid"),
        case("nul_at_the_end", [("dns", NAME.encode() + b"\0")], "(?i)mismatch|invalid"),
        case("blank_at_the_end", ["dns:" + NAME + " "], mismatch),
        case("dot_at_the_end_of_the_certificates", ["dns:" + NAME + "."], mismatch),
        case("dot_at_the_begin", ["dns:." + NAME], mismatch),
        case("as_email", ["email:a@" + NAME], mismatch),
        case("as_uri", ["uri:https://" + NAME], mismatch),
        case("ip", ["ip:127.0.0.1"], name="127.0.0.1"),
        case("ip_other", ["ip:127.0.0.2"], mismatch, name="127.0.0.1"),
        case("ip_as_dns", ["dns:127.0.0.1"], mismatch, name="127.0.0.1"),
        case("ip_as_common_name", ["dns:" + NAME], mismatch, name="127.0.0.1",
             subject=x509.name(("CN", "127.0.0.1"))),
        case("ip_as_uri", ["uri:https://127.0.0.1"], mismatch, name="127.0.0.1"),
        case("ip6", ["ip:::1"], name="::1"),
        case("ip6_other", ["ip:::2"], mismatch, name="::1"),
        case("ip4_within_ip6", ["ip:::ffff:127.0.0.1"], mismatch, name="127.0.0.1"),
        case("ip_of_five_bytes", [("ip", b"\x7f\0\0\1\0")], mismatch, name="127.0.0.1"),
        case("of_127_0_0_1_is_no_dns_name", ["ip:127.0.0.1"], mismatch),
    ]


def _pins():
    def case(title, chain, pins, refused=None):
        return Case("pin_" + title, chain, refused, SERVER, {"pins": pins})

    return [
        case("of_the_leaf", lambda w: w.below(w.inter), ["leaf"]),
        case("of_the_intermediate", lambda w: w.below(w.inter), ["Intermediate"]),
        case("of_the_root", lambda w: w.below(w.inter), ["Root"]),
        case("of_one_of_two", lambda w: w.below(w.inter), ["Foreign root", "leaf"]),
        case("of_another", lambda w: w.below(w.inter), ["Foreign root"], "pinned"),
        case("sent_but_not_in_the_path", lambda w: [*w.below(w.inter), w.foreign],
             ["Foreign root"], "pinned"),
        case("of_the_leaf_of_an_unknown_root", lambda w: [w.leaf(w.foreign)], ["leaf"],
             "unable to get"),
    ]


SPIFFE = "uri:spiffe://example.org/ns/a"


def _rules():
    """Of clients: RULES are asked in their order."""
    def case(title, rules, refused=None, peer_id="dns:" + NAME, **fields):
        reason = "client_denied" if refused else None
        return Case("rule_" + title, lambda w: w.below(w.inter, **fields), refused, CLIENT,
                    {"rules": rules}, reason, peer_id)

    def allow(**names):
        return {"allow": names}

    def deny(**names):
        return {"deny": names}

    none, unsound = "no rule fits", "two ways"
    person = x509.name(("OU", "Ops"), ("CN", "old-7"))
    spiffe = [allow(uri="spiffe://example.org/*")]
    listed = [*spiffe, deny(cn="old-*"), allow(dns="*.clients.test", ou="Ops")]
    return [
        case("allow_any", [allow()]),
        case("deny_any", [deny()], "rule 1 denies it"),
        case("dns_allowed", [allow(dns="*.test")]),
        case("dns_exact_allowed", [allow(dns="UPSTREAM.test.")]),
        case("dns_other", [allow(dns="*.example")], none),
        case("dns_star_is_no_dot", [allow(dns="*.test")], none, names=["dns:a.b.test"]),
        case("dns_denied", [deny(dns="*.test"), allow()], "rule 1 denies it"),
        case("uri_allowed", spiffe, None, SPIFFE, names=["dns:a.test", SPIFFE]),
        case("uri_of_another_domain", spiffe, none,
             names=["uri:spiffe://example.org.evil/ns/a"]),
        case("uri_path_case", [allow(uri="spiffe://example.org/ns/A")], none, names=[SPIFFE]),
        case("uri_exact", [allow(uri="SPIFFE://Example.org/ns/a")], None, SPIFFE, names=[SPIFFE]),
        case("uri_with_dots", spiffe, unsound, names=["uri:spiffe://example.org/../ns"]),
        case("uri_denied", [deny(uri="spiffe://example.org/*"), allow()], "rule 1 denies it",
             names=[SPIFFE]),
        case("email_allowed", [allow(email="*@example.com")], None, "email:a@Example.com",
             names=["email:a@Example.com"]),
        case("email_other", [allow(email="b@example.com")], none, names=["email:a@example.com"]),
        case("email_denied", [deny(email="a@example.com"), allow()], "rule 1 denies it",
             names=["email:a@example.com"]),
        case("ip_allowed", [allow(ip="10.0.0.0/8")], None, "ip:10.1.2.3", names=["ip:10.1.2.3"]),
        case("ip_other", [allow(ip="10.0.0.0/8")], none, names=["ip:11.1.2.3"]),
        case("ip_denied", [deny(ip="10.0.0.0/8"), allow()], "rule 1 denies it",
             names=["ip:10.1.2.3"]),
        case("ip6_allowed", [allow(ip="2001:db8::/32")], None, "ip:2001:db8::1",
             names=["ip:2001:db8::1"]),
        case("cn_allowed", [allow(cn="LEAF")]),
        case("cn_other", [allow(cn="leaf?")], none),
        case("cn_denied", [deny(cn="old-*"), allow()], "rule 1 denies it", subject=person),
        case("ou_allowed", [allow(ou="ops")], subject=person),
        case("ou_other", [allow(ou="Dev")], none, subject=person),
        case("ou_denied", [deny(ou="O*s"), allow()], "rule 1 denies it", subject=person),
        case("spki_allowed", [allow(spki="leaf")]),
        case("spki_other", [allow(spki="Intermediate")], none),
        case("spki_denied", [deny(spki="leaf"), allow()], "rule 1 denies it"),
        case("all_names_of_one_rule", listed, None, "dns:a.clients.test",
             names=["dns:a.clients.test"], subject=x509.name(("OU", "Ops"), ("CN", "new"))),
        case("not_all_names_of_one_rule", listed, none, names=["dns:a.clients.test"],
             subject=x509.name(("OU", "Dev"), ("CN", "new"))),
        case("second_of_three_denies", listed, "rule 2 denies it", names=["dns:a.clients.test"],
             subject=person),
        case("first_of_three_allows", listed, None, SPIFFE, names=[SPIFFE], subject=person),
        case("no_names_at_all", listed, none, names=[]),
        case("nul_in_a_name", [deny(cn="evil"), allow()], unsound,
             subject=x509.name(("CN", b"evil\0"))),
        case("nul_in_a_dns_name", [deny(dns="a.test"), allow()], unsound,
             names=[("dns", b"a.test\0")]),
        case("address_of_five_bytes", [allow()], unsound, names=[("ip", b"12345")]),
    ]


CASES = [*_times(), *_usages(), *_constraints(), *_roots(), *_paths(), *_lists(), *_names(), *_pins(),
         *_rules()]
