/* The files of web/, embedded in the binary by embed.cmake. Immutable. @thread any */
#ifndef QN_UI_ASSETS_H
#define QN_UI_ASSETS_H

#include <stddef.h>

struct qn_asset {
    const char *path; /* "index.html", "src/start.js" */
    const char *type; /* media type */
    const char *etag; /* with quotes; from the content */
    const char *bytes;
    size_t n;
};

extern const struct qn_asset qn_assets[];
extern const size_t qn_assets_count;

#endif
