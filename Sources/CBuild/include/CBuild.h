// What only the build knows. In C, because a definition that differs from commit to commit would build every Swift
// file again; this way it is one small file and the link.
#pragma once

const char *edged_commit(void);
