# SPDX-License-Identifier: Apache-2.0
"""More chains for chains.py: several paths of which one is good, and forms that are not as they
should be. The rules are those that public collections try (x509-limbo, BetterTLS, NIST's PKITS);
the certificates are our own."""
import x509
from chains import CLIENT, NAME, REVOKED, SERVER, Case
from x509 import DAY, NOW

OLD = {"begin": NOW - 9 * DAY, "end": NOW - DAY}


def _constrained(w, serial=1):
    return w.authority("Intermediate", w.root, serial=serial, add={
        "nc": (True, x509.name_constraints(["dns:example"]))})


def _usage(usage):
    return {"ku": (True, x509.key_usage(usage))}


# Certificates of `inter`'s name and key that a good path has to go round.
BAD_LINKS = {
    "expired": lambda w: w.authority("Intermediate", w.root, **OLD),
    "not_yet_valid": lambda w: w.authority("Intermediate", w.root, begin=NOW + DAY),
    "for_code_alone": lambda w: w.authority("Intermediate", w.root, add={
        "eku": (False, x509.eku("codeSigning"))}),
    "constrained": _constrained,
    "that_is_no_ca": lambda w: w.authority("Intermediate", w.root, add={
        "bc": (True, x509.basic_constraints(False))}),
    "without_basic_constraints": lambda w: w.authority("Intermediate", w.root, drop=["bc"]),
    "with_light_basic_constraints": lambda w: w.authority("Intermediate", w.root, add={
        "bc": (False, x509.basic_constraints(True))}),
    "that_does_not_sign": lambda w: w.authority("Intermediate", w.root, add=_usage("cRLSign")),
    "of_sha1": lambda w: w.authority("Intermediate", w.root, digest="sha1"),
    "damaged": lambda w: w.authority("Intermediate", w.root, is_damaged=True),
    "of_serial_number_0": lambda w: w.authority("Intermediate", w.root, serial=0),
    "critical": lambda w: w.authority("Intermediate", w.root, add={
        "unknown": (True, x509.tlv(5))}),
    "without_key_identifier": lambda w: w.authority("Intermediate", w.root, drop=["ski"]),
    "of_version_1": lambda w: w.authority("Intermediate", w.root, version=1,
                                          drop=["bc", "ku", "ski", "aki"]),
    "of_another_key": lambda w: w.authority("Intermediate", w.root, signer=w.key("Nobody")),
    "of_an_expired_root": lambda w: w.authority("Intermediate", w.expired_root),
    "of_a_root_that_is_no_ca": lambda w: w.authority("Intermediate", w.odd["that_is_no_ca"]),
}


def _ways():
    """One of two certificates of the intermediate's name and key is good, wherever it stands."""
    cases = []
    for name, make in BAD_LINKS.items():
        cases.append(Case(f"way_round_one_{name}_first",
                          lambda w, make=make: [w.leaf(w.inter), make(w), w.inter]))
        cases.append(Case(f"way_round_one_{name}_last",
                          lambda w, make=make: [w.leaf(w.inter), w.inter, make(w)]))
    return cases


def _cycle(w):
    """Two that sign each other, below nobody."""
    one = w.authority("Cycle A", w.authority("Cycle B"))
    return [w.leaf(one), one, w.authority("Cycle B", one)]


def _above_an_expired_anchor(w):
    """The anchor that comes first has expired; its key is crossed by one that is good."""
    below = w.authority("Below an expired root", w.expired_root)
    return [w.leaf(below), below, w.authority("Expired root", w.root)]


def _revoked_and_not(w):
    return [w.leaf(w.revoked_inter), w.revoked_inter,
            w.authority("Revoked intermediate", w.root, serial=7)]


def _mazes():
    everything = [make for name, make in BAD_LINKS.items() if name != "that_does_not_sign"]
    crl = {"crl": {"files": ["root", "inter", "revoked_inter"]}}
    return [
        Case("way_on_two_levels", lambda w: [
            w.leaf(w.second), w.authority("Second", w.inter, add=_usage("cRLSign")),
            w.authority("Second", w.inter, serial=0), _constrained(w), w.second, w.inter]),
        Case("way_round_a_short_path_length", lambda w: [
            w.leaf(w.second), w.second, w.authority("Intermediate", w.root, pathlen=0), w.inter]),
        Case("way_round_a_path_that_is_too_deep", lambda w: [
            w.leaf(w.inter), w.authority("Intermediate", w.third), w.third, w.second,
            w.authority("Intermediate", w.root, serial=9)], options={"depth": 1}),
        Case("way_among_all_that_are_bad", lambda w: [
            w.leaf(w.inter), *(make(w) for make in everything), w.inter]),
        Case("way_among_many_that_are_constrained", lambda w: [
            w.leaf(w.inter), *(_constrained(w, serial) for serial in range(2, 14)), w.inter]),
        Case("no_way_among_all_that_are_bad", lambda w: [
            w.leaf(w.inter), *(make(w) for make in everything)], "."),
        Case("no_way_by_a_name_that_is_not_permitted", lambda w: [
            w.leaf(w.inter), _constrained(w, 2), _constrained(w, 3)], "(?i)permitted"),
        Case("no_way_out_of_a_cycle", _cycle, "unable to get|self.signed"),
        Case("way_by_a_crossed_anchor_that_has_expired", _above_an_expired_anchor),
        Case("way_by_an_anchor_made_anew", lambda w: [w.leaf(w.odd["aged"])]),
        Case("way_round_an_expired_crossed_root", lambda w: [
            w.leaf(w.root), w.authority("Root", w.foreign, **OLD)]),
        Case("way_round_a_revoked_intermediate", _revoked_and_not, options=crl),
        Case("no_way_round_a_revoked_leaf", lambda w: [
            w.leaf(w.inter, serial=REVOKED), w.inter, w.authority("Intermediate", w.root, serial=9)],
             "certificate revoked", options=crl),
        Case("way_by_the_pinned_root", lambda w: [
            w.leaf(w.inter), w.inter, w.authority("Intermediate", w.odd["without_key_usage"])],
             sides=SERVER, options={"pins": ["Odd 1"]}),
    ]


def _forms():
    """Extensions that are not what their names say, or stand where they must not."""
    def leaf(title, refused, sides=("client", "server"), **extensions):
        add = {key: value if isinstance(value[0], bool) else (False, value)
               for key, value in extensions.items()}
        return Case("form_" + title, lambda w: w.below(w.inter, add=add), refused, sides)

    def inter(title, refused, drop=(), **extensions):
        return Case("form_" + title, lambda w: w.below(w.authority("Form", w.root, drop=drop,
                                                                   add=extensions)), refused)

    aia = x509.seq(x509.seq(x509.oid("1.3.6.1.5.5.7.48.1"), x509.tlv(0x86, b"http://a.test")))
    wrong = "(?i)invalid|unsuitable|mismatch|malformed|purpose|unsupported|issuer"
    return [
        leaf("names_have_more_behind", "behind the value", san=x509.san("dns:" + NAME) + b"\0"),
        leaf("purposes_empty", wrong, eku=x509.seq()),
        leaf("names_critical", None, san=(True, x509.san("dns:" + NAME))),
        Case("form_of_version_2", lambda w: w.below(w.inter, version=2), "X509v3"),
        Case("form_access_critical", lambda w: w.below(w.inter, add={
            "1.3.6.1.5.5.7.1.1": (True, aia)}), "unhandled critical"),
        Case("form_access", lambda w: w.below(w.inter, add={"1.3.6.1.5.5.7.1.1": (False, aia)})),
        Case("form_key_identifier_critical", lambda w: w.below(w.authority("Form", w.root, add={
            "ski": (True, x509.tlv(4, w.key("Form").identifier))})), "unhandled critical|critical"),
        inter("ca_names_are_text", wrong, san=(False, NAME.encode())),
        inter("ca_constraints_are_text", wrong, bc=(True, b"yes")),
        inter("ca_path_length_negative", wrong,
              bc=(True, x509.seq(x509.boolean(True), x509.tlv(2, b"\xff")))),
        inter("ca_usage_has_no_bit", wrong, ku=(True, x509.bits(b"\0"))),
        inter("ca_purposes_empty", wrong, eku=(False, x509.seq())),
        Case("form_ca_names_twice", lambda w: w.below(w.authority("Form", w.root, add={
            "san": (False, x509.san("dns:a.test")),
            "2.5.29.17": (False, x509.san("dns:b.test"))})), wrong + "|twice"),
        Case("key_p192_of_the_intermediate", lambda w: w.below(w.authority("p-192", w.root)),
             "(?i)key too (small|weak)|weak"),
        Case("key_p521_of_the_intermediate", lambda w: w.below(w.authority("p-521", w.root))),
    ]


def _trees():
    """Name constraints that are malformed, or of forms that nobody knows."""
    def bound(title, constraints, refused, *names):
        return Case("tree_" + title, lambda w: w.below(
            w.authority("Tree", w.root, add={"nc": (True, constraints)}),
            names=["dns:" + NAME, *names]), refused)

    def trees(*permitted, excluded=()):
        def listed(tag, subtrees):
            return x509.tlv(tag, *subtrees) if subtrees else b""
        return x509.seq(listed(0xA0, permitted), listed(0xA1, excluded))

    def tree(tag, value, *more):
        return x509.seq(x509.tlv(tag, value), *more)

    test = tree(0x82, b"test")
    malformed = "(?i)malformed|supported|invalid|permitted|issuer"
    rid = ("rid", b"\x2a\x03")
    return [
        bound("wildcard_permitted", trees(tree(0x82, b"*.test")), malformed),
        bound("wildcard_excluded", trees(excluded=[tree(0x82, b"*.test")]), malformed),
        bound("mask_with_a_gap", trees(test, tree(0x87, b"\x0a\0\0\0\xff\0\xff\0")), malformed,
              "ip:10.1.0.1"),
        bound("mask_with_a_gap_excluded",
              trees(excluded=[tree(0x87, b"\x0a\0\0\0\xff\0\xff\0")]), malformed, "ip:10.1.9.1"),
        bound("address_of_five_bytes", trees(test, tree(0x87, b"\x0a\0\0\0\xff")), malformed,
              "ip:10.0.0.1"),
        bound("minimum", trees(tree(0x82, b"test", x509.tlv(0x80, b"\1"))), malformed),
        bound("maximum", trees(tree(0x82, b"test", x509.tlv(0x81, b"\1"))), malformed),
        bound("of_an_unknown_form", trees(test, tree(0x88, b"\x2a\x03")), malformed, rid),
        bound("of_an_unknown_form_not_in_use", trees(test, tree(0x88, b"\x2a\x03")), None),
        bound("empty", x509.seq(), malformed),
        bound("of_all_addresses", trees(test, excluded=[tree(0x87, b"\0" * 8)]), "(?i)excluded",
              "ip:10.0.0.1"),
        bound("of_no_address", trees(test, excluded=[tree(0x87, b"\0" * 8)]), None),
        bound("text", b"example", malformed),
    ]


def _names():
    """Of upstreams."""
    def case(title, names, refused="mismatch", name=None, **fields):
        return Case("name_" + title, lambda w: w.below(w.inter, names=names, **fields), refused,
                    SERVER, {"name": name} if name else None)

    other = x509.tlv(0xA0, x509.oid("1.2.3.4"), x509.tlv(0xA0, x509.tlv(0x0C, NAME.encode())))
    common = x509.name(("CN", NAME))
    return [
        case("empty", ["dns:"]),
        case("empty_and_common_name", ["dns:"], subject=common),
        case("with_a_port", ["dns:" + NAME + ":443"]),
        case("with_a_line_end", ["dns:" + NAME + "\n"]),
        case("with_two_dots", ["dns:upstream..test"]),
        case("that_begins_with_nul", [("dns", b"\0" + NAME.encode())], "(?i)mismatch|invalid"),
        case("other_name_and_common_name", [("raw", other)], subject=common),
        case("registered_id_and_common_name", [("rid", b"\x2a\x03")], subject=common),
        case("directory_and_common_name", [("dir", common)], subject=common),
        case("ip_with_a_mask", [("ip", b"\x7f\0\0\1\xff\xff\xff\xff")], name="127.0.0.1"),
        case("ip6_as_ip4", [("ip", b"\0" * 12 + b"\x7f\0\0\1")], name="127.0.0.1"),
        case("ip4_as_ip6", ["ip:127.0.0.1"], name="::ffff:127.0.0.1"),
        case("ip_as_wildcard", ["dns:*.0.0.1"], name="127.0.0.1"),
        case("wildcard_of_an_a_label_above", ["dns:*.xn--bcher-kva.test"], None,
             name="a.xn--bcher-kva.test"),
        case("wildcard_inside_an_a_label", ["dns:xn--*-kva.wild.test"],
             name="xn--bcher-kva.wild.test"),
        case("a_thousand", [*(f"dns:n{number}.test" for number in range(1000)), "dns:" + NAME],
             None),
    ]


def _policies():
    def listed(*oids):
        return (False, x509.seq(*(x509.seq(x509.oid(one)) for one in oids)))

    explicit = {"policy_constraints": (True, x509.seq(x509.tlv(0x80, b"\0")))}
    inhibit = {"2.5.29.54": (True, x509.integer(0))}
    every = "2.5.29.32.0"

    def case(title, refused, above, leaf):
        return Case("policy_" + title, lambda w: w.below(
            w.authority("Policies", w.root, add=above), add=leaf), refused)

    return [
        case("any_is_one", None, {**explicit, "policies": listed(every)},
             {"policies": listed(every)}),
        case("any_is_inhibited", "(?i)policy", {**explicit, **inhibit, "policies": listed("1.2.3.4")},
             {"policies": listed(every)}),
        case("of_the_leaf_is_another", "(?i)policy", {**explicit, "policies": listed("1.2.3.4")},
             {"policies": listed("1.2.3.5")}),
        case("another_and_nobody_asks", None, {"policies": listed("1.2.3.4")},
             {"policies": listed("1.2.3.5")}),
        case("twice", "(?i)policy", {}, {"policies": listed("1.2.3.4", "1.2.3.4")}),
        case("mapped_to_any", "(?i)policy", {**explicit, "policies": listed("1.2.3.4"),
                                              "2.5.29.33": (True, x509.seq(x509.seq(
                                                  x509.oid("1.2.3.4"), x509.oid(every))))},
             {"policies": listed("1.2.3.4")}),
    ]


def _strangers():
    """Of clients: what rules have to say of forms."""
    other = x509.tlv(0xA0, x509.oid("1.2.3.4"), x509.tlv(0xA0, x509.tlv(0x0C, b"a.test")))
    return [
        Case("rule_other_name_is_no_dns_name", lambda w: w.below(w.inter, names=[("raw", other)]),
             "no rule fits", CLIENT, {"rules": [{"allow": {"dns": "a.test"}}]}, "client_denied"),
        Case("rule_dns_name_empty", lambda w: w.below(w.inter, names=["dns:"]), "no rule|two ways",
             CLIENT, {"rules": [{"allow": {"dns": "*"}}]}, "client_denied"),
    ]


CASES = [*_ways(), *_mazes(), *_forms(), *_trees(), *_names(), *_policies(), *_strangers()]
