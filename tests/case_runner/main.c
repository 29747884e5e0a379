/* pvm-case-runner: test programs from .case and JSON files, on the backends, through the public
 * API.
 *
 * Exit code 0: all agree; 1: failures; 2: usage or a file that cannot be read; 77: the data is
 * not there. */
#include "vector.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_PATHS    4096
#define EXIT_SKIPPED 77

typedef struct {
    pvm_spec_t spec;
    pvm_spec_t spec_with_costs;
    bool backends[PVM_BACKEND_COUNT];
    const char *exceptions;
    const char *filter; /* substring of names to run */
    char *paths[MAX_PATHS];
    size_t path_count;
} options_t;

static int usage(void)
{
    (void)fprintf(
        stderr,
        "usage: pvm-case-runner [--backend interpreter|recompiler|all] [--spec S]\n"
        "       [--spec-with-costs S] [--exceptions FILE] [--filter TEXT] FILE|DIRECTORY...\n");
    return 2;
}

static bool has_suffix(const char *name, const char *suffix)
{
    const size_t len = strlen(name);
    const size_t suffix_len = strlen(suffix);

    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static int is_vector_file(const struct dirent *entry)
{
    return has_suffix(entry->d_name, ".json") || has_suffix(entry->d_name, ".case");
}

static void add_path(options_t *options, const char *directory, const char *name)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s%s%s", directory, directory[0] != '\0' ? "/" : "", name);
    if (options->path_count < MAX_PATHS) {
        options->paths[options->path_count++] = must_copy(path);
    }
}

/* A file, or the vector files of a directory, sorted. @return 0, or -1 if it is not there */
static int add_paths(options_t *options, const char *path)
{
    struct stat status;
    struct dirent **entries = NULL;

    if (stat(path, &status) != 0) {
        return -1;
    }
    if (!S_ISDIR(status.st_mode)) {
        add_path(options, "", path);
        return 0;
    }
    const int count = scandir(path, &entries, is_vector_file, alphasort);
    for (int i = 0; i < count; i++) {
        add_path(options, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return count > 0 ? 0 : -1;
}

/* @return 0, or the exit code */
static int parse_option(options_t *options, const char *name, const char *value)
{
    if (strcmp(name, "--backend") == 0) {
        options->backends[PVM_BACKEND_INTERPRETER] = strcmp(value, "recompiler") != 0;
        options->backends[PVM_BACKEND_RECOMPILER] = strcmp(value, "interpreter") != 0;
        return strcmp(value, "interpreter") == 0 || strcmp(value, "recompiler") == 0 ||
                       strcmp(value, "all") == 0
                   ? 0
                   : usage();
    }
    if (strcmp(name, "--spec") == 0 || strcmp(name, "--spec-with-costs") == 0) {
        const pvm_spec_t spec = spec_by_name(value, strlen(value));
        *(name[6] == '\0' ? &options->spec : &options->spec_with_costs) = spec;
        return spec == PVM_SPEC_DEFAULT ? usage() : 0;
    }
    if (strcmp(name, "--exceptions") == 0) {
        options->exceptions = value;
        return 0;
    }
    if (strcmp(name, "--filter") == 0) {
        options->filter = value;
        return 0;
    }
    return usage();
}

static int parse_arguments(int argc, char **argv, options_t *options)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            const int code = i + 1 < argc ? parse_option(options, argv[i], argv[i + 1]) : usage();
            if (code != 0) {
                return code;
            }
            i++;
        } else if (add_paths(options, argv[i]) != 0) {
            (void)printf("SKIPPED: no vectors at %s; set PVM_VECTORS to their directory\n",
                         argv[i]);
            return EXIT_SKIPPED;
        }
    }
    return options->path_count == 0 ? usage() : 0;
}

static int load_all(const options_t *options, vector_list_t *list)
{
    for (size_t i = 0; i < options->path_count; i++) {
        const char *path = options->paths[i];
        const int result =
            has_suffix(path, ".case")
                ? case_file_load(path, list)
                : json_vectors_load(path, options->spec, options->spec_with_costs, list);
        if (result != 0) {
            return 2;
        }
    }
    return options->exceptions != NULL && exceptions_apply(options->exceptions, list) != 0 ? 2 : 0;
}

/* A backend that this build or machine lacks is said, not passed over. */
static bool is_available(pvm_backend_t backend)
{
    static const uint8_t trap[] = {0, 0, 1, 0, 1};
    pvm_program_t *program = pvm_program_load(trap, sizeof(trap), PVM_FORMAT_RAW, PVM_SPEC_0_8_0);
    pvm_vm_t *vm = program == NULL ? NULL : pvm_instantiate(program, backend, 0, 0);
    const bool available = vm != NULL;

    if (!available) {
        (void)printf("not run on the %s: %s\n",
                     backend == PVM_BACKEND_RECOMPILER ? "recompiler" : "interpreter",
                     pvm_last_error());
    }
    pvm_destroy(vm);
    pvm_program_release(program);
    return available;
}

static unsigned run_all(options_t *options, const vector_list_t *list)
{
    tally_t tally = {0};

    for (int backend = PVM_BACKEND_INTERPRETER; backend < PVM_BACKEND_COUNT; backend++) {
        options->backends[backend] =
            options->backends[backend] && is_available((pvm_backend_t)backend);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (options->filter == NULL || strstr(list->items[i].name, options->filter) != NULL) {
            vector_run(&list->items[i], options->backends, &tally);
        }
    }
    (void)printf("%zu programs, %u runs, %u failures\n", list->count, tally.runs, tally.failures);
    /* Nothing run is no success. */
    return tally.runs == 0 ? 1 : tally.failures;
}

int main(int argc, char **argv)
{
    options_t *options = must_alloc(sizeof(*options));
    vector_list_t list = {0};

    options->spec = PVM_SPEC_0_8_0;
    options->backends[PVM_BACKEND_INTERPRETER] = true;
    options->backends[PVM_BACKEND_RECOMPILER] = true;
    int code = parse_arguments(argc, argv, options);
    if (options->spec_with_costs == PVM_SPEC_DEFAULT) {
        options->spec_with_costs = options->spec;
    }
    if (code == 0) {
        code = load_all(options, &list);
    }
    if (code == 0) {
        code = run_all(options, &list) > 0 ? 1 : 0;
    }
    vector_list_free(&list);
    for (size_t i = 0; i < options->path_count; i++) {
        free(options->paths[i]);
    }
    free(options);
    return code;
}
