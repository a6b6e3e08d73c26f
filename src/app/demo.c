/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo.h"
#include "app/check.h"
#include "app/demo_config.h"
#include "app/demo_once.h"
#include "app/demo_port.h"
#include "app/demo_serve.h"
#include "app/demo_state.h"
#include "app/run.h"
#include "base/diag.h"
#include <stdio.h>

enum { TEXT_BYTES_MAX = 24 * 1024 }; /* two paths, every byte of them escaped */

struct demo {
    struct sl_run run;
    struct sl_demo_state state;
    struct sl_demo_port port;
    struct sl_demo_server server;
    struct sl_demo_config config;
    struct sl_demo_once once;
    bool is_once;
};

static int fail(enum sl_err rc, const char *what, const struct sl_diag *diag)
{
    if (diag->text[0] != '\0') {
        (void)fprintf(stderr, "sluice: %s\n", diag->text);
    } else {
        (void)fprintf(stderr, "sluice: %s: %s\n", what, sl_err_name(rc));
    }
    return SL_EXIT_FAILED;
}

static void on_ready(struct sl_run *run, const struct sl_listens *listens)
{
    struct demo *demo = SL_CONTAINER_OF(run, struct demo, run);
    uint8_t bytes[TEXT_BYTES_MAX];
    struct sl_wbuf text = sl_wbuf_of(bytes, sizeof(bytes));
    SL_UNUSED(listens);
    if (demo->is_once) {
        sl_demo_once_ready(&demo->once);
    } else if (sl_demo_config_usage(&demo->config, &text) == SL_OK) {
        (void)fwrite(text.ptr, 1, text.len, stdout);
        (void)fflush(stdout);
    }
}

static int run_service(struct demo *demo)
{
    uint8_t bytes[TEXT_BYTES_MAX];
    struct sl_wbuf yaml = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_configured configured = { 0 };
    int status = SL_EXIT_FAILED;
    if (sl_demo_config_yaml(&demo->config, &yaml) != SL_OK) {
        (void)fprintf(stderr, "sluice: the demo's paths are too long\n");
    } else if (sl_configured_load_text(sl_wbuf_slice(&yaml), "demo", &configured) == SL_OK) {
        demo->run.load = &configured.load;
        status = sl_run(&demo->run);
    }
    sl_configured_fini(&configured);
    return status;
}

/* The page is a child of the process that runs the service, so it ends with it. */
static int serve(struct demo *demo)
{
    struct sl_diag diag = { 0 };
    enum sl_err rc = sl_demo_server_start(&diag, &demo->server);
    if (rc != SL_OK) {
        return fail(rc, "cannot start the demo's page", &diag);
    }
    demo->config.page_port = demo->server.port;
    int status = run_service(demo);
    sl_demo_server_stop(&demo->server);
    return status;
}

static int serve_once(struct sl_demo_once *once)
{
    return serve(SL_CONTAINER_OF(once, struct demo, once));
}

static int run_demo(struct demo *demo)
{
    struct sl_diag diag = { 0 };
    enum sl_err rc = sl_demo_state_open(&diag, &demo->state);
    if (rc != SL_OK) {
        return fail(rc, "cannot keep the demo's certificates", &diag);
    }
    rc = sl_demo_port_open(&demo->port);
    if (rc != SL_OK) {
        return fail(rc, "no port is free on 127.0.0.1", &diag);
    }
    demo->config = (struct sl_demo_config){ .ca_path = demo->state.ca,
                                            .chain_path = demo->state.chain,
                                            .key_path = demo->state.key,
                                            .port = demo->port.port,
                                            .has_ipv6 = demo->port.has_ipv6 };
    demo->once = (struct sl_demo_once){ .serve = serve_once,
                                        .ca_path = demo->state.ca,
                                        .port = demo->port.port };
    int status = demo->is_once ? sl_demo_once_run(&demo->once) : serve(demo);
    sl_demo_port_close(&demo->port);
    return status;
}

int sl_demo(const struct sl_cli *cli)
{
    struct demo demo = { .run = { .ready_file = cli->options[SL_OPTION_READY_FILE],
                                  .on_ready = on_ready },
                         .is_once = cli->options[SL_OPTION_ONCE] != NULL };
    int status = run_demo(&demo);
    sl_demo_state_fini(&demo.state);
    return status;
}
