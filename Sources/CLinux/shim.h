// Kernel calls that Glibc's own module hides: behind feature macros that a module map cannot set
// (accept4, pipe2, splice), or in headers that it leaves out (epoll, eventfd, signalfd). Where glibc declares a
// function only under _GNU_SOURCE we declare it again, so that the shim does not depend on how it is included.
#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netdb.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/openat2.h>
#include <time.h>
#include <unistd.h>

extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
extern int pipe2(int pair[2], int flags);
extern int flock(int fd, int operation);
extern int pthread_setname_np(pthread_t thread, const char *name);

struct edge_peer_credentials {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

// errno is a macro over a function call; Swift sees neither.
static inline int edge_errno(void) { return errno; }

// In a program with several threads glibc makes each of these a place where a thread can be cancelled, which costs two
// locked instructions a call. Nobody cancels ours.
static inline ssize_t edge_recv(int fd, void *bytes, size_t count) {
    return syscall(SYS_recvfrom, fd, bytes, count, 0, NULL, NULL);
}
static inline ssize_t edge_send(int fd, const void *bytes, size_t count) {
    return syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL, NULL, 0);
}
static inline ssize_t edge_writev(int fd, const struct iovec *vectors, int count) {
    return syscall(SYS_writev, fd, vectors, count);
}

// SO_PEERCRED's `struct ucred` is hidden without _GNU_SOURCE; the kernel's layout is these three words.
static inline int edge_peer_credentials(int fd, struct edge_peer_credentials *out) {
    socklen_t length = sizeof *out;
    return getsockopt(fd, SOL_SOCKET, 17 /* SO_PEERCRED */, out, &length);
}

// glibc has no wrapper. RESOLVE_BENEATH: no part of the path, symbolic links included, leads out of `directory`;
// RESOLVE_NO_MAGICLINKS: nor through another process's descriptors.
static inline int edge_openat2_beneath(int directory, const char *path, uint64_t flags) {
    struct open_how how = {
        .flags = flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

// Hidden without _GNU_SOURCE; the same number on every architecture that we build for.
enum { EDGE_O_PATH = 010000000 };

// <sys/file.h>, whose other names belong to Glibc's module.
enum { EDGE_LOCK_EXCLUSIVE_AT_ONCE = 2 | 4 /* LOCK_EX | LOCK_NB */, EDGE_LOCK_RELEASE = 8 /* LOCK_UN */ };

// CRC-32C (Castagnoli) by the processor's own instruction, where there is one. `state` is not inverted: the caller does.
#if defined(__x86_64__)
__attribute__((target("sse4.2")))
static inline uint32_t edge_crc32c(uint32_t state, const uint8_t *bytes, size_t count) {
    uint64_t wide = state;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    state = (uint32_t)wide;
    for (; count > 0; bytes++, count--) state = __builtin_ia32_crc32qi(state, *bytes);
    return state;
}
static inline int edge_has_crc32c(void) { return __builtin_cpu_supports("sse4.2") != 0; }
#else
static inline uint32_t edge_crc32c(uint32_t state, const uint8_t *bytes, size_t count) {
    (void)bytes, (void)count;
    return state;
}
static inline int edge_has_crc32c(void) { return 0; }
#endif
