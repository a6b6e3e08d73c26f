/* SPDX-License-Identifier: Apache-2.0 */
#include "base/def.h"
#include "sys/folders.h"
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/sl-folders-XXXXXX";
static char paths[4][PATH_MAX];

static const char *in_root(unsigned at, const char *name)
{
    (void)snprintf(paths[at], sizeof(paths[at]), "%s/%s", root, name);
    return paths[at];
}

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
}

static int setup(void **state)
{
    SL_UNUSED(state);
    return mkdtemp(root) == NULL;
}

static int teardown(void **state)
{
    char command[PATH_MAX + 16];
    SL_UNUSED(state);
    (void)snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

static void it_tells_of_the_folder_of_a_file_and_of_each_link_on_the_way(void **state)
{
    SL_UNUSED(state);
    int fd = -1;
    assert_int_equal(mkdir(in_root(0, "real"), 0700), 0);
    assert_int_equal(mkdir(in_root(0, "links"), 0700), 0);
    touch(in_root(0, "real/file"));
    assert_int_equal(symlink("../real", in_root(0, "links/folder")), 0);
    assert_int_equal(symlink("links/folder/file", in_root(0, "entry")), 0);
    assert_int_equal(sl_folders_open(&fd), SL_OK);
    assert_int_equal(sl_folders_add_for(fd, in_root(0, "entry")), SL_OK);
    assert_false(sl_folders_clear(fd));
    static const char *const CHANGES[] = { "new", "links/new", "real/new" };
    for (size_t i = 0; i < SL_COUNT(CHANGES); i++) {
        touch(in_root(0, CHANGES[i]));
        assert_true(sl_folders_clear(fd));
        assert_false(sl_folders_clear(fd));
    }
    assert_int_equal(close(fd), 0);
}

static void links_in_a_circle_and_files_that_are_not_there_end(void **state)
{
    SL_UNUSED(state);
    int fd = -1;
    assert_int_equal(sl_folders_open(&fd), SL_OK);
    assert_int_equal(symlink("circle", in_root(0, "circle")), 0);
    assert_int_equal(sl_folders_add_for(fd, in_root(0, "circle")), SL_OK);
    assert_int_equal(sl_folders_add_for(fd, in_root(0, "absent")), SL_OK);
    assert_int_equal(sl_folders_add_for(fd, in_root(0, "no/such/folder")), SL_ENOENT);
    assert_int_equal(sl_folders_add(fd, in_root(0, "real/file")), SL_ENOENT);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_of_the_folder_of_a_file_and_of_each_link_on_the_way),
        cmocka_unit_test(links_in_a_circle_and_files_that_are_not_there_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
