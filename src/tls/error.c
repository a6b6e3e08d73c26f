/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/error.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

enum { ALERTS_COUNT = 256 };

/* libssl queues a received alert as the reason SSL_AD_REASON_OFFSET + its number. */
static bool is_alert(unsigned long error)
{
    int reason = ERR_GET_REASON(error);
    return ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
           reason < SSL_AD_REASON_OFFSET + ALERTS_COUNT;
}

/* libssl's text, and what 3.0 has none for (RFC 8446 6.2). */
static void alert_text(int alert, char *text, size_t size)
{
    static const struct late_alert {
        int number;
        const char *text;
    } LATE[] = {
        { SSL_AD_INAPPROPRIATE_FALLBACK, "inappropriate fallback" },
        { SSL_AD_MISSING_EXTENSION, "missing extension" },
        { SSL_AD_CERTIFICATE_REQUIRED, "certificate required" },
        { SSL_AD_NO_APPLICATION_PROTOCOL, "no application protocol" },
    };
    for (size_t i = 0; i < SL_COUNT(LATE); i++) {
        if (LATE[i].number == alert) {
            (void)snprintf(text, size, "%s", LATE[i].text);
            return;
        }
    }
    const char *known = SSL_alert_desc_string_long(alert);
    if (strcmp(known, "unknown") == 0) {
        (void)snprintf(text, size, "number %d", alert);
    } else {
        (void)snprintf(text, size, "%s", known);
    }
}

void sl_tls_alert_say(uint8_t alert, struct sl_diag *diag)
{
    char text[64];
    alert_text(alert, text, sizeof(text));
    sl_diag_set(diag, "the peer sent alert: %s", text);
}

enum sl_err sl_tls_error_take(enum sl_err otherwise, const char *what, struct sl_diag *diag)
{
    unsigned long error = ERR_peek_error();
    bool is_nomem = ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    if (error != 0 && is_alert(error)) {
        sl_tls_alert_say((uint8_t)(ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET), diag);
    } else {
        const char *text = error == 0                ? "failed without a reason"
                           : ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error))
                                                     : ERR_reason_error_string(error);
        sl_diag_set(diag, "%s%s%s", what == NULL ? "" : what, what == NULL ? "" : ": ",
                    text == NULL ? "unknown error" : text);
    }
    ERR_clear_error();
    return is_nomem ? SL_ENOMEM : otherwise;
}
