/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"
#include "die.h"
#include "pattern.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECORDS_AT_ONCE = BENCH_PIECE_BYTES / BENCH_PLAIN_MAX_BYTES,
    SEALED_BYTES = RECORDS_AT_ONCE * BENCH_RECORD_MAX_BYTES,
};

void bench_wire_init(struct bench_wire *wire, int fd, enum bench_kind kind, SSL *ssl,
                     const char *cipher, bool is_server)
{
    *wire = (struct bench_wire){ .fd = fd, .kind = kind, .ssl = ssl };
    if (kind == BENCH_TLS) {
        bench_need(SSL_set_fd(ssl, fd) == 1, "SSL_set_fd");
        if (is_server) {
            SSL_set_accept_state(ssl);
        } else {
            SSL_set_connect_state(ssl);
        }
    } else if (kind == BENCH_SEALED) {
        bench_seal_init(&wire->seal, cipher, is_server);
        wire->in = malloc(SEALED_BYTES);
        wire->out = malloc(SEALED_BYTES);
        if (wire->in == NULL || wire->out == NULL) {
            bench_die("no memory");
        }
    }
}

void bench_wire_fini(struct bench_wire *wire)
{
    if (wire->fd < 0) {
        return;
    }
    SSL_free(wire->ssl);
    if (wire->kind == BENCH_SEALED) {
        bench_seal_fini(&wire->seal);
    }
    free(wire->in);
    free(wire->out);
    (void)close(wire->fd);
    *wire = (struct bench_wire){ .fd = -1 };
}

static ssize_t system_result(ssize_t count)
{
    if (count >= 0) {
        return count;
    }
    return errno == EAGAIN ? BENCH_AGAIN : BENCH_BROKEN;
}

static ssize_t tls_result(SSL *ssl, int result)
{
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return BENCH_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        return BENCH_BROKEN;
    }
}

int bench_wire_handshake(struct bench_wire *wire)
{
    if (wire->kind != BENCH_TLS) {
        return 1;
    }
    ERR_clear_error();
    int result = SSL_do_handshake(wire->ssl);
    return result == 1
               ? 1
               : (tls_result(wire->ssl, result) == BENCH_AGAIN ? BENCH_AGAIN : BENCH_BROKEN);
}

static ssize_t receive(struct bench_wire *wire, uint8_t *bytes, size_t len)
{
    ssize_t count = recv(wire->fd, bytes, len, 0);
    wire->is_drained = count < (ssize_t)len;
    return system_result(count);
}

/** Opens all whole records of `wire->in`; keeps the rest. */
static ssize_t open_records(struct bench_wire *wire, uint8_t *bytes)
{
    size_t at = 0, total = 0;
    while (at < wire->in_len) {
        size_t left = wire->in_len - at, plain;
        size_t record = bench_seal_record_bytes(wire->in + at, left);
        if (record == 0 || record > left) {
            break;
        }
        if (!bench_seal_open(&wire->seal, wire->in + at, record, bytes + total, &plain)) {
            return BENCH_BROKEN;
        }
        total += plain;
        at += record;
    }
    memmove(wire->in, wire->in + at, wire->in_len - at);
    wire->in_len -= at;
    return total > 0 ? (ssize_t)total : BENCH_AGAIN;
}

static ssize_t read_sealed(struct bench_wire *wire, uint8_t *bytes)
{
    ssize_t opened;
    do {
        ssize_t count = receive(wire, wire->in + wire->in_len, SEALED_BYTES - wire->in_len);
        if (count <= 0) {
            return count == 0 && wire->in_len > 0 ? BENCH_BROKEN : count;
        }
        wire->in_len += (size_t)count;
        opened = open_records(wire, bytes);
    } while (opened == BENCH_AGAIN && !wire->is_drained);
    return opened;
}

ssize_t bench_wire_read(struct bench_wire *wire, uint8_t *bytes, size_t len)
{
    if (wire->kind == BENCH_PLAIN) {
        return receive(wire, bytes, len);
    }
    if (wire->kind == BENCH_SEALED) {
        return read_sealed(wire, bytes);
    }
    ERR_clear_error();
    size_t count;
    int result = SSL_read_ex(wire->ssl, bytes, len, &count);
    return result == 1 ? (ssize_t)count : tls_result(wire->ssl, result);
}

int bench_wire_flush(struct bench_wire *wire)
{
    if (wire->out_at == wire->out_len) {
        return 1;
    }
    ssize_t count = system_result(
        send(wire->fd, wire->out + wire->out_at, wire->out_len - wire->out_at, MSG_NOSIGNAL));
    if (count < 0) {
        return (int)count;
    }
    wire->out_at += (size_t)count;
    return wire->out_at == wire->out_len ? 1 : BENCH_AGAIN;
}

static ssize_t write_sealed(struct bench_wire *wire, const uint8_t *bytes, size_t len)
{
    int flushed = bench_wire_flush(wire);
    if (flushed != 1) {
        return flushed;
    }
    size_t taken = 0;
    wire->out_at = 0;
    wire->out_len = 0;
    while (taken < len && wire->out_len + BENCH_RECORD_MAX_BYTES <= SEALED_BYTES) {
        size_t piece = SL_MIN(len - taken, (size_t)BENCH_PLAIN_MAX_BYTES);
        wire->out_len +=
            bench_seal_record(&wire->seal, bytes + taken, piece, wire->out + wire->out_len);
        taken += piece;
    }
    return bench_wire_flush(wire) == BENCH_BROKEN ? BENCH_BROKEN : (ssize_t)taken;
}

ssize_t bench_wire_write(struct bench_wire *wire, const uint8_t *bytes, size_t len)
{
    if (wire->kind == BENCH_PLAIN) {
        return system_result(send(wire->fd, bytes, len, MSG_NOSIGNAL));
    }
    if (wire->kind == BENCH_SEALED) {
        return write_sealed(wire, bytes, len);
    }
    ERR_clear_error();
    size_t count;
    int result = SSL_write_ex(wire->ssl, bytes, len, &count);
    if (result == 1) {
        return (ssize_t)count;
    }
    return tls_result(wire->ssl, result) == BENCH_AGAIN ? BENCH_AGAIN : BENCH_BROKEN;
}

void bench_wire_end(struct bench_wire *wire)
{
    if (wire->kind == BENCH_TLS) {
        ERR_clear_error();
        (void)SSL_shutdown(wire->ssl);
    }
    (void)shutdown(wire->fd, SHUT_WR);
}

const char *bench_wire_group(const struct bench_wire *wire)
{
    int nid = (int)SSL_get_negotiated_group(wire->ssl);
    const char *name = OBJ_nid2sn(nid);
    return name != NULL ? name : "?";
}
