// What the bare loops share: sockets, and epoll without a word about what for.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_WAIT = 256, READ_BYTES = 16384, DESCRIPTORS_MAX = 65536 };

static int poller;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void begin(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(0);
}

static void wait_for(int descriptor, uint32_t events, int how) {
    struct epoll_event event = {.events = events, .data.fd = descriptor};
    if (epoll_ctl(poller, how, descriptor, &event) != 0) fail("epoll_ctl");
}

static void send_at_once(int descriptor) {
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static struct sockaddr_in address_of(const char *address, int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1) fail("inet_pton");
    return at;
}

static int listen_at(const char *address, int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in at = address_of(address, port);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0) fail("bind");
    if (listen(listener, 4096) != 0) fail("listen");
    wait_for(listener, EPOLLIN, EPOLL_CTL_ADD);
    return listener;
}

static void accept_all(int listener) {
    for (;;) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (descriptor < 0) return;
        if (descriptor >= DESCRIPTORS_MAX) {
            close(descriptor);
            continue;
        }
        send_at_once(descriptor);
        wait_for(descriptor, EPOLLIN, EPOLL_CTL_ADD);
    }
}

// How many of the bytes of `text` up to and including its next CR LF CR LF, given how much of that was `matched`; -1
// if it is not there yet.
static ssize_t empty_line(const char *text, ssize_t count, uint32_t *matched) {
    static const char end[] = "\r\n\r\n";
    for (ssize_t at = 0; at < count; at++) {
        if (text[at] == end[*matched]) ++*matched;
        else *matched = text[at] == '\r';
        if (*matched == 4) {
            *matched = 0;
            return at + 1;
        }
    }
    return -1;
}
