/* SPDX-License-Identifier: Apache-2.0 */
/** @file Runs a fuzz target over every file of a folder, and over every prefix of short ones. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20 }; /* bytes of one input */
enum { PREFIXES_MAX = 1024 }; /* inputs up to this many bytes are also run cut short */

static void run(const uint8_t *data, size_t size)
{
    /* an exact heap copy, so that the sanitizer sees a read past the end */
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    uint8_t *data = malloc(INPUT_MAX);
    if (dir == NULL || data == NULL) {
        fprintf(stderr, "usage: replay CORPUS-FOLDER\n");
        free(data);
        return 2;
    }
    unsigned inputs_count = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (file == NULL) {
            continue;
        }
        size_t size = fread(data, 1, INPUT_MAX, file);
        (void)fclose(file);
        for (size_t cut = 0; size <= PREFIXES_MAX && cut < size; cut++) {
            run(data, cut);
        }
        run(data, size);
        inputs_count++;
    }
    (void)closedir(dir);
    free(data);
    printf("%u inputs\n", inputs_count);
    return inputs_count > 0 ? 0 : 1;
}
