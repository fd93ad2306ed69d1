/* What a binary was built from. Values that are not known are "unknown" or "". */
#ifndef QN_API_BUILD_H
#define QN_API_BUILD_H

struct qn_build {
    const char *version;      /* "0.1.0" */
    const char *commit;       /* 40 hex digits */
    const char *commit_short; /* 8 */
    const char *commit_tags;  /* "v0.1.0", "" */
    const char *date;         /* of the commit, RFC 3339 in UTC: builds are reproducible */
    const char *target;       /* "x86_64-linux" */
    const char *profile;      /* "release" */
};

#endif
