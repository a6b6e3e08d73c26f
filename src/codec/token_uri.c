/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/token_uri.h"
#include <string.h>

static const struct sl_slice SCHEME = SL_SLICE_INIT("pkcs11:");
static const struct sl_slice PIN_FILE = SL_SLICE_INIT("file:");

enum { NAME_SHOWN_MAX = 64 }; /* bytes */
enum part { OF_TOKEN, OF_OBJECT, OF_PIN, IS_PIN };

/* RFC 7512 2.3: which attributes there are, and on which side of the '?' they stand. */
static const struct attribute {
    struct sl_slice name;
    enum part part;
    bool is_query;
    bool is_naming; /* the object is found by it */
} ATTRIBUTES[] = {
    { SL_SLICE_INIT("token"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("manufacturer"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("serial"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("model"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("library-manufacturer"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("library-version"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("library-description"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("slot-manufacturer"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("slot-description"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("slot-id"), OF_TOKEN, false, false },
    { SL_SLICE_INIT("object"), OF_OBJECT, false, true },
    { SL_SLICE_INIT("id"), OF_OBJECT, false, true },
    { SL_SLICE_INIT("type"), OF_OBJECT, false, false },
    { SL_SLICE_INIT("module-name"), OF_TOKEN, true, false },
    { SL_SLICE_INIT("module-path"), OF_TOKEN, true, false },
    { SL_SLICE_INIT("pin-source"), OF_PIN, true, false },
    { SL_SLICE_INIT("pin-value"), IS_PIN, true, false },
};

/* Walks over the attributes of a URI. */
struct walk {
    struct sl_slice rest;
    bool is_query, is_begun;
};

/* One attribute as it stands; `row` is NULL for one that there is not on this side. */
struct piece {
    struct sl_slice text, name, value;
    const struct attribute *row;
    bool has_value;
};

static struct walk walk_of(struct sl_slice uri)
{
    (void)sl_slice_cut(&uri, SCHEME.len);
    return (struct walk){ .rest = uri };
}

static const struct attribute *find(struct sl_slice name, bool is_query)
{
    for (size_t i = 0; i < SL_COUNT(ATTRIBUTES); i++) {
        if (ATTRIBUTES[i].is_query == is_query && sl_slice_eq(ATTRIBUTES[i].name, name)) {
            return &ATTRIBUTES[i];
        }
    }
    return NULL;
}

/* How much of `text` stands before the first of two bytes. */
static size_t until(struct sl_slice text, uint8_t a, uint8_t b)
{
    return SL_MIN(sl_slice_find(text, a), sl_slice_find(text, b));
}

static bool next(struct walk *walk, struct piece *ret_piece)
{
    if (walk->is_begun) {
        if (walk->rest.len == 0) {
            return false;
        }
        struct sl_slice mark = sl_slice_cut(&walk->rest, 1);
        walk->is_query = walk->is_query || mark.ptr[0] == '?';
    }
    walk->is_begun = true;
    struct sl_slice text = sl_slice_cut(&walk->rest, walk->is_query ? sl_slice_find(walk->rest, '&')
                                                                    : until(walk->rest, ';', '?'));
    struct sl_slice value = text;
    struct piece piece = { .text = text };
    piece.name = sl_slice_cut(&value, sl_slice_find(text, '='));
    piece.has_value = value.len > 0;
    (void)sl_slice_cut(&value, 1);
    piece.value = value;
    piece.row = find(piece.name, walk->is_query);
    *ret_piece = piece;
    return true;
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The next byte of a value with its percent signs undone; -1 for what may not stand there. */
static int decoded_cut(struct sl_slice *value)
{
    static const char MARKS[] = "-._~:[]@!$'()*+,=&/?|";
    const uint8_t c = sl_slice_cut(value, 1).ptr[0];
    if (c == '%') {
        struct sl_slice digits = sl_slice_cut(value, 2);
        int high = digits.len == 2 ? hex_value(digits.ptr[0]) : -1;
        int low = digits.len == 2 ? hex_value(digits.ptr[1]) : -1;
        return high < 0 || low < 0 ? -1 : high * 16 + low;
    }
    bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c != 0 && strchr(MARKS, c) != NULL);
    return is_plain ? c : -1;
}

static bool is_value(struct sl_slice value)
{
    while (value.len > 0) {
        if (decoded_cut(&value) < 0) {
            return false;
        }
    }
    return true;
}

bool sl_token_uri_is(struct sl_slice text)
{
    return sl_slice_starts(text, SCHEME);
}

static enum sl_err put_decoded(struct sl_slice value, struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    if (sl_slice_starts(value, PIN_FILE)) {
        (void)sl_slice_cut(&value, PIN_FILE.len);
    }
    while (rc == SL_OK && value.len > 0) {
        rc = sl_wbuf_put_u8(out, (uint8_t)decoded_cut(&value));
    }
    return rc;
}

/* Of a pin-source: a file by its whole path, and no program ("|…"). */
static bool is_pin_path(struct sl_slice value)
{
    uint8_t bytes[SL_TOKEN_URI_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    return put_decoded(value, &out) == SL_OK && out.len > 1 && bytes[0] == '/' &&
           sl_slice_find(sl_wbuf_slice(&out), 0) == out.len;
}

static enum sl_err piece_check(const struct piece *piece, bool is_query, struct sl_diag *diag)
{
    if (piece->row == NULL) {
        struct sl_slice shown = piece->name;
        shown.len = is_value(shown) ? SL_MIN(shown.len, (size_t)NAME_SHOWN_MAX) : 0;
        sl_diag_set(diag,
                    find(piece->name, !is_query) != NULL
                        ? "'%.*s' stands on the wrong side of the '?'"
                        : "there is no attribute '%.*s' in RFC 7512",
                    SL_SLICE_FMT(shown));
        return SL_EINVAL;
    }
    const struct sl_slice name = piece->row->name;
    if (piece->row->part == IS_PIN) {
        sl_diag_set(diag, "a PIN does not belong into a configuration, which is no secret: let "
                          "pin_file name its file");
    } else if (!piece->has_value || piece->value.len == 0) {
        sl_diag_set(diag, "'%.*s' has no value", SL_SLICE_FMT(name));
    } else if (!is_value(piece->value)) {
        sl_diag_set(diag, "the value of '%.*s' has a character that is to be written as %%XX",
                    SL_SLICE_FMT(name));
    } else if (piece->row->part == OF_PIN && !is_pin_path(piece->value)) {
        sl_diag_set(diag, "pin-source has to be file: and a whole path");
    } else {
        return SL_OK;
    }
    return SL_EINVAL;
}

enum sl_err sl_token_uri_check(struct sl_slice uri, struct sl_diag *diag)
{
    struct walk walk = walk_of(uri);
    struct piece piece;
    uint32_t seen = 0;
    bool is_named = false;
    if (!sl_token_uri_is(uri)) {
        sl_diag_set(diag, "it does not begin with pkcs11:");
        return SL_EINVAL;
    }
    if (uri.len > SL_TOKEN_URI_MAX) {
        sl_diag_set(diag, "it has %zu bytes: at most %d", uri.len, SL_TOKEN_URI_MAX);
        return SL_ERANGE;
    }
    while (next(&walk, &piece)) {
        enum sl_err rc = piece_check(&piece, walk.is_query, diag);
        if (rc != SL_OK) {
            return rc;
        }
        const uint32_t bit = UINT32_C(1) << (piece.row - ATTRIBUTES);
        if ((seen & bit) != 0) {
            sl_diag_set(diag, "'%.*s' stands there twice", SL_SLICE_FMT(piece.name));
            return SL_EINVAL;
        }
        seen |= bit;
        is_named = is_named || piece.row->is_naming;
    }
    if (!is_named) {
        sl_diag_set(diag, "it names no object: object= or id= is wanted");
        return SL_EINVAL;
    }
    return SL_OK;
}

enum sl_err sl_token_uri_put_token(struct sl_slice uri, struct sl_wbuf *out)
{
    struct walk walk = walk_of(uri);
    struct piece piece;
    const size_t begin = out->len;
    bool is_first = true, has_query = false;
    enum sl_err rc = sl_wbuf_put(out, SCHEME);
    while (rc == SL_OK && next(&walk, &piece)) {
        if (piece.row == NULL || piece.row->part != OF_TOKEN) {
            continue;
        }
        if (walk.is_query) {
            rc = sl_wbuf_put_u8(out, has_query ? '&' : '?');
            has_query = true;
        } else if (!is_first) {
            rc = sl_wbuf_put_u8(out, ';');
        }
        is_first = false;
        rc = rc == SL_OK ? sl_wbuf_put(out, piece.text) : rc;
    }
    out->len = rc == SL_OK ? out->len : begin;
    return rc;
}

enum sl_err sl_token_uri_put_pin(struct sl_slice uri, struct sl_wbuf *out)
{
    struct walk walk = walk_of(uri);
    struct piece piece;
    const size_t begin = out->len;
    while (next(&walk, &piece)) {
        if (piece.row != NULL && piece.row->part == OF_PIN) {
            enum sl_err rc = put_decoded(piece.value, out);
            out->len = rc == SL_OK ? out->len : begin;
            return rc;
        }
    }
    return SL_ENOENT;
}
