/*
 * Certificates made at run time: an authority, and a server's certificate signed by it.
 */
#ifndef VE_TEST_CERT_H
#define VE_TEST_CERT_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct test_cert {
    char ca_path[64]; /* PEM of the authority */
    EVP_PKEY *ca_key;
    X509 *ca;
    EVP_PKEY *key;
    X509 *cert;
};

static inline X509 *cert_make(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
                              const char *names)
{
    static int serial;
    X509 *x = X509_new();
    X509V3_CTX ctx;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer ? issuer : x, x, NULL, NULL, 0);
    X509_EXTENSION *ext =
        issuer ? X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, names)
               : X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(x, ext, -1);
    X509_EXTENSION_free(ext);
    X509_sign(x, issuer_key, EVP_sha256());
    return x;
}

/* `names` as in "DNS:localhost,IP:127.0.0.1". */
static inline bool test_cert_make(struct test_cert *cert, const char *names)
{
    snprintf(cert->ca_path, sizeof(cert->ca_path), "/tmp/ve-test-ca-XXXXXX");
    int fd = mkstemp(cert->ca_path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file)
        return false;
    cert->ca_key = EVP_EC_gen("P-256");
    cert->key = EVP_EC_gen("P-256");
    cert->ca = cert_make(cert->ca_key, "voiceengine test authority", NULL, cert->ca_key, NULL);
    cert->cert = cert_make(cert->key, "voiceengine test server", cert->ca, cert->ca_key, names);
    bool ok = PEM_write_X509(file, cert->ca) == 1;
    return fclose(file) == 0 && ok;
}

static inline SSL_CTX *test_cert_server(const struct test_cert *cert)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(ctx, cert->cert);
    SSL_CTX_use_PrivateKey(ctx, cert->key);
    return ctx;
}

static inline void test_cert_free(struct test_cert *cert)
{
    unlink(cert->ca_path);
    X509_free(cert->ca);
    X509_free(cert->cert);
    EVP_PKEY_free(cert->ca_key);
    EVP_PKEY_free(cert->key);
}

#endif
