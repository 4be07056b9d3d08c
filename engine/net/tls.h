/*
 * net/tls.h - the server side of TLS 1.2 and 1.3, without a socket.
 *
 * A session turns bytes of the wire into bytes of the peer and back. It keeps no buffers of its
 * own: what came in is read where it lies, what must go out is appended to the caller's buffer, so
 * an idle session costs what OpenSSL's structs cost. ALPN offers http/1.1 and nothing else.
 *
 * A ve_tls is one certificate; loading another one leaves the sessions that are there alone. It
 * must outlive its sessions. The loop's thread only.
 */
#ifndef VE_NET_TLS_H
#define VE_NET_TLS_H

#include "base/buf.h"

struct ve_tls;
struct ve_tls_session;

/* Reads a PEM chain and its key. On failure `why` says which file and what is wrong with it. */
int ve_tls_new(struct ve_tls **out, const char *cert, const char *key, char why[static 160]);
/* New sessions use these files; on an error the old ones stay. */
int ve_tls_load(struct ve_tls *tls, const char *cert, const char *key, char why[static 160]);
/* NULL is allowed. */
void ve_tls_free(struct ve_tls *tls);

int ve_tls_accept(struct ve_tls_session **out, struct ve_tls *tls);
void ve_tls_session_free(struct ve_tls_session *session);
/* Has the handshake been done? */
bool ve_tls_is_ready(const struct ve_tls_session *session);
/* Bytes from the wire. They are borrowed until ve_tls_read has answered 0 or an error. */
void ve_tls_feed(struct ve_tls_session *session, const uint8_t *bytes, size_t len);
/* Reads on in what was fed; `wire` takes what the protocol itself has to say. Returns the number of
 * bytes put into `bytes`, 0 when more must be fed, VE_EGONE when the peer has closed its side,
 * VE_EPROTO when it broke the protocol or the handshake failed. */
int ve_tls_read(struct ve_tls_session *session, uint8_t *bytes, int size, struct ve_buf *wire);
/* Encrypts all the bytes. */
int ve_tls_write(struct ve_tls_session *session, const uint8_t *bytes, size_t len,
                 struct ve_buf *wire);
/* Says goodbye. */
void ve_tls_end(struct ve_tls_session *session, struct ve_buf *wire);

#endif
