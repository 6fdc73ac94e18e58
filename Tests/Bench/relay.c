// The floor of proxying: what a request costs when a proxy does nothing with it. One thread, epoll, connections kept
// on both sides and shared by all clients; of a request only its end is looked for, of an answer its end and its
// `Content-Length`. Nothing is added, removed, checked or logged, and what a socket does not take at once is given up:
// the measure needs no more.
//
//   relay ADDRESS PORT ORIGIN_PORT

#include "bare.h"

// Indexed by descriptor; zero is nobody's.
static struct side {
    int other;        // the client's origin while it has an answer to come, and the other way round
    bool is_origin;
    uint32_t matched; // bytes of CR LF CR LF seen so far
    size_t owed;      // bytes of the body that are still to come
    size_t held;      // bytes of an answer's head that has no end yet
    char *head;
} sides[DESCRIPTORS_MAX];

static int idle[DESCRIPTORS_MAX];
static int idle_count;
static struct sockaddr_in origin;

static void drop(int descriptor) {
    struct side *it = &sides[descriptor];
    int other = it->other;
    if (it->is_origin) {
        for (int at = 0; at < idle_count; at++) {
            if (idle[at] == descriptor) idle[at--] = idle[--idle_count];
        }
        free(it->head);
    }
    close(descriptor);
    *it = (struct side){0};
    if (!other) return;
    sides[other].other = 0;
    drop(other);
}

static int take_origin(void) {
    if (idle_count) return idle[--idle_count];
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX) fail("socket");
    if (connect(descriptor, (struct sockaddr *)&origin, sizeof origin) != 0) fail("connect");
    send_at_once(descriptor);
    wait_for(descriptor, EPOLLIN, EPOLL_CTL_ADD);
    sides[descriptor] = (struct side){.is_origin = true, .head = malloc(READ_BYTES)};
    return descriptor;
}

static bool pass(int descriptor, const char *bytes, size_t count) {
    return send(descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)count;
}

static bool read_client(int descriptor) {
    static char bytes[READ_BYTES];
    struct side *it = &sides[descriptor];
    ssize_t count = recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    if (!it->other) {
        it->other = take_origin();
        sides[it->other].other = descriptor;
    }
    ssize_t end = empty_line(bytes, count, &it->matched);
    // A second request before the first one's answer is for other proxies.
    return (end < 0 || end == count) && pass(it->other, bytes, (size_t)count);
}

static void give_back(int descriptor) {
    sides[sides[descriptor].other].other = 0;
    sides[descriptor].other = 0;
    idle[idle_count++] = descriptor;
}

static bool read_body(int descriptor) {
    static char bytes[READ_BYTES];
    struct side *it = &sides[descriptor];
    ssize_t count = recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    if ((size_t)count > it->owed || !pass(it->other, bytes, (size_t)count)) return false;
    it->owed -= (size_t)count;
    if (it->owed == 0) give_back(descriptor);
    return true;
}

static bool read_origin(int descriptor) {
    struct side *it = &sides[descriptor];
    if (it->owed > 0) return read_body(descriptor);
    ssize_t count = recv(descriptor, it->head + it->held, READ_BYTES - it->held, MSG_DONTWAIT);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    if (!it->other) return false;
    it->held += (size_t)count;
    char *end = memmem(it->head, it->held, "\r\n\r\n", 4);
    if (!end) return it->held < READ_BYTES;
    end[3] = 0;
    char *length = strcasestr(it->head, "\r\nContent-Length:");
    end[3] = '\n';
    if (!length) return false;
    size_t whole = (size_t)(end + 4 - it->head) + strtoul(length + 17, NULL, 10);
    size_t held = it->held;
    it->held = 0;
    if (held > whole || !pass(it->other, it->head, held)) return false;
    it->owed = whole - held;
    if (it->owed == 0) give_back(descriptor);
    return true;
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: relay ADDRESS PORT ORIGIN_PORT\n");
        return 2;
    }
    begin();
    origin = address_of(arguments[1], atoi(arguments[3]));
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
            if (!(sides[descriptor].is_origin ? read_origin(descriptor) : read_client(descriptor))) drop(descriptor);
        }
    }
}
