/* Configuration bytes: substitution, tree, JSON text and the options table, none of which may
 * crash, hang or leak; what was printed as JSON must be read back by the same reader. */
#include <stdint.h>
#include <stdlib.h>

#include "config/config.h"
#include "config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NEL, LS and PS are ordinary characters in JSON and line breaks to libyaml. */
static bool has_line_breaks(struct qn_str s)
{
    return qn_str_find(s, QN_STR("\xc2\x85")) != SIZE_MAX ||
           qn_str_find(s, QN_STR("\xe2\x80\xa8")) != SIZE_MAX ||
           qn_str_find(s, QN_STR("\xe2\x80\xa9")) != SIZE_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const env[] = {"A=1", "B=[x, y]", "C=", NULL};
    if (size > 1 << 16)
        return 0;
    struct qn_err err = {0};
    struct qn_config cfg;
    qn_config_init(&cfg);
    struct qn_str text = qn_str_make(data, size);
    (void)!qn_config_load(&cfg, QN_STR("fuzz"), text, env, &err);
    qn_config_release(&cfg);

    struct qn_yaml_source src = {.name = QN_STR("fuzz"), .text = text};
    struct qn_buf out, again;
    qn_buf_init(&out, 64 << 20);
    qn_buf_init(&again, 64 << 20);
    err = (struct qn_err){0};
    if (qn_yaml_to_json(&src, &out, &err) == 0 && out.n <= QN_YAML_MAX_BYTES &&
        !has_line_breaks(qn_buf_str(&out))) {
        struct qn_yaml_source back = {.name = QN_STR("json"), .text = qn_buf_str(&out)};
        err = (struct qn_err){0};
        /* libyaml refuses keys longer than 1,024 characters; all else must come back the same. */
        if (qn_yaml_to_json(&back, &again, &err) == 0 &&
            !qn_str_eq(qn_buf_str(&out), qn_buf_str(&again)))
            abort();
    }
    qn_buf_release(&out);
    qn_buf_release(&again);
    return 0;
}
