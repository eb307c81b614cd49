/* See swarm-tls.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "swarm-tls.h"

/* A struct tls is OpenSSL's session itself: there is nothing to add to it. */
static SSL *ssl_of(const struct tls *t) { return (SSL *) t; }

static SSL_CTX *context(void)
{
    static SSL_CTX *made;
    if (!made) {
        made = SSL_CTX_new(TLS_client_method());
        if (!made || !SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION)) {
            ERR_print_errors_fp(stderr);
            exit(2);
        }
        SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_verify(made, SSL_VERIFY_NONE, NULL);
    }
    return made;
}

struct tls *tls_new(int fd)
{
    SSL *ssl = SSL_new(context());
    if (!ssl || !SSL_set_fd(ssl, fd)) {
        ERR_print_errors_fp(stderr);
        exit(2);
    }
    SSL_set_connect_state(ssl);
    return (struct tls *) ssl;
}

void tls_free(struct tls *t)
{
    SSL_free(ssl_of(t));
}

int tls_ready(const struct tls *t)
{
    return SSL_is_init_finished(ssl_of(t));
}

int tls_handshake(struct tls *t)
{
    ERR_clear_error();
    int r = SSL_do_handshake(ssl_of(t));
    if (r == 1)
        return 1;
    return SSL_get_error(ssl_of(t), r) == SSL_ERROR_WANT_READ ? 0 : -1;
}

ssize_t tls_send(struct tls *t, const char *bytes, size_t length)
{
    ERR_clear_error();
    int r = SSL_write(ssl_of(t), bytes, length);
    if (r > 0)
        return r;
    errno = EPIPE;              /* a few bytes into an empty socket buffer: nothing else stops them */
    return -1;
}

ssize_t tls_recv(struct tls *t, char *buffer, size_t size)
{
    ERR_clear_error();
    int r = SSL_read(ssl_of(t), buffer, size);
    if (r > 0)
        return r;
    int problem = SSL_get_error(ssl_of(t), r);
    if (problem == SSL_ERROR_ZERO_RETURN || (problem == SSL_ERROR_SYSCALL && errno == 0))
        return 0;
    if (problem == SSL_ERROR_WANT_READ)
        errno = EAGAIN;
    else if (problem == SSL_ERROR_SSL)
        errno = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? ECONNRESET : EPROTO;
    return -1;
}
