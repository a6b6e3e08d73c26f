/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check_own.h"
#include <string.h>

struct sl_conf_pos sl_check_own_pos(const struct sl_conf_upstream *upstream)
{
    return upstream->certificates_count == 0 ? (struct sl_conf_pos){ 0 }
                                             : upstream->certificates[0].chain.pos;
}

/* The same chain with another key would be wrong as well. */
static void twice_check(const struct sl_conf_upstream *upstream, size_t index,
                        struct sl_findings *findings)
{
    const struct sl_conf_file *chain = &upstream->certificates[index].chain;
    for (size_t i = 0; i < index; i++) {
        const struct sl_conf_file *before = &upstream->certificates[i].chain;
        if (chain->path != NULL && before->path != NULL && strcmp(chain->path, before->path) == 0) {
            sl_findings_add(findings, SL_FINDING_ERROR, chain->pos,
                            "this chain stands in 'certificate' twice: first on line %u",
                            before->pos.line);
            return;
        }
    }
}

void sl_check_own(const struct sl_conf_upstream *upstream, struct sl_findings *findings)
{
    for (size_t i = 0; i < upstream->certificates_count; i++) {
        const struct sl_conf_certificate *certificate = &upstream->certificates[i];
        twice_check(upstream, i, findings);
        if (certificate->ocsp.path != NULL) {
            sl_findings_add(findings, SL_FINDING_ERROR, certificate->ocsp.pos,
                            "'ocsp' is for certificates that clients are shown: an upstream is "
                            "sent no response");
        }
    }
}
