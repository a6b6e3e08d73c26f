/* SPDX-License-Identifier: Apache-2.0 */
/** @file A PKCS#11 module for tests: another one, named by SLOW_MODULE_OF, whose signatures take as
 * many milliseconds as the file SLOW_MODULE_DELAY says. The names of calls that matter are appended
 * to the file SLOW_MODULE_CALLS.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static CK_FUNCTION_LIST *inner;
static CK_FUNCTION_LIST outer;

static void note(const char *call)
{
    const char *path = getenv("SLOW_MODULE_CALLS");
    int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd >= 0) {
        ssize_t put = write(fd, call, strlen(call));
        (void)put;
        (void)close(fd);
    }
}

static long delay_ms(void)
{
    char text[32] = "";
    const char *path = getenv("SLOW_MODULE_DELAY");
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    const char *line = fgets(text, sizeof(text), file);
    (void)fclose(file);
    return line == NULL ? 0 : strtol(text, NULL, 10);
}

static CK_RV slow_sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
                       CK_BYTE *signature, CK_ULONG *signature_len)
{
    const long ms = delay_ms();
    const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    note("sign\n");
    (void)nanosleep(&pause, NULL);
    return inner->C_Sign(session, data, data_len, signature, signature_len);
}

static CK_RV noted_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin,
                         CK_ULONG pin_len)
{
    note("login\n");
    return inner->C_Login(session, user, pin, pin_len);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    const char *path = getenv("SLOW_MODULE_OF");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;
    if (library != NULL) {
        void *symbol = dlsym(library, "C_GetFunctionList");
        memcpy(&get, &symbol, sizeof(get));
    }
    if (get == NULL || get(&inner) != CKR_OK) {
        return CKR_GENERAL_ERROR;
    }
    outer = *inner;
    outer.C_Sign = slow_sign;
    outer.C_Login = noted_login;
    *list = &outer;
    return CKR_OK;
}
