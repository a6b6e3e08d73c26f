/* SPDX-License-Identifier: Apache-2.0 */
/** @file The configuration as a snapshot: what the YAML text says, defaults filled in, checked.
 *
 * Everything hangs from the arena that was given to sl_conf_parse and is never changed after it.
 * No file is read here: paths are made absolute in text only, and opened by the supervisor.
 */
#pragma once
#include "base/addr.h"
#include "base/logline.h"
#include "base/prefix.h"
#include "codec/proxy.h"
#include "codec/url.h"
#include "conf/finding.h"
#include "conf/policy.h"

#define SL_CONF_CREDENTIAL                                                                         \
    "credential:" /* before the name of what the service manager hands over */

/** A file that the configuration names; `path` is NULL when the option is not set. */
struct sl_conf_file {
    const char *path; /* absolute, or relative to nothing when no folder was given; or as it stands:
                       * "credential:NAME" (app/secret.h), "pkcs11:…" (codec/token_uri.h) */
    struct sl_conf_pos pos;
};

struct sl_conf_string {
    const char *text; /* NULL when not set */
    struct sl_conf_pos pos;
};

struct sl_conf_url {
    struct sl_url url; /* views into `text` */
    const char *text;
    struct sl_conf_pos pos;
    uint32_t weight; /* of a connect URL: its share; 0 takes no new connections */
    bool is_backup;  /* of a connect URL: only when no other server is up */
    struct sl_conf_pos weight_pos, backup_pos; /* when set */
};

struct sl_conf_addr {
    struct sl_addr addr; /* port 0 */
    struct sl_conf_pos pos;
};

/** A chain (leaf first) and its key; `key.path` is NULL when the chain file holds the key. */
struct sl_conf_certificate {
    struct sl_conf_file chain, key;
    struct sl_conf_file passphrase_file; /* of the key's file */
    struct sl_conf_file pin_file;        /* of the token that `chain` or `key` stands on */
    struct sl_conf_file ocsp;            /* the response to staple */
};

enum sl_conf_stale { SL_STALE_FAIL, SL_STALE_WARN };

/** Lists of revoked certificates. */
struct sl_conf_crl {
    struct sl_conf_pos pos; /* of `crl`, when set */
    struct sl_conf_file *files;
    size_t files_count;
    enum sl_conf_stale stale; /* what one past its time means */
};

/** Names that one certificate has all of; what is not set may be any. */
struct sl_conf_identity {
    struct sl_conf_string dns, email, uri, ip, cn, ou, spki;
};

/** One of the two. */
struct sl_conf_rule {
    struct sl_conf_identity allow, deny;
    struct sl_conf_pos allow_pos, deny_pos; /* when set */
};

/** A pre-shared key. */
struct sl_conf_psk {
    struct sl_conf_string identity; /* text NULL for none */
    struct sl_conf_file key_file;
};

struct sl_conf_timeouts {
    uint32_t handshake_ms, connect_ms;
    uint32_t upstream_handshake_ms; /* not set: handshake_ms */
    uint32_t idle_ms;
    uint32_t half_close_ms; /* of `idle_ms`, once a side has ended; not set: the same */
    uint32_t session_ms;    /* 0: no end */
    uint32_t linger_ms;
    struct sl_conf_pos half_close_pos; /* of `half_close`, when set */
};

/** Which addresses are let in; the lists as sl_prefixes_sort leaves them. */
struct sl_conf_from {
    struct sl_prefix *allow, *deny;
    size_t allow_count, deny_count; /* 0 when not set */
    struct sl_conf_pos allow_pos;   /* of `allow`, when set */
};

enum sl_conf_over { SL_OVER_WAIT, SL_OVER_REFUSE };

/** Of one service, in all workers together; 0 for no limit. */
struct sl_conf_service_limits {
    uint64_t connections_count; /* at once */
    uint64_t handshakes_count;  /* at once */
    uint64_t rate_count;        /* new connections a second from one source */
    uint64_t burst_count;       /* that may come at once; 0: as many as in a second */
    enum sl_conf_over over;
    struct sl_conf_pos connections_pos, handshakes_pos, burst_pos; /* when set */
};

/** How the server of a connection is chosen. */
enum sl_conf_balance {
    SL_BALANCE_FIRST,
    SL_BALANCE_ROUND_ROBIN,
    SL_BALANCE_LEAST_CONNECTIONS,
    SL_BALANCE_SOURCE_HASH,
    SL_BALANCE_RANDOM_OF_TWO
};

/** When a server that fails is left out for a while. */
struct sl_conf_ejection {
    struct sl_conf_pos pos;  /* of `ejection`, when set */
    uint32_t failures_count; /* in a row; 0: never */
    uint32_t within_ms;      /* from the first of them to the last */
    uint32_t time_ms, time_max_ms;
};

enum sl_conf_health_type { SL_HEALTH_CONNECT, SL_HEALTH_TLS };

/** Whether and how servers are looked after without a client. */
struct sl_conf_health {
    struct sl_conf_pos pos; /* of `health`, when set: else there are no checks */
    enum sl_conf_health_type type;
    struct sl_conf_pos type_pos, timeout_pos; /* when set */
    uint32_t interval_ms, timeout_ms;
    uint32_t rise_count, fall_count; /* checks in a row */
};

/** TCP's own looking after a silent peer. */
struct sl_conf_keepalive {
    struct sl_conf_pos pos; /* when set: else the kernel sends none */
    uint32_t idle_ms, interval_ms;
    uint32_t count;
};

/** PROXY protocol headers that come in. */
struct sl_conf_proxy {
    struct sl_prefix *from; /* who must send one; sorted */
    size_t from_count;      /* 0: nobody */
    struct sl_conf_pos from_pos;
    struct sl_proxy_types pass;  /* TLVs for the header to the upstream */
    struct sl_conf_pos pass_pos; /* of `pass`, when set */
};

/** How the connect side is reached. */
struct sl_conf_upstream {
    bool is_verified;              /* chain and name; on unless `verify: off` */
    struct sl_conf_pos verify_pos; /* of `verify`, when set */
    struct sl_conf_file ca;        /* path NULL: the system's store; line 0: not set */
    uint32_t depth;                /* intermediate certificates at most */
    struct sl_conf_crl crl;
    struct sl_conf_string *pins; /* of which the chain has to have one */
    size_t pins_count;
    struct sl_conf_pos pins_pos;              /* of `pins`, when set */
    struct sl_conf_string name;               /* to send and verify; not set: the URL's host */
    struct sl_conf_certificate *certificates; /* of our own */
    size_t certificates_count;
    struct sl_conf_psk psk;            /* in place of certificates on both sides */
    bool is_resuming;                  /* sessions are kept and offered again */
    struct sl_conf_pos resumption_pos; /* of `resumption`, when set */
    bool has_middlebox_mode;           /* TLS 1.3 looks like a resumed TLS 1.2 */
    struct sl_conf_pos middlebox_pos;  /* of `middlebox`, when set */
    enum sl_proxy_version proxy_out;   /* PROXY protocol header before everything else */
    struct sl_proxy_types proxy_tlvs;  /* in it, when set: conf/proxy.h */
    struct sl_conf_pos proxy_tlvs_pos; /* of `proxy_tlvs`, when set */
    const struct sl_policy *policy;    /* never NULL: the service's when not set */
    struct sl_conf_pos policy_pos;     /* of `policy`, when set */
    struct sl_conf_addr *sources;      /* to connect from: one of a family */
    size_t sources_count;
    struct sl_conf_keepalive keepalive;
    uint32_t user_timeout_ms; /* 0: the kernel's own */
    struct sl_conf_pos user_timeout_pos;
};

enum sl_conf_client_verify {
    SL_CLIENT_VERIFY_OFF,
    SL_CLIENT_VERIFY_REQUEST,
    SL_CLIENT_VERIFY_REQUIRE
};

/** Whether clients show a certificate, and who may have signed it. */
struct sl_conf_clients {
    enum sl_conf_client_verify verify;
    struct sl_conf_pos verify_pos; /* of `verify`, when set */
    struct sl_conf_file ca;
    uint32_t depth; /* intermediate certificates at most */
    struct sl_conf_crl crl;
    struct sl_conf_rule *rules;
    size_t rules_count;
    struct sl_conf_pos rules_pos; /* of `rules`, when set */
    struct sl_conf_psk *psks;     /* of those who show no certificate and want none */
    size_t psks_count;
};

/** Where the connections go that are as its conditions say. */
struct sl_conf_route {
    struct sl_conf_pos pos;
    struct sl_conf_string *names; /* of SNI (codec/route_rule.h) */
    size_t names_count;           /* 0: any, or none */
    struct sl_conf_pos names_pos; /* of `sni`, when set */
    struct sl_conf_string *alpn;
    size_t alpn_count;           /* 0: any, or none */
    struct sl_conf_pos alpn_pos; /* of `alpn`, when set */
    struct sl_prefix *from;
    size_t from_count;           /* 0: anywhere */
    struct sl_conf_pos from_pos; /* of `from`, when set */
    struct sl_conf_url *connects;
    size_t connects_count;
    bool is_terminated;               /* on unless `terminate: no`; no meaning without tls:// */
    struct sl_conf_pos terminate_pos; /* of `terminate`, when set */
};

enum sl_conf_sni { SL_SNI_DEFAULT, SL_SNI_STRICT };

/** Which connections have a line in the log. */
struct sl_conf_service_log {
    enum sl_log_level level; /* SL_LOG_DEBUG, which nobody can write: the global one */
    uint32_t sample_count;   /* one of so many that ended well */
};

struct sl_conf_service {
    const char *name;
    struct sl_conf_pos pos;
    struct sl_conf_url *listens;
    size_t listens_count;
    struct sl_conf_url *connects;
    size_t connects_count; /* 0: every connection needs a route */
    struct sl_conf_route *routes;
    size_t routes_count;
    struct sl_conf_certificate *certificates;
    size_t certificates_count;
    struct sl_conf_span certificates_span; /* the list in the text */
    struct sl_conf_string *alpn;           /* in order of preference */
    size_t alpn_count;
    bool is_alpn_strict;
    struct sl_conf_pos alpn_strict_pos; /* of `alpn_strict`, when set */
    enum sl_conf_sni sni;
    struct sl_conf_pos sni_pos;     /* of `sni`, when set */
    const struct sl_policy *policy; /* never NULL: the global one when not set */
    struct sl_conf_pos policy_pos;  /* of `policy`, when set */
    struct sl_conf_timeouts timeouts;
    enum sl_conf_balance balance;
    uint32_t tries_count; /* servers that one connection tries at most; 0: all */
    uint32_t slow_start_ms;
    struct sl_conf_ejection ejection;
    struct sl_conf_health health;
    struct sl_conf_keepalive keepalive; /* of clients */
    uint32_t user_timeout_ms;           /* of clients; 0: the kernel's own */
    struct sl_conf_pos user_timeout_pos;
    struct sl_conf_proxy proxy_in;
    struct sl_conf_upstream upstream;
    struct sl_conf_clients clients;
    struct sl_conf_from from;
    struct sl_conf_service_limits limits;
    struct sl_conf_service_log log;
};

enum sl_conf_order { SL_ORDER_INHERITED, SL_ORDER_CLIENT, SL_ORDER_SERVER };
enum sl_conf_tickets { SL_TICKETS_INHERITED, SL_TICKETS_ON, SL_TICKETS_OFF };

/** A policy of the user's as it is written; what is not set is that of `extends`. */
struct sl_conf_policy {
    const char *name;
    struct sl_conf_pos pos;
    struct sl_conf_string extends;
    uint32_t min_version, max_version; /* on the wire; 0 when not set */
    struct sl_conf_string *suites, *ciphers, *groups, *signatures;
    size_t suites_count, ciphers_count, groups_count, signatures_count; /* 0 when not set */
    enum sl_conf_order order;
    enum sl_conf_tickets tickets;
    uint32_t session_ms; /* 0 when not set */
    struct sl_conf_pos security_level_pos;
    uint32_t security_level;
};

struct sl_conf_limits {
    uint64_t
        connections_count;     /* at once, in all workers together; 0: what the descriptors allow */
    uint64_t handshakes_count; /* at once, in all workers together; 0: no limit */
    uint64_t memory_bytes;     /* for bytes on their way, in all workers together; 0: no limit */
    enum sl_conf_over over;    /* what becomes of connections above these three */
    struct sl_conf_pos handshakes_pos;                   /* when set */
    uint64_t rate_sources_count;                         /* that each worker remembers */
    uint32_t rate_ipv4_bits_count, rate_ipv6_bits_count; /* that are one source */
    uint64_t buffer_bytes; /* one receive; also the most that a slow reader leaves pending */
    uint64_t client_hello_bytes;
    uint32_t certificates_count; /* that each worker keeps ready */
};

enum sl_conf_record_layer { SL_RECORD_LAYER_OWN, SL_RECORD_LAYER_LIBRARY };

enum sl_conf_cage_mode { SL_CAGE_MODE_ON, SL_CAGE_MODE_REQUIRED, SL_CAGE_MODE_OFF };
enum sl_conf_cage_action { SL_CAGE_ACTION_ERRNO, SL_CAGE_ACTION_KILL };

/** What holds a process that works for the network within what it needs. */
struct sl_conf_cage {
    enum sl_conf_cage_mode mode;
    enum sl_conf_cage_action action;
};

/** Tokens with keys and certificates. */
struct sl_conf_pkcs11 {
    struct sl_conf_file module; /* not set: those that p11-kit knows */
    struct sl_conf_string user; /* not set: who starts Sluice */
    uint32_t processes_count;   /* of each token: so many signatures at once */
    uint32_t queue_count;       /* signatures that may wait for one token */
};

enum sl_conf_unresolved { SL_UNRESOLVED_ERROR, SL_UNRESOLVED_LATER };

/** How names of upstreams are looked up. */
struct sl_conf_dns {
    bool is_refreshed; /* when their TTL ends; else once, at start, by the system's resolver */
    enum sl_conf_unresolved unresolved; /* what a name without an address at start means */
    struct sl_conf_string *servers;     /* IP or IP:PORT, IPv6 in brackets before a port */
    size_t servers_count;               /* 0: those of /etc/resolv.conf */
    uint32_t min_ttl_ms, max_ttl_ms;
    uint32_t timeout_ms; /* for a server to answer */
    uint32_t retry_ms;   /* the first pause after a failure */
    struct sl_conf_pos unresolved_pos, min_ttl_pos, max_ttl_pos; /* when set */
};

#define SL_CONF_LOG_STDERR "stderr"

struct sl_conf {
    uint32_t workers_count; /* 0: one per usable core */
    struct sl_conf_string user;
    struct sl_conf_cage cage;
    struct sl_conf_policy *policies; /* the user's */
    size_t policies_count;
    struct sl_conf_pkcs11 pkcs11;
    struct sl_conf_dns dns;
    const struct sl_policy *policy;
    struct sl_conf_pos policy_pos;
    const struct sl_policy *floor; /* NULL for none */
    struct sl_conf_pos floor_pos;
    bool is_kdf_fast; /* tls/fast.h */
    enum sl_conf_record_layer record_layer;
    struct sl_conf_pos record_layer_pos;
    bool is_watching;             /* the files that it names */
    struct sl_conf_string log_to; /* app/log_place.h */
    enum sl_log_format log_format;
    enum sl_log_level log_level;
    struct sl_conf_limits limits;
    uint32_t drain_ms;         /* how long TERM lets connections end by themselves */
    uint32_t ticket_rotate_ms; /* a ticket key is used that long, and read once as long again */
    struct sl_conf_service *services;
    size_t services_count;
};

/** The bytes to parse and where they come from. */
struct sl_conf_source {
    struct sl_slice yaml;
    const char *folder;        /* put before relative paths; NULL: leave them */
    bool are_certificates_cut; /* by sl_conf_cut: the services' certificates are not looked for */
};

enum { SL_CONF_BYTES_MAX = 64 * 1024 * 1024 }; /* of YAML text */

/**
 * Parses and checks one configuration, adding everything wrong to `findings`.
 * @return SL_OK (there may be warnings), SL_EINVAL (findings has the errors), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_conf_parse(const struct sl_conf_source *source, struct sl_arena *arena,
                                     struct sl_findings *findings, const struct sl_conf **ret_conf);

/**
 * Appends the text (room: as long, and 8 bytes for each service) without the services'
 * certificates, which can be most of it: for a reader that has them otherwise and sets
 * `are_certificates_cut`. All else stays at its line and column.
 * @param conf  what the text was parsed to
 * @return SL_OK, SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_conf_cut(struct sl_slice yaml, const struct sl_conf *conf,
                                   struct sl_wbuf *out);
