/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_state.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "tls/mint.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOCK_WAIT_MS = 5000, /* for another that makes the files right now */
    LOCK_LOOK_MS = 20,
    LEFT_S_MIN = 24 * 60 * 60, /* of the certificate's life */
    KEY_MODE = 0600,
    FOLDER_MODE = 0700,
    GROUP_AND_OTHERS = 077,
};

static const char CA_NAME[] = "Sluice demo CA";

static void own_text(char **text)
{
    free(*text);
}

static enum sl_err folder_path(struct sl_diag *diag, char **ret_path)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *path = NULL;
    int len;
    if (state != NULL && state[0] == '/') { /* a relative one counts as unset, says its standard */
        len = asprintf(&path, "%s/sluice/demo", state);
    } else if (home != NULL && home[0] == '/') {
        len = asprintf(&path, "%s/.local/state/sluice/demo", home);
    } else {
        sl_diag_set(diag, "nowhere to keep the demo's certificates: neither XDG_STATE_HOME nor "
                          "HOME is set to an absolute path");
        return SL_ESYS;
    }
    if (len < 0) {
        return SL_ENOMEM;
    }
    *ret_path = path;
    return SL_OK;
}

/* The descriptor holds the lock; it goes with it, also when the process is killed. */
static enum sl_err folder_lock(const char *path, struct sl_diag *diag, int *ret_fd)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 ||
        ((st.st_mode & GROUP_AND_OTHERS) != 0 && fchmod(fd, FOLDER_MODE) != 0)) {
        sl_diag_set(diag, "cannot use the folder %s: %s", path, strerror(errno));
        sl_socket_close(&fd);
        return SL_ESYS;
    }
    uint64_t end_ms = sl_clock_monotonic_ms() + LOCK_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || sl_clock_monotonic_ms() >= end_ms) {
            sl_diag_set(diag, "cannot lock the folder %s: %s", path, strerror(errno));
            sl_socket_close(&fd);
            return SL_ESYS;
        }
        (void)poll(NULL, 0, LOCK_LOOK_MS);
    }
    *ret_fd = fd;
    return SL_OK;
}

static enum sl_err read_pem(const char *path, struct sl_diag *diag, struct sl_blob *ret_blob)
{
    return sl_file_read(path, SL_TLS_MINT_PEM_MAX, diag, ret_blob);
}

static enum sl_err check_key_mode(const char *path, struct sl_diag *diag)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & GROUP_AND_OTHERS) == 0) {
        return SL_OK;
    }
    sl_diag_set(diag, "the key may be known to others");
    return SL_EINVAL;
}

/* SL_OK: what is there serves. SL_ENOENT: there is nothing yet. Else the diag says what is wrong.
 */
static enum sl_err check(const struct sl_demo_state *state, int64_t now_s, struct sl_diag *diag)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob ca = { 0 };
    SL_CLEANUP(sl_blob_fini) struct sl_blob chain = { 0 };
    SL_CLEANUP(sl_blob_fini) struct sl_blob key = { 0 };
    enum sl_err rc = read_pem(state->ca, diag, &ca);
    rc = rc == SL_OK ? read_pem(state->chain, diag, &chain) : rc;
    rc = rc == SL_OK ? read_pem(state->key, diag, &key) : rc;
    rc = rc == SL_OK ? check_key_mode(state->key, diag) : rc;
    return rc == SL_OK ? sl_tls_mint_check(sl_blob_slice(&ca), sl_blob_slice(&chain),
                                           sl_blob_slice(&key), now_s, LEFT_S_MIN, diag)
                       : rc;
}

static enum sl_err make(const struct sl_demo_state *state, int64_t now_s, struct sl_diag *diag)
{
    uint8_t ca[SL_TLS_MINT_PEM_MAX], chain[SL_TLS_MINT_PEM_MAX], key[SL_TLS_MINT_PEM_MAX];
    struct sl_tls_minted minted = { .ca = sl_wbuf_of(ca, sizeof(ca)),
                                    .chain = sl_wbuf_of(chain, sizeof(chain)),
                                    .key = sl_wbuf_of(key, sizeof(key)) };
    enum sl_err rc = sl_tls_mint_localhost(CA_NAME, now_s, diag, &minted);
    /* one that ends between these leaves files that do not belong together: the next makes anew */
    rc = rc == SL_OK ? sl_file_write(state->key, sl_wbuf_slice(&minted.key), KEY_MODE, diag) : rc;
    rc = rc == SL_OK ? sl_file_write(state->chain, sl_wbuf_slice(&minted.chain), 0644, diag) : rc;
    rc = rc == SL_OK ? sl_file_write(state->ca, sl_wbuf_slice(&minted.ca), 0644, diag) : rc;
    explicit_bzero(key, sizeof(key));
    return rc;
}

static enum sl_err open_locked(const struct sl_demo_state *state, struct sl_diag *diag)
{
    const int64_t now_s = (int64_t)(sl_clock_unix_ms() / SL_MS_PER_S);
    struct sl_diag why = { 0 };
    enum sl_err rc = check(state, now_s, &why);
    if (rc == SL_OK || rc == SL_ENOMEM) {
        return rc;
    }
    bool is_first = rc == SL_ENOENT && access(state->ca, F_OK) != 0;
    rc = make(state, now_s, diag);
    if (rc == SL_OK && !is_first) {
        (void)fprintf(stderr, "sluice: made a new demo CA and certificate: %s\n", why.text);
    }
    return rc;
}

enum sl_err sl_demo_state_open(struct sl_diag *diag, struct sl_demo_state *state)
{
    SL_CLEANUP(own_text) char *folder = NULL;
    SL_CLEANUP(sl_socket_close) int lock_fd = -1;
    *state = (struct sl_demo_state){ 0 };
    enum sl_err rc = folder_path(diag, &folder);
    if (rc != SL_OK) {
        return rc;
    }
    if (asprintf(&state->ca, "%s/ca.pem", folder) < 0 ||
        asprintf(&state->chain, "%s/localhost.pem", folder) < 0 ||
        asprintf(&state->key, "%s/localhost.key", folder) < 0) {
        return SL_ENOMEM;
    }
    rc = sl_file_mkdirs(folder, FOLDER_MODE, diag);
    rc = rc == SL_OK ? folder_lock(folder, diag, &lock_fd) : rc;
    return rc == SL_OK ? open_locked(state, diag) : rc;
}

void sl_demo_state_fini(struct sl_demo_state *state)
{
    free(state->ca);
    free(state->chain);
    free(state->key);
    *state = (struct sl_demo_state){ 0 };
}
