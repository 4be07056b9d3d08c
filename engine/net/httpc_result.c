#include "net/httpc_in.h"

#include "base/err.h"

#include <openssl/x509.h>
#include <stdio.h>

/* Not libcurl's error buffer: it may quote the URL. */
struct meaning {
    CURLcode code;
    int err;
    bool retry; /* when nothing of an answer came */
    const char *why;
};

static const struct meaning meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, VE_ENOENT, false, "the host's name does not resolve"},
    {CURLE_COULDNT_CONNECT, VE_EIO, false, "the host takes no connection"},
    {CURLE_OPERATION_TIMEDOUT, VE_ETIMEDOUT, false, "no connection in time"},
    {CURLE_SSL_CONNECT_ERROR, VE_EIO, false, "the TLS handshake failed"},
    {CURLE_SSL_CACERT_BADFILE, VE_EFAILED, false, "the file of CA certificates cannot be read"},
    {CURLE_PARTIAL_FILE, VE_EIO, false, "the connection was lost in the body"},
    {CURLE_GOT_NOTHING, VE_EIO, true, "the connection was closed without an answer"},
    {CURLE_SEND_ERROR, VE_EIO, true, "the connection was lost while sending"},
    {CURLE_RECV_ERROR, VE_EIO, true, "the connection was lost while receiving"},
    {CURLE_HTTP2, VE_EIO, true, "the HTTP/2 connection failed"},
    {CURLE_HTTP2_STREAM, VE_EIO, true, "the HTTP/2 stream was reset"},
    {CURLE_WEIRD_SERVER_REPLY, VE_EPROTO, false, "the answer is not HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, VE_EPROTO, false, "the answer is not HTTP/1.x or HTTP/2"},
    {CURLE_BAD_CONTENT_ENCODING, VE_EPROTO, false, "the body's compression is broken"},
    {CURLE_FILESIZE_EXCEEDED, VE_ETOOBIG, false, "the answer is too big"},
    {CURLE_OUT_OF_MEMORY, VE_ENOMEM, false, "out of memory"},
};

/* libcurl leaves the chain's result as it is at first when only the name is wrong. */
static void explain_certificate(struct ve_httpc_request *request)
{
    long verified = X509_V_OK;
    (void)curl_easy_getinfo(request->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    bool name = verified == X509_V_OK || verified == X509_V_ERR_UNSPECIFIED;
    request->result.err = VE_EAUTH;
    (void)snprintf(request->why, sizeof(request->why), "the server's certificate is refused: %s",
                   name ? "it is for another name" : X509_verify_cert_error_string(verified));
}

void ve_httpc_explain(struct ve_httpc_request *request, CURLcode code)
{
    struct ve_httpc_result *result = &request->result;
    if (code == CURLE_OK)
        return;
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        explain_certificate(request);
        return;
    }
    if (code == CURLE_COULDNT_CONNECT && request->refused_address) {
        result->err = VE_EAUTH;
        (void)snprintf(request->why, sizeof(request->why), "the host's address is not allowed");
        return;
    }
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].code != code)
            continue;
        result->err = meanings[i].err;
        result->retry = meanings[i].retry && request->header_bytes == 0;
        (void)snprintf(request->why, sizeof(request->why), "%s", meanings[i].why);
        return;
    }
    result->err = VE_EFAILED;
    (void)snprintf(request->why, sizeof(request->why), "%s", curl_easy_strerror(code));
}
