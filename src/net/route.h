/* SPDX-License-Identifier: Apache-2.0 */
/** @file The routes of a service, ready to be asked. */
#pragma once
#include "codec/route_rule.h"
#include "conf/conf.h"
#include "net/upstream.h"
#include "relay/conn.h"

struct sl_route {
    struct sl_conn_way way; /* to `target` */
    struct sl_route_rule rule;
    struct sl_target target;
};

/**
 * Fills in the rule and, of the way, all but is_alpn_held; views of `conf`, memory of `arena`.
 * @param route  a part of the array that is kept: `way` points into it
 * @return SL_OK, SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_route_init(struct sl_route *route, const struct sl_conf_service *service,
                                     const struct sl_conf_route *conf, struct sl_arena *arena);

/** Reports names of a route that ends TLS for which the service has no certificate. */
void sl_route_check_names(const struct sl_conf_service *service, const struct sl_conf_route *conf,
                          const struct sl_tls_ctx *ctx, struct sl_findings *findings);

/** How many connect URLs the service and its routes have. */
size_t sl_route_connects_count(const struct sl_conf_service *service);

/** The first of them that TLS is spoken with; NULL for none. */
const struct sl_conf_url *sl_route_tls_url(const struct sl_conf_service *service);

/** Whether the service has to know the first bytes of a client to tell its route. */
bool sl_route_wants_hello(const struct sl_conf_service *service);

/** The first route that fits; NULL for none. `hello` as sl_route_rule_fits has it. */
const struct sl_route *sl_route_find(const struct sl_route *routes, size_t routes_count,
                                     const struct sl_hello *hello, const struct sl_addr *client);
