/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check.h"
#include "app/check_client.h"
#include "app/check_offer.h"
#include "app/oneshot.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char DEFAULT_PATH[] = "/etc/sluice/sluice.yaml";

/* The absolute folder that a file stands in; with a path of NULL the current one. */
static char *folder_of(const char *path)
{
    char *cwd = getcwd(NULL, 0);
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    if (cwd == NULL || slash == NULL) {
        return cwd;
    }
    char *folder = NULL;
    int head_len = (int)(slash - path) + (slash == path ? 1 : 0);
    int len = path[0] == '/' ? asprintf(&folder, "%.*s", head_len, path)
                             : asprintf(&folder, "%s/%.*s", cwd, head_len, path);
    free(cwd);
    return len < 0 ? NULL : folder;
}

static enum sl_err finish(struct sl_configured *c, const struct sl_load_source *source,
                          bool is_checking)
{
    enum sl_err rc = sl_load_create(source, &c->load);
    if (source->keeper != NULL) { /* who reloads tells of it in its own way */
        return rc;
    }
    if (rc != SL_OK || is_checking) { /* what runs logs its warnings */
        sl_load_report(&c->load);
    }
    if (rc == SL_EINVAL && c->load.conf == NULL && source->origins == NULL) {
        (void)fprintf(stderr, "%s: mend this first: the files that it names were not looked at\n",
                      source->display);
    }
    if (rc == SL_ENOMEM) {
        (void)fprintf(stderr, "sluice: no memory to load %s\n", source->display);
    }
    return rc;
}

/* What keeps it from being looked at. */
static enum sl_err fail(struct sl_configured *c, const struct sl_load_source *base, enum sl_err rc,
                        const char *what)
{
    sl_diag_set(&c->diag, "%s", what);
    if (base->keeper == NULL) {
        (void)fprintf(stderr, "sluice: %s\n", what);
    }
    return rc;
}

/* The text that stands in `base`, or else the file's. */
static enum sl_err read_text(const struct sl_load_source *base, const char *path,
                             struct sl_diag *diag, struct sl_blob *ret_text)
{
    if (base->yaml.ptr == NULL) {
        return sl_file_read(path, SL_CONF_BYTES_MAX, diag, ret_text);
    }
    struct sl_blob text = { .ptr = malloc(base->yaml.len + 1), .len = base->yaml.len };
    if (text.ptr == NULL) {
        return SL_ENOMEM;
    }
    memcpy(text.ptr, base->yaml.ptr, base->yaml.len);
    *ret_text = text;
    return SL_OK;
}

static enum sl_err load_file(const struct sl_cli *cli, const struct sl_load_source *base,
                             struct sl_configured *c)
{
    const char *path = cli->options[SL_OPTION_CONFIG];
    path = path == NULL ? DEFAULT_PATH : path;
    struct sl_diag diag = { 0 };
    enum sl_err rc = read_text(base, path, &diag, &c->text);
    if (rc != SL_OK) {
        return fail(c, base, rc, diag.text[0] == '\0' ? sl_err_name(rc) : diag.text);
    }
    c->folder = folder_of(path);
    if (c->folder == NULL) {
        return fail(c, base, SL_ESYS, "the current folder is gone");
    }
    struct sl_load_source source = *base;
    source.yaml = sl_blob_slice(&c->text);
    source.display = path;
    source.folder = c->folder;
    source.may_not_resolve = cli->command == SL_COMMAND_CHECK;
    return finish(c, &source, cli->command == SL_COMMAND_CHECK);
}

static enum sl_err load_oneshot(const struct sl_cli *cli, const struct sl_load_source *base,
                                struct sl_configured *c)
{
    struct sl_oneshot oneshot = { .lines_count = 0 };
    c->text.ptr = malloc(SL_CONFIGURED_BYTES_MAX);
    c->folder = folder_of(NULL);
    c->origins = calloc(SL_ONESHOT_LINES_MAX, sizeof(*c->origins));
    if (c->text.ptr == NULL || c->folder == NULL || c->origins == NULL) {
        return fail(c, base, SL_ENOMEM, "no memory");
    }
    oneshot.yaml = sl_wbuf_of(c->text.ptr, SL_CONFIGURED_BYTES_MAX);
    enum sl_err rc = sl_oneshot_write(cli, &oneshot);
    if (rc != SL_OK) {
        return fail(c, base, rc, "the arguments are too long");
    }
    c->text.len = oneshot.yaml.len;
    memcpy(c->origins, oneshot.origins, sizeof(oneshot.origins));
    struct sl_load_source source = *base;
    source.yaml = sl_blob_slice(&c->text);
    source.display = "command line";
    source.folder = c->folder;
    source.origins = c->origins;
    source.origins_count = oneshot.lines_count;
    return finish(c, &source, false);
}

enum sl_err sl_configured_load(const struct sl_cli *cli, struct sl_configured *configured)
{
    static const struct sl_load_source NONE;
    return sl_configured_reload(cli, &NONE, configured);
}

enum sl_err sl_configured_reload(const struct sl_cli *cli, const struct sl_load_source *base,
                                 struct sl_configured *configured)
{
    *configured = (struct sl_configured){ .load.keys_fd = -1 };
    return cli->command == SL_COMMAND_ONESHOT ? load_oneshot(cli, base, configured)
                                              : load_file(cli, base, configured);
}

enum sl_err sl_configured_load_text(struct sl_slice yaml, const char *display,
                                    struct sl_configured *configured)
{
    *configured = (struct sl_configured){ .load.keys_fd = -1 };
    const struct sl_load_source source = { .yaml = yaml, .display = display };
    return finish(configured, &source, false);
}

void sl_configured_fini(struct sl_configured *configured)
{
    sl_load_fini(&configured->load);
    sl_blob_fini(&configured->text);
    free(configured->folder);
    free(configured->origins);
    *configured = (struct sl_configured){ .load.keys_fd = -1 };
}

int sl_check(const struct sl_cli *cli)
{
    struct sl_configured configured;
    const char *as = cli->options[SL_OPTION_AS];
    if (as != NULL && strcmp(as, "list") == 0) {
        sl_check_clients_list();
        return SL_EXIT_DONE;
    }
    if (as != NULL && !sl_check_clients_are_known(as)) {
        return SL_EXIT_USAGE;
    }
    enum sl_err rc = sl_configured_load(cli, &configured);
    const struct sl_load *load = &configured.load;
    int status = rc == SL_OK ? SL_EXIT_DONE : SL_EXIT_USAGE;
    if (rc == SL_OK) {
        (void)printf("%s: OK, %zu service%s", load->source.display, load->conf->services_count,
                     load->conf->services_count == 1 ? "" : "s");
        if (load->findings.warnings_count > 0) {
            (void)printf(", %zu warning%s", load->findings.warnings_count,
                         load->findings.warnings_count == 1 ? "" : "s");
        }
        (void)printf("\n");
    }
    if (rc == SL_OK && as != NULL) {
        status = sl_check_clients(load, as, cli->options[SL_OPTION_VERBOSE] != NULL)
                     ? SL_EXIT_DONE
                     : SL_EXIT_FAILED;
    } else if (rc == SL_OK) {
        sl_check_offer_print(load, cli->options[SL_OPTION_VERBOSE] != NULL);
    }
    sl_configured_fini(&configured);
    return status;
}
