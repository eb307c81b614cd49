/* The TLS client of swarm: TLS 1.3 on a non-blocking socket, no resumption, the certificate is not checked. */
#include <sys/types.h>

struct tls;

/* The client's side of a session on fd, which stays the caller's; the handshake has not begun. Ends the program when
 * OpenSSL cannot. */
struct tls *tls_new(int fd);

/* NULL is allowed. */
void tls_free(struct tls *t);

/* Whether the handshake is over. */
int tls_ready(const struct tls *t);

/* 1: over; 0: more of the server's bytes are needed; -1: failed. */
int tls_handshake(struct tls *t);

/* As send and recv: the number of bytes; 0 from tls_recv: the end; -1 with errno, EAGAIN among them. */
ssize_t tls_send(struct tls *t, const char *bytes, size_t length);
ssize_t tls_recv(struct tls *t, char *buffer, size_t size);
