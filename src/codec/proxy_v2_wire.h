/* SPDX-License-Identifier: Apache-2.0 */
/** @file What reading and writing a PROXY v2 header share. Inside codec/ only. */
#pragma once
#include "codec/proxy_v2.h"

#define SL_PROXY_V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

enum {
    SL_PROXY_V2_HEAD = 16,      /* bytes: signature, version and command, family, length */
    SL_PROXY_V2_LENGTH_AT = 14, /* where the length of the rest stands */
    SL_PROXY_V2_PATH = 108,     /* bytes of one path of a Unix socket */
    SL_PROXY_V2_LOCAL = 0x20,   /* commands, with the version in the high half */
    SL_PROXY_V2_PROXY = 0x21,
};

/* Families with transports. Over a stream a datagram's is read, and never written. */
enum {
    SL_PROXY_V2_UNSPEC = 0x00,
    SL_PROXY_V2_TCP4 = 0x11,
    SL_PROXY_V2_UDP4 = 0x12,
    SL_PROXY_V2_TCP6 = 0x21,
    SL_PROXY_V2_UDP6 = 0x22,
    SL_PROXY_V2_UNIX_STREAM = 0x31,
    SL_PROXY_V2_UNIX_DGRAM = 0x32,
};

/* The client field of the SSL TLV. */
enum {
    SL_PROXY_SSL_TLS = 0x01,
    SL_PROXY_SSL_CERT_CONN = 0x02,
    SL_PROXY_SSL_CERT_SESSION = 0x04,
};

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == SL_PROXY_V2_PATH,
               "paths fit both ways");
