/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer can put into an established connection: the input is a list of records {type, two
 * bytes of length, what it is made of}, each sealed with the key that the other end has, so that
 * the inside is reached; or, with the highest bit of the type, bytes in the clear. */
#include "base/reader.h"
#include "tls/established.h"
#include "tls/fast.h"
#include "tls/library.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WIRE_MAX = 256 * 1024, CLEAR = 0x80, TO_CLIENT = 1, PIECES = 2, UPDATE = 0x40 };

static void require(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static struct sl_record_pool *pool_open(void)
{
    require(sl_tls_library_init() == SL_OK && sl_tls_fast_use(true, NULL) == SL_OK &&
            sl_tls_fast_records(true) == SL_OK);
    return sl_fast_find()->pool;
}

/* The inner type is the last byte that is sealed, so a record may be padded by zeros. */
static void record_write(struct sl_record_way *way, unsigned type, struct sl_slice content,
                         struct sl_wbuf *wire)
{
    content.len = SL_MIN(content.len, (size_t)SL_RECORD_PLAIN_MAX);
    if ((type & CLEAR) != 0) {
        (void)!sl_wbuf_put(wire, content);
        return;
    }
    (void)!sl_record_seal(way, (enum sl_record_type)(type & ~UPDATE), content, wire);
    if ((type & UPDATE) != 0) {
        require(sl_record_way_update(way) == SL_OK);
    }
}

static void wire_write(struct sl_reader *in, struct sl_record_way *way, struct sl_wbuf *wire)
{
    while (!in->failed && in->in.len > 0) {
        const unsigned type = sl_reader_u8(in);
        const size_t len = sl_reader_u16(in);
        const struct sl_slice content = sl_slice_cut(&in->in, len);
        record_write(way, type, content, wire);
    }
}

/* Whatever comes: all is taken, kept within bounds, or refused once and for all. */
static void hear(struct sl_established *own, struct sl_slice wire, size_t piece, size_t room,
                 uint8_t *text)
{
    uint8_t answer[64];
    enum sl_err rc = SL_AGAIN;
    while (rc == SL_AGAIN && wire.len > 0) {
        struct sl_slice in = sl_slice_cut(&wire, piece);
        do {
            struct sl_wbuf plain = sl_wbuf_of(text, room);
            struct sl_wbuf out = sl_wbuf_of(answer, sizeof(answer));
            struct sl_diag diag = { "" };
            rc = sl_established_decrypt(own, &in, &plain, &out, &diag);
            require(rc == SL_AGAIN || rc == SL_ENOSPC || rc == SL_EOF || rc == SL_ETLS);
            require(rc != SL_AGAIN || in.len == 0);
            require((rc == SL_ETLS) == (diag.text[0] != '\0') && plain.len <= room);
            require(rc == SL_ETLS || out.len == 0);
            require(own->rest.cap <= SL_RECORD_HEADER_LEN + SL_RECORD_SEALED_MAX);
        } while (rc == SL_ENOSPC);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_record_pool *pool;
    pool = pool == NULL ? pool_open() : pool;
    struct sl_reader in = sl_reader_of(sl_slice_of(data, size));
    const unsigned mode = sl_reader_u8(&in);
    const struct sl_fast_digest *digest = &sl_fast_find()->digests[0];
    const struct sl_fast_secrets secrets = { .client = { .digest = digest, .bytes = "c" },
                                             .server = { .digest = digest, .bytes = "s" } };
    const struct sl_established_state state = { .is_client = (mode & TO_CLIENT) != 0,
                                                .suite = SL_RECORD_AES_128_GCM,
                                                .secrets = &secrets };
    uint8_t *bytes = malloc(WIRE_MAX), *text = malloc(WIRE_MAX);
    struct sl_established *own = NULL;
    struct sl_record_way way = { .pool = NULL };
    require(bytes != NULL && text != NULL && sl_established_create(pool, &state, &own) == SL_OK &&
            sl_record_way_init(&way, pool, state.suite, true,
                               state.is_client ? &secrets.server : &secrets.client) == SL_OK);
    struct sl_wbuf wire = sl_wbuf_of(bytes, WIRE_MAX);
    wire_write(&in, &way, &wire);
    const size_t piece = (mode & PIECES) != 0 ? 1 + (mode >> 2) : SIZE_MAX;
    hear(own, sl_wbuf_slice(&wire), piece, (mode >> 2) % 4 == 0 ? WIRE_MAX : 1 + (mode >> 4), text);
    sl_established_destroy(own);
    sl_record_way_fini(&way);
    require(pool->ways_count == 0);
    free(bytes);
    free(text);
    return 0;
}
