// The floor: what a request costs when a server does nothing with it. One thread, epoll, keep-alive; a request is
// whatever ends with an empty line, the answer is a fixed head of fourteen fields and a body from memory, in one
// write. It serves as the measure of every contestant, and as the origin behind those that proxy.
//
//   floor ADDRESS PORT BODY_BYTES [FIELD]

#include "bare.h"

// Indexed by descriptor.
static struct connection {
    uint32_t matched; // bytes of CR LF CR LF seen so far
    uint32_t owed;    // answers to write, the one under way included
    size_t written;   // bytes of the answer under way
    bool waits;       // for the socket to take more
} connections[DESCRIPTORS_MAX];

static char *answer;
static size_t answer_bytes;

static void build_answer(size_t body_bytes, const char *field) {
    char head[2048], date[64];
    time_t now = time(NULL);
    struct tm moment;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &moment));
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 200 OK\r\n"
                          "Date: %s\r\n"
                          "Content-Type: text/plain; charset=utf-8\r\n"
                          "Content-Length: %zu\r\n"
                          "Connection: keep-alive\r\n"
                          "Cache-Control: public, max-age=86400\r\n"
                          "ETag: \"5f8a1c2e-400\"\r\n"
                          "Last-Modified: Wed, 31 Dec 2025 00:00:00 GMT\r\n"
                          "Accept-Ranges: bytes\r\n"
                          "Server: floor\r\n"
                          "Strict-Transport-Security: max-age=63072000\r\n"
                          "X-Content-Type-Options: nosniff\r\n"
                          "X-Frame-Options: SAMEORIGIN\r\n"
                          "Referrer-Policy: same-origin\r\n"
                          "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
                          "%s%s\r\n",
                          date, body_bytes, field, *field ? "\r\n" : "");
    answer_bytes = (size_t)length + body_bytes;
    answer = malloc(answer_bytes);
    if (!answer) fail("malloc");
    memcpy(answer, head, (size_t)length);
    memset(answer + length, 'x', body_bytes);
}

static void drop(int descriptor) {
    close(descriptor);
    connections[descriptor] = (struct connection){0};
}

// Writes what is owed; false when the peer is gone.
static bool write_answers(int descriptor) {
    struct connection *it = &connections[descriptor];
    while (it->owed > 0) {
        ssize_t count = send(descriptor, answer + it->written, answer_bytes - it->written, MSG_NOSIGNAL);
        if (count < 0) {
            if (errno != EAGAIN) return false;
            if (!it->waits) wait_for(descriptor, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            it->waits = true;
            return true;
        }
        it->written += (size_t)count;
        if (it->written == answer_bytes) {
            it->written = 0;
            it->owed--;
        }
    }
    if (it->waits) wait_for(descriptor, EPOLLIN, EPOLL_CTL_MOD);
    it->waits = false;
    return true;
}

// Counts the empty lines in what has arrived; false at the end of the stream.
static bool read_requests(int descriptor) {
    static char bytes[READ_BYTES];
    struct connection *it = &connections[descriptor];
    ssize_t count = recv(descriptor, bytes, sizeof bytes, 0);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    ssize_t taken, from = 0;
    while ((taken = empty_line(bytes + from, count - from, &it->matched)) > 0) {
        from += taken;
        it->owed++;
    }
    return true;
}

int main(int count, char **arguments) {
    if (count != 4 && count != 5) {
        fprintf(stderr, "usage: floor ADDRESS PORT BODY_BYTES [FIELD]\n");
        return 2;
    }
    begin();
    build_answer(strtoul(arguments[3], NULL, 10), count == 5 ? arguments[4] : "");
    int listener = listen_at(arguments[1], atoi(arguments[2]));
    for (;;) {
        struct epoll_event events[EVENTS_PER_WAIT];
        int ready = epoll_wait(poller, events, EVENTS_PER_WAIT, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int index = 0; index < ready; index++) {
            int descriptor = events[index].data.fd;
            if (descriptor == listener) {
                accept_all(listener);
                continue;
            }
            bool alive = true;
            if (events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) alive = read_requests(descriptor);
            if (!alive || !write_answers(descriptor)) drop(descriptor);
        }
    }
}
