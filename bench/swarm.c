/*
 * swarm - SMTP triage load generator (C, epoll; TLS by swarm-tls.c and OpenSSL).
 *
 *   gcc -O2 -o swarm swarm.c swarm-tls.c -lssl -lcrypto
 *
 * Run "swarm -h" for usage. One process, one thread. Results go to stdout as
 * text or (with -j) as one JSON object.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "swarm-tls.h"

enum { M_PARK, M_PASS, M_PREGREET, M_FLOOD, M_DIALOG, M_REFUSED, M_TLS, M_NMODES };
static const char *mode_name[] = { "park", "pass", "pregreet", "flood", "dialog", "refused", "tls" };

static const char usage_text[] =
"usage: swarm -m MODE -t ADDR:PORT[,ADDR:PORT...] [options]\n"
"\n"
"modes\n"
"  park      open -n connections at -r per second, read what comes, hold them\n"
"            until -H seconds after the start (or, with -q, send QUIT after the\n"
"            final greeting and read to EOF)\n"
"  pass      closed loop, -c at a time: connect, wait for the complete 220\n"
"            greeting, send QUIT, read to EOF\n"
"  pregreet  closed loop: connect, send \"EHLO x\" at once, read until a 5xx\n"
"            reply or EOF\n"
"  flood     closed loop: connect and close at once\n"
"  dialog    closed loop: EHLO MAIL RCPT QUIT, RCPT is expected to be refused;\n"
"            EHLO is sent before the greeting (provokes a pregreet 'enforce')\n"
"            unless -w is given\n"
"  refused   closed loop: connect, say nothing, read until a 5xx reply or EOF\n"
"  tls       closed loop: wait for the 220 greeting, EHLO, STARTTLS, TLS 1.3\n"
"            handshake without resumption, EHLO, QUIT\n"
"\n"
"options\n"
"  -t LIST   server address(es), used in turn (IPv4)\n"
"  -s A[-B]  client source addresses, used in turn: 127.1.0.1-127.1.39.255\n"
"  -n N      number of connections (default 1000)\n"
"  -d SEC    closed loop modes: stop after SEC seconds even if -n is not reached\n"
"  -c C      concurrency of the closed loop modes (default 50)\n"
"  -r RATE   park: connections opened per second (default 1000)\n"
"  -H SEC    park: end of the run, seconds after the start (default 30)\n"
"  -S SEC    park: take the 'peak' sample SEC seconds after the last connect\n"
"            (default 1)\n"
"  -q        park: send QUIT after the final greeting\n"
"  -y        park: say \"ready\" on stderr when every client has its first reply\n"
"  -w        dialog: wait for the 220 greeting before EHLO\n"
"  -W N      closed loop modes: N warm-up connections, not counted\n"
"  -T SEC    per-connection timeout, closed loop modes (default 30)\n"
"  -R        close with RST (SO_LINGER 0), so that no TIME_WAIT piles up\n"
"  -P LIST   server processes to sample: name=pid[,name=pid...]; a name may be\n"
"            repeated (then summed)\n"
"  -j        JSON output\n"
"  -l TEXT   label, copied to the output\n"
"  -v        print the first replies and every new kind of error to stderr\n"
"\n"
"samples  memory from /proc/PID/smaps_rollup, CPU from the process's own clock\n"
"         (nanoseconds; its user and system shares from /proc/PID/stat, in 10 ms\n"
"         ticks), fds from /proc/PID/fd; taken before, at the peak, and after.\n"
"SIGTERM  ends the run now, and reports\n"
"exit     0 when every connection ended as the mode expects, 1 otherwise\n";

#define MAXT 64
#define MAXP 64
#define MAXERRNO 200

enum { S_FREE, S_CONNECTING, S_OPEN, S_QUIT, S_DONE };

struct conn {
    int fd;
    uint8_t state, gotfirst, gotfinal, step;
    uint8_t lpos;               /* position in the line, saturates at 4 */
    char lhead[4];              /* first 4 characters of the line */
    struct tls *tls;            /* NULL: plain text */
    uint64_t t0;
};

struct proc { char name[32]; int pid; };
struct samp { double pss, priv, rss, anon; double cpu, ut, st; long fds, thr; double ctxv, ctxi; };

static volatile sig_atomic_t stop_now;
static int mode = -1, verbose, opt_ready, opt_quit, opt_wait, opt_rst, opt_json;
static const char *label = "";
static struct sockaddr_in target[MAXT];
static int ntarget;
static uint32_t src_lo, src_hi, src_next;
static int have_src;
static long N = 1000, C = 50, WARM;
static double RATE = 1000, HOLD = 30, SETTLE = 1, TMO = 30, DUR;
static struct proc procs[MAXP];
static int nprocs;
static int ep;
static struct conn *conns;
static long nconns;
static uint32_t *v_first, *v_final, *v_done;
static long n_first, n_final, n_done, cap;
static long c_started, c_finished, c_ok, c_4xx, c_5xx, c_eof_early, c_timeout, c_sockerr, c_unexpected;
static long errcount[MAXERRNO];
static int counting = 1;
static struct samp s_before[MAXP], s_peak[MAXP], s_after[MAXP];
static char ss_before[512], ss_peak[512], ss_after[512];
static double slab_before, slab_peak, slab_after, kmem_avail_before, kmem_avail_peak;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "swarm: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(2);
}

static void note_errno(int e)
{
    if (e < 0 || e >= MAXERRNO)
        e = MAXERRNO - 1;
    if (verbose && errcount[e] == 0)
        fprintf(stderr, "swarm: first error: %s\n", strerror(e));
    errcount[e]++;
}

/* ------------------------------------------------------------ sampling */

static void sample_pid(int pid, struct samp *s)
{
    char path[64], line[512];
    FILE *f;
    memset(s, 0, sizeof *s);
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    if ((f = fopen(path, "r"))) {
        double v;
        while (fgets(line, sizeof line, f)) {
            if (sscanf(line, "Rss: %lf", &v) == 1) s->rss = v;
            else if (sscanf(line, "Pss: %lf", &v) == 1) s->pss = v;
            else if (sscanf(line, "Private_Clean: %lf", &v) == 1) s->priv += v;
            else if (sscanf(line, "Private_Dirty: %lf", &v) == 1) s->priv += v;
            else if (sscanf(line, "Anonymous: %lf", &v) == 1) s->anon = v;
        }
        fclose(f);
    }
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &used) == 0)
        s->cpu = used.tv_sec * 1e6 + used.tv_nsec / 1e3;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if ((f = fopen(path, "r"))) {
        if (fgets(line, sizeof line, f)) {
            char *p = strrchr(line, ')');
            unsigned long ut, st;
            long thr;
            if (p && sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %ld", &ut, &st, &thr) == 3) {
                double tick = 1e6 / sysconf(_SC_CLK_TCK);
                s->ut = ut * tick;
                s->st = st * tick;
                s->thr = thr;
            }
        }
        fclose(f);
    }
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *d = opendir(path);
    if (d) {
        while (readdir(d))
            s->fds++;
        s->fds -= 2;
        closedir(d);
    }
}

static void sample_all(struct samp *s, char *ss, size_t sslen, double *slab, double *avail)
{
    char line[512];
    FILE *f;
    for (int i = 0; i < nprocs; i++)
        sample_pid(procs[i].pid, s + i);
    ss[0] = 0;
    if ((f = fopen("/proc/net/sockstat", "r"))) {
        while (fgets(line, sizeof line, f))
            if (!strncmp(line, "TCP:", 4)) {
                line[strcspn(line, "\n")] = 0;
                snprintf(ss, sslen, "%s", line);
            }
        fclose(f);
    }
    if ((f = fopen("/proc/meminfo", "r"))) {
        double v;
        while (fgets(line, sizeof line, f)) {
            if (slab && sscanf(line, "Slab: %lf", &v) == 1) *slab = v;
            if (avail && sscanf(line, "MemAvailable: %lf", &v) == 1) *avail = v;
        }
        fclose(f);
    }
}

/* ------------------------------------------------------------ connections */

static void conn_free(struct conn *c)
{
    tls_free(c->tls);
    c->tls = NULL;
    if (c->fd >= 0) {
        if (opt_rst) {
            struct linger l = { 1, 0 };
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
        }
        close(c->fd);
        c->fd = -1;
    }
    c->state = S_FREE;
}

static int send_str(struct conn *c, const char *s)
{
    size_t l = strlen(s);
    ssize_t r = c->tls ? tls_send(c->tls, s, l) : send(c->fd, s, l, MSG_NOSIGNAL);
    return r == (ssize_t) l;
}

static void put(uint32_t *v, long *n, uint64_t dt)
{
    if (counting && *n < cap)
        v[(*n)++] = dt / 1000 > UINT32_MAX ? UINT32_MAX : dt / 1000;
}

static void conn_end(struct conn *c, int ok)
{
    c_finished++;
    if (ok) {
        c_ok++;
        put(v_done, &n_done, now_ns() - c->t0);
    }
    conn_free(c);
}

/* start one connection in slot c; 0 on success */
static int conn_start(struct conn *c)
{
    static long tn;
    int one = 1;
    c_started++;
    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        note_errno(errno);
        c_sockerr++;
        c_finished++;
        c->state = S_FREE;
        return -1;
    }
    if (have_src) {
        struct sockaddr_in a = { .sin_family = AF_INET };
        a.sin_addr.s_addr = htonl(src_next);
        src_next = src_next >= src_hi ? src_lo : src_next + 1;
#ifdef IP_BIND_ADDRESS_NO_PORT
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
#endif
        if (bind(c->fd, (struct sockaddr *) &a, sizeof a) < 0) {
            note_errno(errno);
            c_sockerr++;
            c_finished++;
            conn_free(c);
            return -1;
        }
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->t0 = now_ns();
    int r = connect(c->fd, (struct sockaddr *) &target[tn++ % ntarget], sizeof target[0]);
    if (r < 0 && errno != EINPROGRESS) {
        note_errno(errno);
        c_sockerr++;
        c_finished++;
        conn_free(c);
        return -1;
    }
    if (mode == M_FLOOD && r == 0) {
        conn_end(c, 1);
        return 1;
    }
    c->state = r == 0 ? S_OPEN : S_CONNECTING;
    if (r == 0 && (mode == M_PREGREET || (mode == M_DIALOG && !opt_wait)))
        send_str(c, "EHLO x\r\n");
    struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | (r == 0 ? 0 : EPOLLOUT), .data.ptr = c };
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) < 0)
        die("epoll_ctl: %s", strerror(errno));
    return 0;
}

/* one complete reply arrived; nonzero when the connection was ended */
static int on_reply(struct conn *c, int code)
{
    if (code >= 400 && code < 500) c_4xx++;
    if (code >= 500) c_5xx++;
    switch (mode) {
    case M_PARK:
        if (code == 220 && !c->gotfinal) {
            c->gotfinal = 1;
            put(v_final, &n_final, now_ns() - c->t0);
            if (opt_quit) {
                send_str(c, "QUIT\r\n");
                c->state = S_QUIT;
            }
        } else if (code == 221)
            c->state = S_DONE;
        break;
    case M_PASS:
        if (code == 220 && !c->gotfinal) {
            c->gotfinal = 1;
            put(v_final, &n_final, now_ns() - c->t0);
            send_str(c, "QUIT\r\n");
            c->state = S_QUIT;
        } else if (code == 221)
            c->state = S_DONE;
        else
            c_unexpected++;
        break;
    case M_PREGREET:
    case M_REFUSED:
        if (code >= 500) {
            conn_end(c, 1);
            return 1;
        }
        c_unexpected++;
        break;
    case M_DIALOG:
        switch (c->step) {
        case 0:
            if (code == 250 && !opt_wait) {
                /* postscreen gives no final 220 to a client that spoke first */
                send_str(c, "MAIL FROM:<a@example.com>\r\n");
                c->step = 2;
                break;
            }
            if (code != 220) { c_unexpected++; break; }
            put(v_final, &n_final, now_ns() - c->t0);
            if (opt_wait) send_str(c, "EHLO x\r\n");
            c->step = 1;
            break;
        case 1:
            if (code != 250) c_unexpected++;
            send_str(c, "MAIL FROM:<a@example.com>\r\n");
            c->step = 2;
            break;
        case 2:
            if (code != 250) c_unexpected++;
            send_str(c, "RCPT TO:<b@example.net>\r\n");
            c->step = 3;
            break;
        case 3:
            if (code < 500) c_unexpected++;
            send_str(c, "QUIT\r\n");
            c->step = 4;
            break;
        case 4:
            if (code != 221) c_unexpected++;
            c->state = S_DONE;
            c->step = 5;
            break;
        }
        break;
    case M_TLS: {
        static const int expected[] = { 220, 250, 220, 250, 221 };
        static const char *const next[] = { "EHLO x\r\n", "STARTTLS\r\n", NULL, "QUIT\r\n", NULL };
        if (c->step > 4 || code != expected[c->step]) {
            c_unexpected++;
            conn_end(c, 0);
            return 1;
        }
        if (c->step == 0)
            put(v_final, &n_final, now_ns() - c->t0);
        if (next[c->step])
            send_str(c, next[c->step]);
        if (c->step == 2)
            c->tls = tls_new(c->fd);
        if (c->step == 4)
            c->state = S_DONE;
        c->step++;
        break;
    }
    }
    return 0;
}

static int on_data(struct conn *c, const char *b, ssize_t n)
{
    static int shown;
    if (verbose && shown < 8) {
        shown++;
        fprintf(stderr, "swarm: got %.*s", (int) n, b);
    }
    if (!c->gotfirst) {
        c->gotfirst = 1;
        put(v_first, &n_first, now_ns() - c->t0);
    }
    for (ssize_t i = 0; i < n; i++) {
        if (b[i] == '\n') {
            int fin = c->lpos >= 4 && c->lhead[3] != '-';
            int code = fin ? (c->lhead[0] - '0') * 100 + (c->lhead[1] - '0') * 10 + (c->lhead[2] - '0') : 0;
            struct tls *tls = c->tls;
            c->lpos = 0;
            if (fin && on_reply(c, code))
                return 1;
            if (c->tls != tls)
                return 0;       /* what comes from here on is TLS */
        } else if (c->lpos < 4)
            c->lhead[c->lpos++] = b[i];
    }
    return 0;
}

static void on_event(struct conn *c, uint32_t evs)
{
    char buf[4096];
    if (c->state == S_FREE)
        return;
    if (c->state == S_CONNECTING && (evs & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        int e = 0;
        socklen_t l = sizeof e;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
        if (e) {
            note_errno(e);
            c_sockerr++;
            conn_end(c, 0);
            return;
        }
        c->state = S_OPEN;
        if (mode == M_FLOOD) {
            conn_end(c, 1);
            return;
        }
        if (mode == M_PREGREET || (mode == M_DIALOG && !opt_wait))
            send_str(c, "EHLO x\r\n");
        struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = c };
        epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
    }
    if (!(evs & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)))
        return;
    for (;;) {
        if (c->tls && !tls_ready(c->tls)) {
            int r = tls_handshake(c->tls);
            if (r == 0)
                return;
            if (r < 0) {
                c_unexpected++;
                conn_end(c, 0);
                return;
            }
            send_str(c, "EHLO x\r\n");
        }
        ssize_t n = c->tls ? tls_recv(c->tls, buf, sizeof buf) : recv(c->fd, buf, sizeof buf, 0);
        if (n > 0) {
            if (on_data(c, buf, n))
                return;
            if (!c->tls && n < (ssize_t) sizeof buf && !(evs & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
                return;
            continue;
        }
        if (n == 0) {
            int ok = c->state == S_DONE;
            if (!ok) c_eof_early++;
            conn_end(c, ok);
            return;
        }
        if (errno == EAGAIN)
            return;
        if (errno == EINTR)
            continue;
        {
            int ok = c->state == S_DONE;
            note_errno(errno);
            if (!ok) c_sockerr++;
            conn_end(c, ok);
            return;
        }
    }
}

/* ------------------------------------------------------------ runs */

static void on_stop(int sig) { (void) sig; stop_now = 1; }

static void run_park(void)
{
    struct epoll_event evs[512];
    uint64_t t0 = now_ns(), t_last = 0, tend = t0 + HOLD * 1e9;
    long opened = 0;
    int sampled = 0;
    for (;;) {
        uint64_t t = now_ns();
        if (opened < N) {
            long due = (t - t0) / 1e9 * RATE + 1;
            int burst = 0;
            while (opened < due && opened < N && burst++ < 64)
                conn_start(&conns[opened++]);
            if (opened == N)
                t_last = now_ns();
        } else if (!sampled && t >= t_last + SETTLE * 1e9) {
            sampled = 1;
            sample_all(s_peak, ss_peak, sizeof ss_peak, &slab_peak, &kmem_avail_peak);
        }
        if (opt_ready && n_first == N) {
            opt_ready = 0;
            fprintf(stderr, "ready\n");
        }
        if (stop_now || t >= tend || (opened == N && c_finished == N))
            break;
        int wait = opened < N ? 0 : 20;
        if (opened < N && (long) ((t - t0) / 1e9 * RATE + 1) <= opened)
            wait = 1;
        int n = epoll_wait(ep, evs, 512, wait);
        for (int i = 0; i < n; i++)
            on_event(evs[i].data.ptr, evs[i].events);
    }
    if (!sampled)
        sample_all(s_peak, ss_peak, sizeof ss_peak, &slab_peak, &kmem_avail_peak);
}

static double run_loop(long total, double dur, int take_peak)
{
    struct epoll_event evs[512];
    uint64_t t0 = now_ns(), t_scan = t0;
    long base_fin = c_finished, base_start = c_started;
    int sampled = 0;
    uint64_t tstop = dur > 0 ? t0 + dur * 1e9 : UINT64_MAX;
    for (;;) {
        uint64_t t = now_ns();
        int stop = stop_now || t >= tstop;
        int active = 0;
        for (long i = 0; i < C; i++) {
            struct conn *c = &conns[i];
            int tries = 0;
            while (c->state == S_FREE && !stop && c_started - base_start < total && tries++ < 16)
                conn_start(c);
            if (c->state != S_FREE)
                active++;
        }
        if (take_peak && !sampled && c_finished - base_fin >= total / 2) {
            sampled = 1;
            sample_all(s_peak, ss_peak, sizeof ss_peak, &slab_peak, &kmem_avail_peak);
        }
        if (!active && (stop || c_started - base_start >= total))
            break;
        int n = epoll_wait(ep, evs, 512, 100);
        for (int i = 0; i < n; i++)
            on_event(evs[i].data.ptr, evs[i].events);
        if (t - t_scan > 500000000ull) {
            t_scan = t;
            for (long i = 0; i < C; i++)
                if (conns[i].state != S_FREE && (double) (int64_t) (t - conns[i].t0) > TMO * 1e9) {
                    c_timeout++;
                    conn_end(&conns[i], 0);
                }
        }
    }
    if (take_peak && !sampled)
        sample_all(s_peak, ss_peak, sizeof ss_peak, &slab_peak, &kmem_avail_peak);
    return (now_ns() - t0) / 1e9;
}

/* ------------------------------------------------------------ output */

static int cmp32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
    return x < y ? -1 : x > y;
}

static double pct(uint32_t *v, long n, double p)
{
    if (!n) return 0;
    long i = p * (n - 1) + 0.5;
    return v[i] / 1000.0;
}

static void lat_out(const char *name, uint32_t *v, long n)
{
    qsort(v, n, sizeof *v, cmp32);
    if (opt_json)
        printf("\"%s\":{\"n\":%ld,\"min_ms\":%.3f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f},",
               name, n, pct(v, n, 0), pct(v, n, .5), pct(v, n, .9), pct(v, n, .99), pct(v, n, .999), pct(v, n, 1));
    else if (n)
        printf("  %-8s n=%-7ld min %.3f  p50 %.3f  p90 %.3f  p99 %.3f  p999 %.3f  max %.3f ms\n",
               name, n, pct(v, n, 0), pct(v, n, .5), pct(v, n, .9), pct(v, n, .99), pct(v, n, .999), pct(v, n, 1));
}

static uint32_t parse_ip(const char *s)
{
    struct in_addr a;
    if (inet_pton(AF_INET, s, &a) != 1)
        die("bad address: %s", s);
    return ntohl(a.s_addr);
}

int main(int argc, char **argv)
{
    int o;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_stop);
    while ((o = getopt(argc, argv, "m:t:s:n:d:c:r:H:S:qywW:T:RP:jl:vh")) > 0)
        switch (o) {
        case 'm':
            for (int i = 0; i < M_NMODES; i++)
                if (!strcmp(optarg, mode_name[i])) mode = i;
            if (mode < 0) die("unknown mode: %s", optarg);
            break;
        case 't':
            for (char *p = strtok(optarg, ","); p && ntarget < MAXT; p = strtok(NULL, ",")) {
                char *q = strchr(p, ':');
                if (!q) die("need ADDR:PORT: %s", p);
                *q = 0;
                target[ntarget].sin_family = AF_INET;
                target[ntarget].sin_addr.s_addr = htonl(parse_ip(p));
                target[ntarget++].sin_port = htons(atoi(q + 1));
            }
            break;
        case 's': {
            char *q = strchr(optarg, '-');
            if (q) *q++ = 0;
            src_lo = src_next = parse_ip(optarg);
            src_hi = q ? parse_ip(q) : src_lo;
            have_src = 1;
            break;
        }
        case 'n': N = atol(optarg); break;
        case 'd': DUR = atof(optarg); break;
        case 'c': C = atol(optarg); break;
        case 'r': RATE = atof(optarg); break;
        case 'H': HOLD = atof(optarg); break;
        case 'S': SETTLE = atof(optarg); break;
        case 'q': opt_quit = 1; break;
        case 'y': opt_ready = 1; break;
        case 'w': opt_wait = 1; break;
        case 'W': WARM = atol(optarg); break;
        case 'T': TMO = atof(optarg); break;
        case 'R': opt_rst = 1; break;
        case 'P':
            for (char *p = strtok(optarg, ","); p && nprocs < MAXP; p = strtok(NULL, ",")) {
                char *q = strchr(p, '=');
                if (q) *q++ = 0; else q = p;
                snprintf(procs[nprocs].name, sizeof procs[0].name, "%s", p);
                procs[nprocs++].pid = atoi(q);
            }
            break;
        case 'j': opt_json = 1; break;
        case 'l': label = optarg; break;
        case 'v': verbose = 1; break;
        case 'h': fputs(usage_text, stdout); return 0;
        default: fputs(usage_text, stderr); return 2;
        }
    if (mode < 0 || !ntarget) {
        fputs(usage_text, stderr);
        return 2;
    }
    if (N < 1 || C < 1) die("-n and -c must be positive");
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    nconns = mode == M_PARK ? N : C;
    if ((long) rl.rlim_cur < nconns + 20)
        die("needs %ld file descriptors, limit is %ld", nconns + 20, (long) rl.rlim_cur);
    cap = N + C + WARM + 16;
    conns = calloc(nconns, sizeof *conns);
    v_first = malloc(cap * sizeof *v_first);
    v_final = malloc(cap * sizeof *v_final);
    v_done = malloc(cap * sizeof *v_done);
    for (long i = 0; i < nconns; i++)
        conns[i].fd = -1;
    ep = epoll_create1(EPOLL_CLOEXEC);

    if (mode != M_PARK && WARM > 0) {
        counting = 0;
        run_loop(WARM, 0, 0);
        counting = 1;
        c_started = c_finished = c_ok = c_4xx = c_5xx = c_eof_early = c_timeout = c_sockerr = c_unexpected = 0;
        memset(errcount, 0, sizeof errcount);
        usleep(200000);
    }
    sample_all(s_before, ss_before, sizeof ss_before, &slab_before, &kmem_avail_before);
    struct rusage ru0, ru1;
    getrusage(RUSAGE_SELF, &ru0);
    uint64_t t0 = now_ns();
    double el;
    if (mode == M_PARK) {
        run_park();
        el = (now_ns() - t0) / 1e9;
    } else
        el = run_loop(N, DUR, nprocs > 0);
    getrusage(RUSAGE_SELF, &ru1);
    long left = 0;
    if (mode == M_PARK)
        for (long i = 0; i < nconns; i++)
            if (conns[i].state != S_FREE) {
                left++;
                conn_free(&conns[i]);
            }
    usleep(500000);
    sample_all(s_after, ss_after, sizeof ss_after, &slab_after, NULL);

    double cu = (ru1.ru_utime.tv_sec - ru0.ru_utime.tv_sec) * 1e6 + ru1.ru_utime.tv_usec - ru0.ru_utime.tv_usec
        + (ru1.ru_stime.tv_sec - ru0.ru_stime.tv_sec) * 1e6 + ru1.ru_stime.tv_usec - ru0.ru_stime.tv_usec;
    long denom = mode == M_PARK ? c_started : c_finished;
    int good = mode == M_PARK ? (c_sockerr == 0 && n_first == N) : (c_ok == c_finished && c_finished > 0);
    if (opt_json) {
        printf("{\"label\":\"%s\",\"mode\":\"%s\",\"seconds\":%.3f,\"started\":%ld,\"finished\":%ld,\"ok\":%ld,\"held_to_end\":%ld,"
               "\"rate_per_s\":%.1f,\"teaser\":%ld,\"final\":%ld,\"r4xx\":%ld,\"r5xx\":%ld,\"eof_early\":%ld,\"timeouts\":%ld,\"sock_errors\":%ld,\"unexpected\":%ld,",
               label, mode_name[mode], el, c_started, c_finished, c_ok, left, c_ok / el, n_first, n_final, c_4xx, c_5xx, c_eof_early, c_timeout, c_sockerr, c_unexpected);
        printf("\"client_cpu_us_per_conn\":%.2f,\"errno\":{", denom ? cu / denom : 0);
        int comma = 0;
        for (int i = 0; i < MAXERRNO; i++)
            if (errcount[i]) {
                printf("%s\"%s\":%ld", comma ? "," : "", strerrorname_np(i) ? strerrorname_np(i) : "other", errcount[i]);
                comma = 1;
            }
        printf("},");
        lat_out("first", v_first, n_first);
        lat_out("final220", v_final, n_final);
        lat_out("done", v_done, n_done);
        printf("\"sockstat\":{\"before\":\"%s\",\"peak\":\"%s\",\"after\":\"%s\"},\"slab_kb\":{\"before\":%.0f,\"peak\":%.0f,\"after\":%.0f},\"memavailable_kb\":{\"before\":%.0f,\"peak\":%.0f},",
               ss_before, ss_peak, ss_after, slab_before, slab_peak, slab_after, kmem_avail_before, kmem_avail_peak);
        printf("\"procs\":{");
    } else {
        printf("%s %s: %ld started, %ld finished, %ld ok, %ld held to the end, %.3f s, %.1f/s\n", label, mode_name[mode],
               c_started, c_finished, c_ok, left, el, c_ok / el);
        printf("  teaser %ld, final 220 %ld, 4xx %ld, 5xx %ld, early EOF %ld, timeouts %ld, socket errors %ld, unexpected %ld\n",
               n_first, n_final, c_4xx, c_5xx, c_eof_early, c_timeout, c_sockerr, c_unexpected);
        for (int i = 0; i < MAXERRNO; i++)
            if (errcount[i])
                printf("  errno %s: %ld\n", strerror(i), errcount[i]);
        printf("  client CPU %.2f us/conn\n", denom ? cu / denom : 0);
        lat_out("first", v_first, n_first);
        lat_out("final220", v_final, n_final);
        lat_out("done", v_done, n_done);
        if (ss_peak[0])
            printf("  sockstat before: %s\n           peak:   %s\n           after:  %s\n  slab kB %.0f -> %.0f -> %.0f\n", ss_before, ss_peak, ss_after, slab_before, slab_peak, slab_after);
    }
    /* processes, summed by name */
    int seen[MAXP] = { 0 }, comma = 0;
    for (int i = 0; i < nprocs; i++) {
        if (seen[i]) continue;
        struct samp b = s_before[i], p = s_peak[i], a = s_after[i];
        int cnt = 1;
        for (int k = i + 1; k < nprocs; k++)
            if (!strcmp(procs[i].name, procs[k].name)) {
                seen[k] = 1;
                cnt++;
                b.pss += s_before[k].pss; b.priv += s_before[k].priv; b.rss += s_before[k].rss; b.cpu += s_before[k].cpu; b.ut += s_before[k].ut; b.st += s_before[k].st; b.fds += s_before[k].fds;
                p.pss += s_peak[k].pss; p.priv += s_peak[k].priv; p.rss += s_peak[k].rss; p.cpu += s_peak[k].cpu; p.ut += s_peak[k].ut; p.st += s_peak[k].st; p.fds += s_peak[k].fds;
                a.pss += s_after[k].pss; a.priv += s_after[k].priv; a.rss += s_after[k].rss; a.cpu += s_after[k].cpu; a.ut += s_after[k].ut; a.st += s_after[k].st; a.fds += s_after[k].fds;
            }
        double cpu = a.cpu - b.cpu;
        double per = denom ? cpu / denom : 0;
        double bpc = n_first && mode == M_PARK ? (p.priv - b.priv) * 1024 / n_first : 0;
        double bpcp = n_first && mode == M_PARK ? (p.pss - b.pss) * 1024 / n_first : 0;
        if (opt_json) {
            printf("%s\"%s\":{\"count\":%d,\"cpu_us_per_conn\":%.2f,\"user_us_per_conn\":%.2f,\"sys_us_per_conn\":%.2f,\"cpu_s\":%.2f,"
                   "\"private_bytes_per_parked\":%.0f,\"pss_bytes_per_parked\":%.0f,"
                   "\"private_kb\":[%.0f,%.0f,%.0f],\"pss_kb\":[%.0f,%.0f,%.0f],\"rss_kb\":[%.0f,%.0f,%.0f],\"fds\":[%ld,%ld,%ld],\"threads\":[%ld,%ld,%ld]}",
                   comma ? "," : "", procs[i].name, cnt, per, denom ? (a.ut - b.ut) / denom : 0, denom ? (a.st - b.st) / denom : 0, cpu / 1e6, bpc, bpcp,
                   b.priv, p.priv, a.priv, b.pss, p.pss, a.pss, b.rss, p.rss, a.rss, b.fds, p.fds, a.fds, b.thr, p.thr, a.thr);
            comma = 1;
        } else
            printf("  %-12s cpu %.2f us/conn (user %.2f sys %.2f, total %.2f s)  private kB %.0f -> %.0f -> %.0f%s%.0f%s  pss %.0f -> %.0f -> %.0f  fds %ld -> %ld -> %ld\n",
                   procs[i].name, per, denom ? (a.ut - b.ut) / denom : 0, denom ? (a.st - b.st) / denom : 0, cpu / 1e6, b.priv, p.priv, a.priv,
                   mode == M_PARK ? " (" : " [", bpc, mode == M_PARK ? " bytes/parked)" : "]", b.pss, p.pss, a.pss, b.fds, p.fds, a.fds);
    }
    if (opt_json)
        printf("}}\n");
    return good ? 0 : 1;
}
