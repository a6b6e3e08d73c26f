/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the entries of the workers' bundle are. No private key is among them, but pre-shared
 * keys are: a handshake derives from them where it runs. */
#pragma once

enum sl_bundle_kind {
    SL_BUNDLE_YAML = 1,    /* the text of the configuration without its certificates; no name */
    SL_BUNDLE_FOLDER,      /* what relative paths in it begin at; no name */
    SL_BUNDLE_FILE,        /* a file of CA certificates, by path; nothing but certificates */
    SL_BUNDLE_SYSTEM_CAS,  /* the system's CA file; no name */
    SL_BUNDLE_ADDRS,       /* by connect URL (net/upstream.h) */
    SL_BUNDLE_USER,        /* whom workers become: u32 uid, gid, groups; no entry for nobody else */
    SL_BUNDLE_DER,         /* a certificate as it is sent, by number (codec/certificate_entry.h) */
    SL_BUNDLE_CERTIFICATE, /* one of ours with chain and key, by number */
    SL_BUNDLE_SHELF,       /* which of them a service has, by number */
    SL_BUNDLE_CRL,    /* the lists of revoked certificates of a file, by path: DER back to back */
    SL_BUNDLE_STAPLE, /* the OCSP response for one of ours, by its number */
    SL_BUNDLE_PSK,    /* the bytes of a pre-shared key, by the path of its file */
    SL_BUNDLE_SERVER_NAME, /* which of them stand for a name, by number of the service and name */
    SL_BUNDLE_OWN, /* which of them a service has for its upstreams, by number of the service */
};
