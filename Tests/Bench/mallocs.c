// Counts heap allocations of a process it is preloaded into (LD_PRELOAD), and writes the number when the process exits
// to the file that MALLOCS_FILE names. The work is handed to glibc under its internal names, so that there is nothing
// to look up: a look-up by dlsym allocates, and would have to be served before it has found what serves it.

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_ulong count;

static void counted(void) { atomic_fetch_add_explicit(&count, 1, memory_order_relaxed); }

void *malloc(size_t size) {
    counted();
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size) {
    counted();
    return __libc_calloc(members, size);
}

// Growing is paid for like a new allocation, in place or not.
void *realloc(void *old, size_t size) {
    counted();
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    counted();
    return __libc_memalign(alignment, size);
}

// posix_memalign reports by its result and leaves errno alone.
int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    counted();
    int before = errno;
    void *block = __libc_memalign(alignment, size);
    errno = before;
    if (block == NULL) return ENOMEM;
    *result = block;
    return 0;
}

__attribute__((destructor)) static void report(void) {
    unsigned long seen = atomic_load(&count); // before fopen, which allocates
    const char *path = getenv("MALLOCS_FILE");
    FILE *file = path == NULL ? NULL : fopen(path, "w");
    if (file == NULL) return;
    fprintf(file, "%lu\n", seen);
    fclose(file);
}
