/* Variables of the process's environment, for what other programs agree to find there: credentials
 * of object stores. Settings of our own come through the options. @thread any, as long as nobody
 * changes the environment, which nobody does */
#ifndef QN_OS_ENV_H
#define QN_OS_ENV_H

/* Borrows; NULL when it is not set. */
const char *qn_env_get(const char *name);

#endif
