/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/file.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_MAX_BYTES = 256 };

/* Each test has a folder of its own and stands in it. */
static int folder_setup(void **state)
{
    char *folder = strdup("/tmp/sluice-test-XXXXXX");
    *state = folder;
    return folder != NULL && mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    SL_UNUSED(st);
    SL_UNUSED(type);
    SL_UNUSED(walk);
    return remove(path);
}

static int folder_teardown(void **state)
{
    int rc = chdir("/") == 0 ? nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
    free(*state);
    return rc;
}

static void assert_content(const char *path, const char *content)
{
    struct sl_blob blob = { 0 };
    assert_int_equal(sl_file_read(path, 1000, NULL, &blob), SL_OK);
    assert_true(sl_slice_eq(sl_blob_slice(&blob), sl_slice_cstr(content)));
    sl_blob_fini(&blob);
    assert_null(blob.ptr);
    sl_blob_fini(&blob);
}

static void a_file_is_written_whole_and_read_back(void **state)
{
    SL_UNUSED(state);
    struct sl_diag diag = { "" };
    assert_int_equal(sl_file_write("a", SL_SLICE("first"), 0600, &diag), SL_OK);
    assert_content("a", "first");
    assert_int_equal(sl_file_write("a", SL_SLICE(""), 0640, &diag), SL_OK);
    assert_content("a", "");
    struct stat st;
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_string_equal(diag.text, "");
}

static unsigned count_files(void)
{
    unsigned count = 0;
    FILE *list = popen("ls -A | wc -l", "r");
    assert_non_null(list);
    assert_int_equal(fscanf(list, "%u", &count), 1);
    assert_int_equal(pclose(list), 0);
    return count;
}

static void a_reader_of_the_old_file_keeps_it_and_no_rest_is_left(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(sl_file_write("a", SL_SLICE("old"), 0600, NULL), SL_OK);
    int fd = open("a", O_RDONLY | O_CLOEXEC);
    assert_int_equal(sl_file_write("a", SL_SLICE("new"), 0600, NULL), SL_OK);
    char bytes[8];
    assert_int_equal(read(fd, bytes, sizeof(bytes)), 3);
    assert_memory_equal(bytes, "old", 3);
    (void)close(fd);
    assert_content("a", "new");
    assert_int_equal(count_files(), 1);
}

static void a_file_that_cannot_be_written_leaves_the_old_one(void **state)
{
    SL_UNUSED(state);
    struct sl_diag diag = { "" };
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(sl_file_write("folder", SL_SLICE("x"), 0600, &diag), SL_ESYS);
    assert_non_null(strstr(diag.text, "folder"));
    assert_int_equal(count_files(), 1);
    assert_int_equal(sl_file_write("nowhere/file", SL_SLICE("x"), 0600, &diag), SL_ESYS);
}

static void a_file_over_the_limit_is_not_read(void **state)
{
    SL_UNUSED(state);
    struct sl_diag diag = { "" };
    struct sl_blob blob = { 0 };
    assert_int_equal(sl_file_write("a", SL_SLICE("12345"), 0600, NULL), SL_OK);
    assert_int_equal(sl_file_read("a", 4, &diag, &blob), SL_ERANGE);
    assert_non_null(strstr(diag.text, "at most 4 bytes"));
    assert_null(blob.ptr);
    assert_int_equal(sl_file_read("a", 5, &diag, &blob), SL_OK);
    assert_int_equal(blob.len, 5);
    sl_blob_fini(&blob);
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    SL_UNUSED(state);
    struct sl_diag diag = { "" };
    struct sl_blob blob = { 0 };
    assert_int_equal(sl_file_read("nowhere", 100, &diag, &blob), SL_ENOENT);
    assert_non_null(strstr(diag.text, "nowhere"));
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(sl_file_read("fifo", 100, &diag, &blob), SL_ESYS);
    assert_non_null(strstr(diag.text, "not a regular file"));
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(sl_file_read("folder", 100, &diag, &blob), SL_ESYS);
    assert_int_equal(sl_file_read("/dev/zero", 100, &diag, &blob), SL_ESYS);
    assert_null(blob.ptr);
}

static void folders_are_made_with_those_above_them(void **state)
{
    char path[PATH_MAX_BYTES];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/a//b/c/", (const char *)*state);
    for (unsigned i = 0; i < 2; i++) { /* the second time they are there */
        assert_int_equal(sl_file_mkdirs(path, 0700, NULL), SL_OK);
        assert_int_equal(stat("a/b/c", &st), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_int_equal(st.st_mode & 0777, 0700);
    }
    assert_int_equal(sl_file_mkdirs("relative/too", 0700, NULL), SL_OK);
    assert_int_equal(stat("relative/too", &st), 0);
}

static void a_file_in_the_place_of_a_folder_is_an_error(void **state)
{
    SL_UNUSED(state);
    struct sl_diag diag = { "" };
    assert_int_equal(sl_file_write("a", SL_SLICE("x"), 0600, NULL), SL_OK);
    assert_int_equal(sl_file_mkdirs("a/b", 0700, &diag), SL_ESYS);
    diag.text[0] = '\0';
    assert_int_equal(sl_file_mkdirs("a", 0700, &diag), SL_ESYS);
    assert_non_null(strstr(diag.text, "cannot make a"));
}

static void a_path_that_is_too_long_is_an_error(void **state)
{
    SL_UNUSED(state);
    struct sl_diag diag = { "" };
    char *path = malloc(5000);
    assert_non_null(path);
    memset(path, 'a', 4999);
    path[4999] = '\0';
    assert_int_equal(sl_file_mkdirs(path, 0700, &diag), SL_ESYS);
    assert_int_equal(sl_file_write(path, SL_SLICE("x"), 0600, &diag), SL_ESYS);
    free(path);
}

static void nobody_can_change_a_sealed_memfd(void **state)
{
    SL_UNUSED(state);
    int fd = -1;
    assert_int_equal(sl_memfd_sealed("test", SL_SLICE("content"), &fd), SL_OK);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 100), -1);
    assert_ptr_equal(mmap(NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), -1);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    struct sl_blob blob = { 0 };
    assert_int_equal(sl_memfd_map(fd, &blob), SL_OK);
    (void)close(fd);
    assert_true(sl_slice_eq(sl_blob_slice(&blob), SL_SLICE("content")));
    sl_blob_fini(&blob);
}

static void what_could_still_change_is_not_mapped(void **state)
{
    SL_UNUSED(state);
    struct sl_blob blob = { 0 };
    const int part_seals[] = { 0, F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW,
                               F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };
    for (size_t i = 0; i < SL_COUNT(part_seals); i++) {
        int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_int_equal(write(fd, "x", 1), 1);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, part_seals[i]), 0);
        assert_int_equal(sl_memfd_map(fd, &blob), SL_EPROTO);
        (void)close(fd);
    }
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(sl_memfd_map(fds[0], &blob), SL_EPROTO);
    (void)close(fds[0]);
    (void)close(fds[1]);
    int fd = -1;
    assert_int_equal(sl_memfd_sealed("test", SL_SLICE(""), &fd), SL_OK);
    assert_int_equal(sl_memfd_map(fd, &blob), SL_EPROTO); /* nothing in it is no bundle */
    (void)close(fd);
    assert_null(blob.ptr);
}

static void shared_memory_is_seen_through_every_mapping(void **state)
{
    SL_UNUSED(state);
    int fd = -1;
    void *first = NULL, *second = NULL;
    assert_int_equal(sl_shared_create("test", 8192, &fd, &first), SL_OK);
    assert_int_equal(sl_shared_map(fd, 8192, &second), SL_OK);
    const char *seen = second;
    assert_int_equal(seen[8191], 0);
    ((char *)first)[8191] = 'x';
    assert_int_equal(seen[8191], 'x');
    assert_int_equal(ftruncate(fd, 0), -1); /* or a write would end the other with SIGBUS */
    (void)close(fd);
    sl_shared_unmap(first, 8192);
    sl_shared_unmap(second, 8192);
    sl_shared_unmap(NULL, 8192);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_written_whole_and_read_back, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(a_reader_of_the_old_file_keeps_it_and_no_rest_is_left,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_written_leaves_the_old_one,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_file_over_the_limit_is_not_read, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_refused_without_waiting,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(folders_are_made_with_those_above_them, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(a_file_in_the_place_of_a_folder_is_an_error, folder_setup,
                                        folder_teardown),
        cmocka_unit_test(a_path_that_is_too_long_is_an_error),
        cmocka_unit_test(nobody_can_change_a_sealed_memfd),
        cmocka_unit_test(what_could_still_change_is_not_mapped),
        cmocka_unit_test(shared_memory_is_seen_through_every_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
