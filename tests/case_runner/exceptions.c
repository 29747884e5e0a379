/* Where published vectors contradict the Gray Paper: their expectations are replaced by what
 * docs/spec-notes.md says.
 *
 * A line is a file stem and what is to be expected instead: "inst_load_u8_nok gas=9999".
 * "memory=any" drops the expectation about memory. Each line must be used, so that an outdated
 * one is noticed. */
#include "vector.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LINE 400

/* Replace one expectation in every assertion of the vector. @return 0, or -1 for an unknown key */
static int replace(vector_t *vector, const char *key, const char *value)
{
    for (size_t i = 0; i < vector->action_count; i++) {
        expectation_t *expect = &vector->actions[i].expect;
        if (vector->actions[i].kind != ACTION_EXPECT) {
            continue;
        }
        if (strcmp(key, "gas") == 0) {
            expect->gas = strtoll(value, NULL, 10);
        } else if (strcmp(key, "pc") == 0) {
            expect->pc = strtoll(value, NULL, 10);
        } else if (strcmp(key, "status") == 0) {
            expect->state = state_by_name(value, strlen(value));
        } else if (strcmp(key, "memory") == 0 && strcmp(value, "any") == 0) {
            expectation_clear_memory(expect);
        } else {
            return -1;
        }
    }
    return 0;
}

static vector_t *find(vector_list_t *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

static int apply_line(char *line, vector_list_t *list)
{
    char *rest = NULL;
    const char *name = strtok_r(line, " \t\n", &rest);

    if (name == NULL || name[0] == '#') {
        return 0;
    }
    vector_t *vector = find(list, name);
    if (vector == NULL) {
        return -1;
    }
    for (char *word = strtok_r(NULL, " \t\n", &rest); word != NULL;
         word = strtok_r(NULL, " \t\n", &rest)) {
        char *value = strchr(word, '=');
        if (value == NULL) {
            return -1;
        }
        *value = '\0';
        if (replace(vector, word, value + 1) != 0) {
            return -1;
        }
    }
    return 0;
}

int exceptions_apply(const char *path, vector_list_t *list)
{
    FILE *file = fopen(path, "r");
    char line[MAX_LINE];
    int result = 0;
    unsigned number = 0;

    if (file == NULL) {
        (void)fprintf(stderr, "%s: cannot be opened\n", path);
        return -1;
    }
    while (result == 0 && fgets(line, sizeof(line), file) != NULL) {
        number++;
        if (apply_line(line, list) != 0) {
            (void)fprintf(stderr, "%s:%u: no such vector, or an unknown key\n", path, number);
            result = -1;
        }
    }
    (void)fclose(file);
    return result;
}
