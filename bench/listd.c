/*
 * listd - a name server for the bench: DNS lists that answer without thinking.
 *
 *   gcc -O2 -o listd listd.c
 *   listd ADDRESS NETWORK LIST...      listd 127.0.53.1 127.7 bl1 bl2
 *
 * Answers on ADDRESS, port 53, UDP. Clients in NETWORK, two octets, are listed (A 127.0.0.2, TTL 600) in the lists whose
 * name begins with the label LIST; all other names do not exist (with a SOA record, TTL 120). A real list server is
 * busier, and has a receive buffer that a burst of questions overflows: the bench is to measure those who ask.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { HEADER = 12, TYPE_A = 1 };

static int is_label(const unsigned char *at, const char *text)
{
    size_t l = strlen(text);
    return at[0] == l && !memcmp(at + 1, text, l);
}

/* Writes the answer over the question; the answer's length, 0 when there is none. */
static size_t answer(unsigned char *m, size_t n, const char *high, const char *low, char **lists)
{
    static const unsigned char found[] = { 0xc0, HEADER, 0, TYPE_A, 0, 1, 0, 0, 2, 88, 0, 4, 127, 0, 0, 2 };
    static const unsigned char missing[] = { 0, 6, 0, 1, 0, 0, 0, 120, 0, 22, 0, 0, 0, 0, 0, 1, 0, 0, 2, 88, 0, 0, 1, 44, 0, 1, 81, 128, 0, 0, 0, 120 };
    size_t label[5] = { 0 }, at = HEADER;
    int labels = 0, listed = 0;
    if (n < HEADER || (m[2] & 0x80) || m[4] || m[5] != 1)
        return 0;
    while (at < n && m[at]) {
        if (m[at] > 63)
            return 0;
        if (labels < 5)
            label[labels] = at;
        labels++;
        at += m[at] + 1;
    }
    at += 5;                    /* the end of the name, type and class */
    if (at > n || labels < 5)
        return 0;
    if (is_label(m + label[3], high) && is_label(m + label[2], low) && m[at - 3] == TYPE_A)
        for (char **list = lists; *list; list++)
            listed |= is_label(m + label[4], *list);
    m[2] = 0x84 | (m[2] & 1);   /* an answer, with authority */
    m[3] = listed ? 0 : 3;
    memset(m + 6, 0, 6);
    m[listed ? 7 : 9] = 1;
    if (listed) {
        memcpy(m + at, found, sizeof found);
        return at + sizeof found;
    }
    m[at++] = 0xc0;
    m[at++] = label[4];
    memcpy(m + at, missing, sizeof missing);
    return at + sizeof missing;
}

int main(int argc, char **argv)
{
    unsigned char message[1024];
    struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(53) }, from;
    int size = 16 << 20, s = socket(AF_INET, SOCK_DGRAM, 0);
    char *dot = argc > 3 ? strchr(argv[2], '.') : NULL;
    if (!dot || inet_pton(AF_INET, argv[1], &own.sin_addr) != 1) {
        fprintf(stderr, "usage: listd ADDRESS NETWORK LIST...\n");
        return 2;
    }
    *dot = 0;
    setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    if (bind(s, (struct sockaddr *) &own, sizeof own) < 0) {
        perror("listd: bind");
        return 1;
    }
    for (;;) {
        socklen_t l = sizeof from;
        ssize_t n = recvfrom(s, message, 512, 0, (struct sockaddr *) &from, &l);
        size_t reply = n > 0 ? answer(message, n, argv[2], dot + 1, argv + 3) : 0;
        if (reply)
            sendto(s, message, reply, 0, (struct sockaddr *) &from, l);
    }
}
