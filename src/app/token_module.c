/* SPDX-License-Identifier: Apache-2.0 */
#include "app/token_module.h"
#include "codec/key_der.h"
#include "tls/cert_der.h"
#include "tls/certificate.h"
#include "tls/key_scheme.h"
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_MAX_COUNT = 256,
    NUMBER_BYTES_MAX = 4096, /* of a modulus, a point, a name */
    ID_BYTES_MAX = 256,
    CERTIFICATE_BYTES_MAX = 64 * 1024,
    TEMPLATE_MAX_COUNT = 4,
};

struct sl_token {
    CK_FUNCTION_LIST **all;   /* NULL when it is one module by its path */
    CK_FUNCTION_LIST *single; /* NULL when it is all that p11-kit knows */
    CK_FUNCTION_LIST *module; /* of the two, that which has the token */
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session;
    bool has_session, is_logged_in;
};

/* What a search is for. */
struct template
{
    CK_ATTRIBUTE list[TEMPLATE_MAX_COUNT];
    CK_ULONG count;
};

/* Room for one attribute's value. */
struct value {
    uint8_t bytes[NUMBER_BYTES_MAX];
    size_t len;
};

static void uri_cleanup(P11KitUri **uri)
{
    p11_kit_uri_free(*uri);
}

static enum sl_err fail(struct sl_diag *diag, const char *what, CK_RV rv)
{
    sl_diag_set(diag, "%s: %s (0x%lx)", what, p11_kit_strerror(rv), rv);
    return rv == CKR_HOST_MEMORY ? SL_ENOMEM : SL_ESYS;
}

static P11KitUri *uri_parse(const char *text)
{
    P11KitUri *uri = p11_kit_uri_new();
    if (uri != NULL && p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK) {
        p11_kit_uri_free(uri);
        uri = NULL;
    }
    return uri;
}

void sl_token_close(struct sl_token *token)
{
    if (token == NULL) {
        return;
    }
    if (token->has_session) {
        (void)token->module->C_CloseSession(token->session);
    }
    if (token->single != NULL) {
        (void)p11_kit_module_finalize(token->single);
        p11_kit_module_release(token->single);
    }
    if (token->all != NULL) {
        p11_kit_modules_finalize_and_release(token->all);
    }
    free(token);
}

static void token_cleanup(struct sl_token **token)
{
    sl_token_close(*token);
}

/* A module that does not start is passed over, unless it is the only one. */
static enum sl_err modules_load(struct sl_token *token, const char *path, struct sl_diag *diag)
{
    if (path == NULL) {
        token->all = p11_kit_modules_load_and_initialize(0);
        if (token->all == NULL) {
            sl_diag_set(diag, "p11-kit starts no module: %s", p11_kit_message());
            return SL_ENOENT;
        }
        return SL_OK;
    }
    CK_FUNCTION_LIST *module = p11_kit_module_load(path, P11_KIT_MODULE_CRITICAL);
    if (module == NULL) {
        const char *why = p11_kit_message();
        sl_diag_set(diag, "there is no PKCS#11 module %s: %s", path,
                    why == NULL ? "it cannot be loaded" : why);
        return SL_ENOENT;
    }
    CK_RV rv = p11_kit_module_initialize(module);
    if (rv != CKR_OK) {
        p11_kit_module_release(module);
        sl_diag_set(diag, "the PKCS#11 module %s does not start: %s (0x%lx)", path,
                    p11_kit_strerror(rv), rv);
        return SL_ENOENT;
    }
    token->single = module;
    return SL_OK;
}

static bool is_module_meant(CK_FUNCTION_LIST *module, const P11KitUri *uri)
{
    CK_INFO info;
    const char *wanted = p11_kit_uri_get_module_name(uri);
    if (wanted != NULL) {
        char *name = p11_kit_module_get_name(module);
        bool is_it = name != NULL && strcmp(name, wanted) == 0;
        free(name);
        if (!is_it) {
            return false;
        }
    }
    return module->C_GetInfo(&info) == CKR_OK && p11_kit_uri_match_module_info(uri, &info) == 1;
}

/* Notes the token of each slot that is meant; gives how many there are. */
static size_t module_search(struct sl_token *token, CK_FUNCTION_LIST *module, P11KitUri *uri)
{
    CK_SLOT_ID slots[SLOTS_MAX_COUNT];
    CK_ULONG count = SLOTS_MAX_COUNT;
    size_t found_count = 0;
    if (!is_module_meant(module, uri) || module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) {
        return 0;
    }
    const CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_SLOT_INFO slot;
        CK_TOKEN_INFO info;
        if ((wanted != (CK_SLOT_ID)-1 && slots[i] != wanted) ||
            module->C_GetSlotInfo(slots[i], &slot) != CKR_OK ||
            module->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
            (info.flags & CKF_TOKEN_INITIALIZED) == 0 ||
            p11_kit_uri_match_slot_info(uri, &slot) != 1 ||
            p11_kit_uri_match_token_info(uri, &info) != 1) {
            continue;
        }
        token->module = module;
        token->slot = slots[i];
        token->info = info;
        found_count++;
    }
    return found_count;
}

static enum sl_err token_search(struct sl_token *token, const char *text, P11KitUri *uri,
                                struct sl_diag *diag)
{
    size_t count = token->single != NULL ? module_search(token, token->single, uri) : 0;
    for (size_t i = 0; token->all != NULL && token->all[i] != NULL; i++) {
        count += module_search(token, token->all[i], uri);
    }
    if (count == 0) {
        sl_diag_set(diag, "there is no token %s: it is not there, or this user may not see it",
                    text);
        return SL_ENOENT;
    }
    if (count > 1) {
        sl_diag_set(diag, "%zu tokens are %s: name one of them, for example by serial=", count,
                    text);
        return SL_EINVAL;
    }
    return SL_OK;
}

static bool is_about_pin(CK_RV rv)
{
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
           rv == CKR_PIN_EXPIRED || rv == CKR_PIN_LOCKED || rv == CKR_USER_PIN_NOT_INITIALIZED;
}

static enum sl_err log_in(struct sl_token *token, struct sl_slice pin, struct sl_diag *diag,
                          bool *ret_is_pin_refused)
{
    if ((token->info.flags & CKF_USER_PIN_LOCKED) != 0) {
        sl_diag_set(diag, "the token has locked its PIN, after too many wrong ones");
        *ret_is_pin_refused = true;
        return SL_EINVAL;
    }
    if ((token->info.flags & CKF_USER_PIN_FINAL_TRY) != 0) {
        sl_diag_set(diag, "a wrong PIN would lock the token now: log in once by another program");
        *ret_is_pin_refused = true;
        return SL_EINVAL;
    }
    CK_RV rv = token->module->C_Login(token->session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin.ptr,
                                      pin.len);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
        token->is_logged_in = true;
        return SL_OK;
    }
    *ret_is_pin_refused = is_about_pin(rv);
    (void)fail(diag, "the token does not take the PIN", rv);
    return SL_EINVAL;
}

enum sl_err sl_token_open(const struct sl_token_source *source, struct sl_diag *diag,
                          bool *ret_is_pin_refused, struct sl_token **ret_token)
{
    SL_CLEANUP(uri_cleanup) P11KitUri *uri = uri_parse(source->uri);
    SL_CLEANUP(token_cleanup) struct sl_token *token = calloc(1, sizeof(*token));
    if (token == NULL) {
        return SL_ENOMEM;
    }
    if (uri == NULL) {
        sl_diag_set(diag, "p11-kit does not understand %s", source->uri);
        return SL_EINVAL;
    }
    const char *named = p11_kit_uri_get_module_path(uri);
    const char *path = named != NULL                              ? named
                       : p11_kit_uri_get_module_name(uri) != NULL ? NULL
                                                                  : source->module_path;
    enum sl_err rc = modules_load(token, path, diag);
    rc = rc == SL_OK ? token_search(token, source->uri, uri, diag) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    CK_RV rv =
        token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &token->session);
    if (rv != CKR_OK) {
        return fail(diag, "the token opens no session", rv);
    }
    token->has_session = true;
    rc = source->pin.ptr == NULL ? SL_OK : log_in(token, source->pin, diag, ret_is_pin_refused);
    if (rc == SL_OK) {
        *ret_token = SL_STEAL(token);
    }
    return rc;
}

static void template_add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *bytes, size_t len)
{
    t->list[t->count++] = (CK_ATTRIBUTE){ type, (void *)(uintptr_t)bytes, len };
}

/* Up to two objects: one more than there should be. */
static enum sl_err find(struct sl_token *token, struct template *template,
                        CK_OBJECT_HANDLE objects[static 2], CK_ULONG *ret_count,
                        struct sl_diag *diag)
{
    CK_FUNCTION_LIST *module = token->module;
    CK_ULONG count = 0;
    CK_RV rv = module->C_FindObjectsInit(token->session, template->list, template->count);
    if (rv == CKR_OK) {
        rv = module->C_FindObjects(token->session, objects, 2, &count);
        (void)module->C_FindObjectsFinal(token->session);
    }
    if (rv != CKR_OK) {
        return fail(diag, "the token cannot be searched", rv);
    }
    *ret_count = count;
    return SL_OK;
}

/* The one object of a class that a URI names. */
static enum sl_err find_named(struct sl_token *token, const char *text, CK_OBJECT_CLASS class,
                              const char *what, struct sl_diag *diag, CK_OBJECT_HANDLE *ret_object)
{
    SL_CLEANUP(uri_cleanup) P11KitUri *uri = uri_parse(text);
    struct template template = { 0 };
    CK_OBJECT_HANDLE objects[2];
    CK_ULONG count = 0;
    if (uri == NULL) {
        sl_diag_set(diag, "p11-kit does not understand it");
        return SL_EINVAL;
    }
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(uri, CKA_ID);
    template_add(&template, CKA_CLASS, &class, sizeof(class));
    if (label != NULL) {
        template_add(&template, CKA_LABEL, label->pValue, label->ulValueLen);
    }
    if (id != NULL) {
        template_add(&template, CKA_ID, id->pValue, id->ulValueLen);
    }
    enum sl_err rc = find(token, &template, objects, &count, diag);
    if (rc != SL_OK) {
        return rc;
    }
    if (count == 0) {
        sl_diag_set(diag, "there is no %s of that name on the token%s", what,
                    token->is_logged_in ? "" : ", or it wants a PIN (pin_file)");
        return SL_ENOENT;
    }
    if (count > 1) {
        sl_diag_set(diag, "the token has more than one %s of that name: name it by id=", what);
        return SL_EINVAL;
    }
    *ret_object = objects[0];
    return SL_OK;
}

/* False when it does not have it, or does not show it. */
static bool read_bytes(struct sl_token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                       void *to, size_t cap, size_t *ret_len)
{
    CK_ATTRIBUTE attribute = { type, to, cap };
    if (token->module->C_GetAttributeValue(token->session, object, &attribute, 1) != CKR_OK ||
        attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION || attribute.ulValueLen > cap) {
        return false;
    }
    *ret_len = attribute.ulValueLen;
    return true;
}

static bool read_value(struct sl_token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                       struct value *value)
{
    return read_bytes(token, object, type, value->bytes, sizeof(value->bytes), &value->len) &&
           value->len > 0;
}

static bool read_flag(struct sl_token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                      bool preset)
{
    CK_BBOOL flag = CK_FALSE;
    size_t len = 0;
    return read_bytes(token, object, type, &flag, sizeof(flag), &len) && len == sizeof(flag)
               ? flag != CK_FALSE
               : preset;
}

static struct sl_slice slice_of(const struct value *value)
{
    return sl_slice_of(value->bytes, value->len);
}

/* From an object that shows the numbers of a public key. SL_ENOENT: it does not. */
static enum sl_err put_numbers(struct sl_token *token, CK_OBJECT_HANDLE object, CK_KEY_TYPE type,
                               struct sl_wbuf *out)
{
    struct value a = { .len = 0 }, b = { .len = 0 };
    const bool is_rsa = type == CKK_RSA;
    if (!read_value(token, object, is_rsa ? CKA_MODULUS : CKA_EC_PARAMS, &a) ||
        !read_value(token, object, is_rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT, &b)) {
        return SL_ENOENT;
    }
    return is_rsa           ? sl_key_der_rsa_public(slice_of(&a), slice_of(&b), out)
           : type == CKK_EC ? sl_key_der_ec_public(slice_of(&a), slice_of(&b), out)
                            : sl_key_der_ed25519_public(slice_of(&b), out);
}

static enum sl_err put_certificate(struct sl_token *token, CK_OBJECT_HANDLE object,
                                   enum sl_err (*put)(struct sl_slice, struct sl_wbuf *),
                                   struct sl_wbuf *out)
{
    uint8_t *bytes = malloc(CERTIFICATE_BYTES_MAX);
    size_t len = 0;
    if (bytes == NULL) {
        return SL_ENOMEM;
    }
    enum sl_err rc = SL_ENOENT;
    if (read_bytes(token, object, CKA_VALUE, bytes, CERTIFICATE_BYTES_MAX, &len)) {
        rc = put(sl_slice_of(bytes, len), out);
    }
    free(bytes);
    return rc;
}

/* The public half stands in an object of its own, in the certificate, or, of RSA, in the private
 * key: they have one id. A token that tells nothing of it is no mistake. */
static enum sl_err put_public(struct sl_token *token, CK_OBJECT_HANDLE private, CK_KEY_TYPE type,
                              struct sl_wbuf *out)
{
    static const CK_OBJECT_CLASS CLASSES[] = { CKO_PUBLIC_KEY, CKO_CERTIFICATE };
    uint8_t id[ID_BYTES_MAX];
    size_t id_len = 0;
    const size_t begin = out->len;
    enum sl_err rc = SL_ENOENT;
    if (read_bytes(token, private, CKA_ID, id, sizeof(id), &id_len) && id_len > 0) {
        for (size_t i = 0; rc == SL_ENOENT && i < SL_COUNT(CLASSES); i++) {
            struct template template = { 0 };
            CK_OBJECT_HANDLE objects[2];
            CK_ULONG count = 0;
            template_add(&template, CKA_CLASS, &CLASSES[i], sizeof(CLASSES[i]));
            template_add(&template, CKA_ID, id, id_len);
            enum sl_err found = find(token, &template, objects, &count, NULL);
            if (found == SL_OK && count > 0) {
                rc = i == 0 ? put_numbers(token, objects[0], type, out)
                            : put_certificate(token, objects[0], sl_cert_der_put_public, out);
            }
        }
    }
    if (rc == SL_ENOENT && type == CKK_RSA) {
        rc = put_numbers(token, private, type, out);
    }
    if (rc != SL_OK) {
        out->len = begin;
    }
    return rc == SL_ENOENT || rc == SL_EINVAL ? SL_OK : rc;
}

static enum sl_err key_check(struct sl_token *token, CK_OBJECT_HANDLE object, CK_KEY_TYPE *ret_type,
                             struct sl_diag *diag)
{
    CK_KEY_TYPE type = 0;
    size_t len = 0;
    if (!read_bytes(token, object, CKA_KEY_TYPE, &type, sizeof(type), &len) ||
        len != sizeof(type)) {
        sl_diag_set(diag, "the token does not say what key it is");
    } else if (type != CKK_EC && type != CKK_RSA && type != CKK_EC_EDWARDS) {
        sl_diag_set(diag, "it is no key of RSA, ECDSA or Ed25519 (type 0x%lx)", type);
    } else if (!read_flag(token, object, CKA_SIGN, true)) {
        sl_diag_set(diag, "the token does not let this key sign (CKA_SIGN)");
    } else if (read_flag(token, object, CKA_ALWAYS_AUTHENTICATE, false)) {
        sl_diag_set(diag, "the token wants its PIN for each signature of this key "
                          "(CKA_ALWAYS_AUTHENTICATE), and Sluice does not keep it");
    } else {
        *ret_type = type;
        return SL_OK;
    }
    return SL_EINVAL;
}

enum sl_err sl_token_key_find(struct sl_token *token, const char *uri, struct sl_diag *diag,
                              struct sl_token_key *ret_key, struct sl_wbuf *out)
{
    CK_OBJECT_HANDLE object = 0;
    CK_KEY_TYPE type = 0;
    struct value params = { .len = 0 };
    enum sl_err rc = find_named(token, uri, CKO_PRIVATE_KEY, "private key", diag, &object);
    rc = rc == SL_OK ? key_check(token, object, &type, diag) : rc;
    rc = rc == SL_OK ? put_public(token, object, type, out) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_token_key key = { .handle = object, .type = type };
    if (type == CKK_EC && read_value(token, object, CKA_EC_PARAMS, &params)) {
        key.order_bytes = sl_key_der_order_bytes(slice_of(&params));
    }
    *ret_key = key;
    return SL_OK;
}

/* The certificate whose subject is `name`. */
static enum sl_err find_subject(struct sl_token *token, struct sl_slice name,
                                CK_OBJECT_HANDLE *ret_object)
{
    static const CK_OBJECT_CLASS CLASS = CKO_CERTIFICATE;
    struct template template = { 0 };
    CK_OBJECT_HANDLE objects[2];
    CK_ULONG count = 0;
    template_add(&template, CKA_CLASS, &CLASS, sizeof(CLASS));
    template_add(&template, CKA_SUBJECT, name.ptr, name.len);
    enum sl_err rc = find(token, &template, objects, &count, NULL);
    if (rc != SL_OK || count == 0) {
        return SL_ENOENT;
    }
    *ret_object = objects[0];
    return SL_OK;
}

enum sl_err sl_token_chain_find(struct sl_token *token, const char *uri, struct sl_diag *diag,
                                struct sl_wbuf *out)
{
    CK_OBJECT_HANDLE object = 0;
    enum sl_err rc = find_named(token, uri, CKO_CERTIFICATE, "certificate", diag, &object);
    rc = rc == SL_OK ? put_certificate(token, object, sl_cert_der_put_pem, out) : rc;
    if (rc == SL_EINVAL || (rc == SL_ENOENT && diag->text[0] == '\0')) {
        sl_diag_set(diag, "the token's certificate cannot be read");
    }
    for (int count = 1; rc == SL_OK && count < SL_TLS_CHAIN_MAX; count++) {
        uint8_t bytes[NUMBER_BYTES_MAX];
        struct sl_wbuf issuer = sl_wbuf_of(bytes, sizeof(bytes));
        CK_OBJECT_HANDLE above = 0;
        const size_t begin = out->len;
        if (put_certificate(token, object, sl_cert_der_put_issuer, &issuer) != SL_OK ||
            find_subject(token, sl_wbuf_slice(&issuer), &above) != SL_OK) {
            return SL_OK;
        }
        issuer.len = 0;
        if (put_certificate(token, above, sl_cert_der_put_issuer, &issuer) != SL_OK) {
            return SL_OK; /* the root, which who verifies has himself */
        }
        object = above;
        if (put_certificate(token, object, sl_cert_der_put_pem, out) != SL_OK) {
            out->len = begin;
            return SL_OK;
        }
    }
    return rc;
}

/* The mechanism of a scheme with its parameters. */
struct way {
    CK_MECHANISM mechanism;
    CK_RSA_PKCS_PSS_PARAMS pss;
};

static bool way_of(const struct sl_token_key *key, const struct sl_key_scheme *scheme,
                   struct way *way)
{
    static const struct {
        uint16_t digest_bytes;
        CK_MECHANISM_TYPE digest;
        CK_RSA_PKCS_MGF_TYPE mask;
    } PSS[] = { { 32, CKM_SHA256, CKG_MGF1_SHA256 },
                { 48, CKM_SHA384, CKG_MGF1_SHA384 },
                { 64, CKM_SHA512, CKG_MGF1_SHA512 } };
    *way = (struct way){ 0 };
    switch (scheme->padding) {
    case SL_KEY_ECDSA:
        way->mechanism.mechanism = CKM_ECDSA;
        return key->type == CKK_EC;
    case SL_KEY_EDDSA:
        way->mechanism.mechanism = CKM_EDDSA;
        return key->type == CKK_EC_EDWARDS;
    case SL_KEY_RSA_PKCS1:
        way->mechanism.mechanism = CKM_RSA_PKCS;
        return key->type == CKK_RSA;
    case SL_KEY_RSA_PSS:
        for (size_t i = 0; i < SL_COUNT(PSS); i++) {
            if (PSS[i].digest_bytes == scheme->digest_bytes) {
                way->pss.hashAlg = PSS[i].digest;
                way->pss.mgf = PSS[i].mask;
                way->pss.sLen = scheme->digest_bytes; /* RFC 8446 4.2.3 */
            }
        }
        way->mechanism = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &way->pss, sizeof(way->pss) };
        return key->type == CKK_RSA;
    default:
        return false; /* RSA key transport is not for tokens */
    }
}

/* What is wrong with the request and not with the token. */
static bool is_refusal(CK_RV rv)
{
    static const CK_RV REFUSALS[] = {
        CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_DATA_INVALID,
        CKR_DATA_LEN_RANGE,    CKR_KEY_TYPE_INCONSISTENT,   CKR_KEY_FUNCTION_NOT_PERMITTED,
        CKR_KEY_SIZE_RANGE,    CKR_FUNCTION_NOT_SUPPORTED,  CKR_ARGUMENTS_BAD,
    };
    for (size_t i = 0; i < SL_COUNT(REFUSALS); i++) {
        if (REFUSALS[i] == rv) {
            return true;
        }
    }
    return false;
}

static enum sl_err sign_raw(struct sl_token *token, const struct sl_token_key *key, struct way *way,
                            struct sl_slice input, struct sl_diag *diag, struct sl_wbuf *out)
{
    CK_ULONG len = sl_wbuf_room(out);
    CK_RV rv = token->module->C_SignInit(token->session, &way->mechanism, key->handle);
    if (rv == CKR_OK) {
        rv = token->module->C_Sign(token->session, (CK_BYTE *)(uintptr_t)input.ptr, input.len,
                                   out->ptr + out->len, &len);
    }
    if (rv != CKR_OK) {
        (void)fail(diag, "the token does not sign", rv);
        return is_refusal(rv) ? SL_EINVAL : rv == CKR_BUFFER_TOO_SMALL ? SL_ENOSPC : SL_ESYS;
    }
    out->len += len;
    return SL_OK;
}

enum sl_err sl_token_sign(struct sl_token *token, const struct sl_token_key *key, uint16_t number,
                          struct sl_slice input, struct sl_diag *diag, struct sl_wbuf *out)
{
    uint8_t bytes[SL_KEY_SIGNATURE_MAX];
    struct sl_wbuf work = sl_wbuf_of(bytes, sizeof(bytes));
    struct way way;
    const struct sl_key_scheme *scheme = sl_key_scheme_find(number);
    if (scheme == NULL || !way_of(key, scheme, &way) ||
        (scheme->digest != NULL && scheme->digest_bytes != input.len)) {
        sl_diag_set(diag, "this key cannot sign with the scheme 0x%04x", number);
        return SL_EINVAL;
    }
    if (scheme->padding == SL_KEY_RSA_PKCS1) {
        enum sl_err rc = sl_key_der_digest_info(input, &work);
        return rc == SL_OK ? sign_raw(token, key, &way, sl_wbuf_slice(&work), diag, out) : rc;
    }
    if (scheme->padding != SL_KEY_ECDSA) {
        return sign_raw(token, key, &way, input, diag, out);
    }
    if (key->order_bytes > 0) { /* not every token does this itself */
        input.len = SL_MIN(input.len, key->order_bytes);
    }
    enum sl_err rc = sign_raw(token, key, &way, input, diag, &work);
    rc = rc == SL_OK ? sl_key_der_ecdsa(sl_wbuf_slice(&work), out) : rc;
    return rc;
}
