/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check_psk.h"
#include "conf/check_own.h"
#include <string.h>

enum { TLS_1_3 = 0x0304 }; /* RFC 8446 4.2.1 */

static void identity_check(const struct sl_conf_clients *clients, size_t index,
                           struct sl_findings *findings)
{
    const struct sl_conf_string *identity = &clients->psks[index].identity;
    for (size_t i = 0; i < index; i++) {
        const struct sl_conf_string *before = &clients->psks[i].identity;
        if (before->text != NULL && strcmp(before->text, identity->text) == 0) {
            sl_findings_add(findings, SL_FINDING_ERROR, identity->pos,
                            "this identity stands in 'psk' twice: first on line %u",
                            before->pos.line);
            return;
        }
    }
}

void sl_check_psk_clients(const struct sl_conf_clients *clients, struct sl_findings *findings)
{
    for (size_t i = 0; i < clients->psks_count; i++) {
        if (clients->psks[i].identity.text != NULL) {
            identity_check(clients, i, findings);
        }
    }
    if (clients->psks_count > 0 && clients->verify != SL_CLIENT_VERIFY_OFF) {
        sl_findings_add(findings, SL_FINDING_ERROR, clients->verify_pos,
                        "'verify' contradicts 'psk': a client with a key shows no certificate; "
                        "give the two a service each");
    }
}

void sl_check_psk_upstream(const struct sl_conf_upstream *upstream, struct sl_findings *findings)
{
    const struct {
        const char *key;
        struct sl_conf_pos pos; /* line 0 when not set */
    } settings[] = {
        { "verify", upstream->verify_pos },
        { "ca", upstream->ca.pos },
        { "crl", upstream->crl.pos },
        { "pins", upstream->pins_pos },
        { "certificate", sl_check_own_pos(upstream) },
    };
    for (size_t i = 0; i < SL_COUNT(settings); i++) {
        if (settings[i].pos.line != 0) {
            sl_findings_add(findings, SL_FINDING_ERROR, settings[i].pos,
                            "'%s' contradicts 'psk', which is in place of certificates: leave one "
                            "of the two out",
                            settings[i].key);
        }
    }
}

bool sl_check_psk_is_all(const struct sl_policy *policy)
{
    struct sl_slice rest = sl_slice_cstr(policy->ciphers);
    bool is_all = policy->min_version < TLS_1_3 && rest.len != 0;
    while (is_all && rest.len != 0) {
        is_all = sl_policy_is_psk_cipher(sl_slice_cut(&rest, sl_slice_find(rest, ':')));
        (void)sl_slice_cut(&rest, 1);
    }
    return is_all;
}
