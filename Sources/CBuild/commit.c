#include "CBuild.h"

const char *edged_commit(void) { return EDGED_COMMIT; }
