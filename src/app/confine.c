/* SPDX-License-Identifier: Apache-2.0 */
#include "app/confine.h"
#include "base/reader.h"
#include "sys/capabilities.h"
#include <unistd.h>

enum { PARTS_TEXT_MAX = 256 }; /* bytes; holds the names of all parts */

/* How `keys` is caged: flags of the message KEY_COUNT, and of TOKEN_CAGE. */
enum { KEYS_CAGED = 1U << 0, KEYS_REQUIRED = 1U << 1, KEYS_KILLED = 1U << 2 };

/* Names of parts, for a log line. */
struct parts_text {
    char bytes[PARTS_TEXT_MAX];
};

static struct parts_text parts_text(unsigned parts)
{
    struct parts_text text = { 0 };
    struct sl_wbuf out = sl_wbuf_of(text.bytes, sizeof(text.bytes) - 1);
    if (sl_cage_parts_put(parts, &out) != SL_OK) {
        text.bytes[0] = '\0';
    }
    return text;
}

/* What the supervisor still has. */
static struct parts_text rights_text(void)
{
    struct parts_text text = { 0 };
    struct sl_wbuf out = sl_wbuf_of(text.bytes, sizeof(text.bytes) - 1);
    const uint64_t rights = sl_capabilities_permitted();
    enum sl_err rc = rights == 0 ? sl_wbuf_put(&out, SL_SLICE("no capabilities"))
                                 : sl_capabilities_put(rights, &out);
    if (rc != SL_OK) {
        text.bytes[0] = '\0';
    }
    return text;
}

static enum sl_err user_put(const struct sl_conf *conf, const char *name, struct sl_wbuf *out)
{
    struct sl_cage_user user;
    if (geteuid() != 0 || conf->cage.mode == SL_CAGE_MODE_OFF) {
        return SL_OK;
    }
    if (sl_cage_user_find(name, &user) != SL_OK) {
        return SL_ENOENT;
    }
    if (user.uid == 0) {
        return SL_OK;
    }
    enum sl_err rc = sl_wbuf_put_u32(out, user.uid);
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, user.gid) : rc;
    for (size_t i = 0; rc == SL_OK && i < user.groups_count; i++) {
        rc = sl_wbuf_put_u32(out, user.groups[i]);
    }
    return rc;
}

enum sl_err sl_confine_user_put(const struct sl_conf *conf, struct sl_wbuf *out)
{
    return user_put(conf, conf->user.text, out);
}

/* What sl_confine_user_put has written. */
static enum sl_err read_user(struct sl_slice bytes, struct sl_cage_rules *rules)
{
    struct sl_reader r = sl_reader_of(bytes);
    struct sl_cage_user *to = &rules->user;
    to->uid = sl_reader_u32(&r);
    to->gid = sl_reader_u32(&r);
    while (r.in.len > 0 && !r.failed && to->groups_count < SL_CAGE_GROUPS_MAX) {
        to->groups[to->groups_count++] = sl_reader_u32(&r);
    }
    rules->has_user = sl_reader_is_done(&r);
    return rules->has_user ? SL_OK : SL_EPROTO;
}

static enum sl_err rules_of(const struct sl_conf *conf, struct sl_slice files,
                            struct sl_cage_rules *ret_rules)
{
    struct sl_cage_rules rules = { .role = SL_CAGE_WORKER,
                                   .is_killing = conf->cage.action == SL_CAGE_ACTION_KILL };
    struct sl_bundle bundle;
    struct sl_slice user;
    enum sl_err rc = sl_bundle_open(files, &bundle);
    if (rc == SL_OK && sl_bundle_find(&bundle, SL_BUNDLE_USER, sl_slice_cstr(""), &user) == SL_OK) {
        rc = read_user(user, &rules);
    }
    *ret_rules = rules;
    return rc;
}

static enum sl_err flags_put(const struct sl_conf *conf, bool may_lack, struct sl_wbuf *out)
{
    unsigned flags = conf->cage.mode == SL_CAGE_MODE_OFF ? 0 : KEYS_CAGED;
    flags |= conf->cage.mode == SL_CAGE_MODE_REQUIRED && !may_lack ? KEYS_REQUIRED : 0;
    flags |= conf->cage.action == SL_CAGE_ACTION_KILL ? KEYS_KILLED : 0;
    return sl_wbuf_put_u8(out, (uint8_t)flags);
}

enum sl_err sl_confine_keys_put(const struct sl_conf *conf, bool may_lack, struct sl_wbuf *out)
{
    enum sl_err rc = flags_put(conf, may_lack, out);
    rc = rc == SL_OK ? sl_confine_user_put(conf, out) : rc;
    return rc == SL_ENOENT ? SL_OK : rc;
}

enum sl_err sl_confine_token_put(const struct sl_conf *conf, bool may_lack, struct sl_wbuf *out)
{
    enum sl_err rc = flags_put(conf, may_lack, out);
    return rc == SL_OK && conf->pkcs11.user.text != NULL
               ? user_put(conf, conf->pkcs11.user.text, out)
               : rc;
}

static enum sl_err enter_as(enum sl_cage_role role, struct sl_slice bytes, unsigned *ret_lacks)
{
    struct sl_cage_report report = { 0 };
    struct sl_cage_rules rules = { .role = role };
    if (bytes.len == 0) {
        return SL_EPROTO;
    }
    const unsigned flags = bytes.ptr[0];
    (void)sl_slice_cut(&bytes, 1);
    rules.is_killing = (flags & KEYS_KILLED) != 0;
    if (bytes.len > 0 && read_user(bytes, &rules) != SL_OK) {
        return SL_EPROTO;
    }
    if ((flags & KEYS_CAGED) == 0) {
        return SL_OK;
    }
    enum sl_err rc = sl_cage_enter(&rules, &report);
    *ret_lacks = report.lacks & ~sl_cage_unbuilt();
    return (flags & KEYS_REQUIRED) != 0 ? rc : SL_OK;
}

enum sl_err sl_confine_keys_enter(struct sl_slice bytes, unsigned *ret_lacks)
{
    return enter_as(SL_CAGE_KEYS, bytes, ret_lacks);
}

enum sl_err sl_confine_agent_enter(struct sl_slice bytes, unsigned *ret_lacks)
{
    return enter_as(SL_CAGE_AGENT, bytes, ret_lacks);
}

enum sl_err sl_confine_token_enter(struct sl_slice bytes)
{
    unsigned lacks = 0;
    return enter_as(SL_CAGE_TOKEN, bytes, &lacks);
}

/* Whether the configuration can do without what is lacking. */
static enum sl_err accept_lacks(const struct sl_conf *conf, unsigned lacks, struct sl_diag *diag)
{
    if (lacks == 0 || conf->cage.mode != SL_CAGE_MODE_REQUIRED) {
        return SL_OK;
    }
    sl_diag_set(diag, "cage.mode is required, and this machine or build lacks: %s",
                parts_text(lacks).bytes);
    return SL_ENOENT;
}

static void log_cage(const struct sl_conf *conf, const struct sl_cage_rules *rules,
                     const struct sl_cage_report *report, struct sl_log *log)
{
    struct sl_logline line;
    sl_log_begin(log, &line, report->lacks == 0 ? SL_LOG_INFO : SL_LOG_WARN, "cage");
    sl_logline_cstr(&line, "mode", conf->cage.mode == SL_CAGE_MODE_REQUIRED ? "required" : "on");
    if (rules->has_user) {
        sl_logline_cstr(&line, "user", conf->user.text);
    }
    sl_logline_cstr(&line, "supervisor", rights_text().bytes);
    sl_logline_cstr(&line, "workers", parts_text(report->holds).bytes);
    sl_logline_u64(&line, "landlock_abi", report->landlock_abi);
    if (report->lacks != 0) {
        sl_logline_cstr(&line, "lacks", parts_text(report->lacks).bytes);
    }
    if (sl_cage_unbuilt() != 0) {
        sl_logline_cstr(&line, "built_without", parts_text(sl_cage_unbuilt()).bytes);
    }
    sl_log_put(log, &line);
}

static void log_off(struct sl_log *log)
{
    struct sl_logline line;
    sl_log_begin(log, &line, SL_LOG_WARN, "cage");
    sl_logline_cstr(&line, "mode", "off");
    /* no process leaves its memory open, cage or not */
    sl_logline_cstr(&line, "lacks", parts_text(SL_CAGE_ALL & ~(unsigned)SL_CAGE_NO_DUMP).bytes);
    sl_log_put(log, &line);
}

/* What the cages of all roles come to; what one lacks, holds for none. */
static void try_all(struct sl_cage_rules rules, struct sl_cage_report *ret_report)
{
    static const enum sl_cage_role ROLES[] = { SL_CAGE_WORKER, SL_CAGE_KEYS, SL_CAGE_AGENT };
    struct sl_cage_report all = { .holds = SL_CAGE_ALL };
    for (size_t i = 0; i < SL_COUNT(ROLES); i++) {
        struct sl_cage_report report = { 0 };
        rules.role = ROLES[i];
        if (sl_cage_try(&rules, &report) == SL_ESYS) {
            report = (struct sl_cage_report){ .lacks = SL_CAGE_ALL };
        }
        all.holds &= report.holds;
        all.lacks |= report.lacks;
        all.landlock_abi = report.landlock_abi;
    }
    *ret_report = all;
}

enum sl_err sl_confine_announce(const struct sl_load *load, struct sl_log *log,
                                struct sl_diag *diag)
{
    const struct sl_conf *conf = load->conf;
    struct sl_cage_report report = { 0 };
    struct sl_cage_rules rules;
    if (conf->cage.mode == SL_CAGE_MODE_OFF) {
        log_off(log);
        return SL_OK;
    }
    enum sl_err rc = rules_of(conf, sl_blob_slice(&load->files), &rules);
    if (rc != SL_OK) {
        sl_diag_set(diag, "cage: %s", sl_err_name(rc));
        return rc;
    }
    try_all(rules, &report);
    log_cage(conf, &rules, &report, log);
    return accept_lacks(conf, report.lacks, diag);
}

void sl_confine_log_lacks(struct sl_log *log, pid_t pid, unsigned lacks)
{
    struct sl_logline line;
    sl_log_begin(log, &line, SL_LOG_WARN, "cage_incomplete");
    sl_logline_u64(&line, "pid", (uint64_t)pid);
    sl_logline_cstr(&line, "lacks", parts_text(lacks).bytes);
    sl_log_put(log, &line);
}

enum sl_err sl_confine_enter(const struct sl_conf *conf, struct sl_slice files, struct sl_log *log,
                             struct sl_diag *diag)
{
    struct sl_cage_report report = { 0 };
    struct sl_cage_rules rules;
    if (conf->cage.mode == SL_CAGE_MODE_OFF) {
        return SL_OK;
    }
    enum sl_err rc = rules_of(conf, files, &rules);
    if (rc != SL_OK) {
        sl_diag_set(diag, "cage: %s", sl_err_name(rc));
        return rc;
    }
    rc = sl_cage_enter(&rules, &report);
    const unsigned unforeseen = report.lacks & ~sl_cage_unbuilt();
    if (rc != SL_OK && unforeseen != 0) {
        sl_confine_log_lacks(log, getpid(), unforeseen);
    }
    return accept_lacks(conf, report.lacks, diag);
}
