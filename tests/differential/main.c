/* pvm-differential: random programs in every way the engine can run them, compared.
 *
 * Exit code 0: all agree; 1: a difference, a crash or too little coverage; 2: usage. See README.md. */
#include "coverage.h"
#include "generate.h"
#include "report.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64
/** Failures that are looked into; the rest are only counted. */
#define REPORTS_MAX 5

typedef struct {
    uint64_t programs;
    uint64_t first; /* number of the first program */
    uint64_t seed;
    uint64_t seconds; /* 0: no limit */
    uint64_t jobs;
    uint64_t least; /* executions of each opcode; 0: not judged */
    bool quiet;
    bool show; /* print programs instead of running them */
    bool minimize;
} options_t;

/* What a worker tells its parent, in shared memory. */
typedef struct {
    diff_coverage_t coverage;
    uint64_t index; /* program that is running */
    volatile uint32_t variant;
    uint64_t failures;
    uint64_t failed[REPORTS_MAX];
    bool is_done;
} worker_t;

static int usage(void)
{
    (void)fprintf(stderr,
                  "usage: pvm-differential [--programs N] [--seed S] [--first N] [--time SECONDS] "
                  "[--jobs N]\n"
                  "       [--least-executed N] [--quiet] [--whole] [--show]\n"
                  "       pvm-differential FILE|DIRECTORY...    run programs that once failed\n");
    return 2;
}

static void random_program(diff_generator_t *generator, const options_t *options, uint64_t index,
                           diff_program_t *out)
{
    diff_source_t source = diff_source_make(options->seed, index);

    diff_generate(generator, &source, out);
}

/* -- Workers ------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note_failure(worker_t *worker, uint64_t index)
{
    if (worker->failures < REPORTS_MAX) {
        worker->failed[worker->failures] = index;
    }
    worker->failures++;
}

/* Programs worker->index, worker->index + jobs, ...; in a process of its own. */
static int work(worker_t *worker, const options_t *options, int64_t end_ms)
{
    diff_generator_t *const generator = diff_generator_create();
    diff_program_t *const program = malloc(sizeof(*program));
    diff_session_t session;
    const uint64_t end = options->first + options->programs;

    if (generator == NULL || program == NULL || diff_session_begin(&session) != 0) {
        return 2;
    }
    session.shared_at = &worker->variant;
    for (; worker->index < end; worker->index += options->jobs) {
        if (end_ms != 0 && now_ms() >= end_ms) {
            break;
        }
        /* An endless run is a failure, too. */
        (void)alarm(60);
        random_program(generator, options, worker->index, program);
        session.number = worker->index;
        if (diff_check(&session, program) >= 0) {
            note_failure(worker, worker->index);
        }
        diff_coverage_add(&worker->coverage, program, &session);
    }
    worker->is_done = true;
    diff_session_end(&session);
    diff_generator_destroy(generator);
    free(program);
    return 0;
}

static pid_t start(worker_t *worker, const options_t *options, int64_t end_ms)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        _exit(work(worker, options, end_ms));
    }
    return child;
}

/* Run all; a worker that crashes is started again behind the program that it crashed on. */
static int run_workers(worker_t *workers, const options_t *options)
{
    const int64_t end_ms = options->seconds == 0 ? 0 : now_ms() + (int64_t)options->seconds * 1000;
    pid_t children[JOBS_MAX];
    uint64_t running = 0;

    for (uint64_t i = 0; i < options->jobs; i++) {
        workers[i].index = options->first + i;
        children[i] = start(&workers[i], options, end_ms);
        running += children[i] > 0;
    }
    while (running > 0) {
        int status = 0;
        const pid_t child = wait(&status);
        if (child < 0) {
            return -1;
        }
        for (uint64_t i = 0; i < options->jobs; i++) {
            if (children[i] != child) {
                continue;
            }
            running--;
            if (!workers[i].is_done && WIFSIGNALED(status)) {
                note_failure(&workers[i], workers[i].index);
                workers[i].index += options->jobs;
                children[i] = start(&workers[i], options, end_ms);
                running += children[i] > 0;
            } else if (!workers[i].is_done) {
                (void)fprintf(stderr, "a worker could not start\n");
                return -1;
            }
        }
    }
    return 0;
}

/* -- Results ------------------------------------------------------------------------------- */

static void report_failure(const options_t *options, uint64_t index)
{
    diff_generator_t *const generator = diff_generator_create();
    diff_program_t *const program = malloc(sizeof(*program));

    if (generator != NULL && program != NULL) {
        random_program(generator, options, index, program);
        const diff_outcome_t outcome = diff_try(program);
        (void)printf("\n# FAILED: --seed %" PRIu64 " --first %" PRIu64 " --programs 1\n",
                     options->seed, index);
        if (outcome.verdict == DIFF_VERDICT_SAME) {
            (void)printf("# alone it does not fail; what ran before it matters\n");
        } else {
            if (options->minimize) {
                diff_minimize(program, outcome);
            }
            diff_report(program, outcome);
        }
    }
    diff_generator_destroy(generator);
    free(program);
}

static void print_variants(void)
{
    diff_session_t session;

    if (diff_session_begin(&session) != 0) {
        return;
    }
    (void)printf("compared with \"%s\":\n", diff_variants[0].name);
    for (uint32_t i = 1; diff_variants[i].name != NULL; i++) {
        (void)printf("  %s%s\n", diff_variants[i].name,
                     session.available[i] ? "" : " (NOT AVAILABLE HERE)");
    }
    diff_session_end(&session);
}

static int run_random(const options_t *options)
{
    const size_t bytes = options->jobs * sizeof(worker_t);
    worker_t *const workers =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    diff_coverage_t *const sum = calloc(1, sizeof(*sum));
    const int64_t begin_ms = now_ms();
    uint64_t failures = 0;
    unsigned complaints = 0;

    if (workers == MAP_FAILED || sum == NULL || run_workers(workers, options) != 0) {
        return 2;
    }
    const int64_t ms = now_ms() - begin_ms;
    for (uint64_t i = 0; i < options->jobs; i++) {
        diff_coverage_merge(sum, &workers[i].coverage);
        failures += workers[i].failures;
    }
    if (!options->quiet) {
        diff_coverage_print(sum);
    }
    if (options->least > 0) {
        complaints = diff_coverage_judge(sum, options->least);
    }
    print_variants();
    for (uint64_t i = 0; i < options->jobs; i++) {
        for (uint64_t k = 0; k < workers[i].failures && k < REPORTS_MAX; k++) {
            report_failure(options, workers[i].failed[k]);
        }
    }
    (void)printf("%" PRIu64 " programs, seed %" PRIu64 ", %" PRIu64
                 " failures, %u gaps in coverage, "
                 "%.1f s\n",
                 sum->programs, options->seed, failures, complaints, (double)ms / 1000);
    const bool is_empty = sum->programs == 0;
    free(sum);
    (void)munmap(workers, bytes);
    return failures > 0 || complaints > 0 || is_empty ? 1 : 0;
}

static int show_random(const options_t *options)
{
    diff_generator_t *const generator = diff_generator_create();
    diff_program_t *const program = malloc(sizeof(*program));

    if (generator == NULL || program == NULL) {
        return 2;
    }
    for (uint64_t i = 0; i < options->programs; i++) {
        random_program(generator, options, options->first + i, program);
        diff_program_write(program, stdout);
    }
    diff_generator_destroy(generator);
    free(program);
    return 0;
}

/* -- Programs from files ------------------------------------------------------------------- */

static int run_file(const char *path, unsigned *count)
{
    diff_program_t *const program = malloc(sizeof(*program));
    int status = 1;

    if (program != NULL && diff_program_read(path, program) == 0) {
        const diff_outcome_t outcome = diff_try(program);
        (void)printf("%s: %s\n", path, outcome.verdict == DIFF_VERDICT_SAME ? "ok" : "FAILED");
        if (outcome.verdict != DIFF_VERDICT_SAME) {
            diff_report(program, outcome);
        }
        status = outcome.verdict == DIFF_VERDICT_SAME ? 0 : 1;
        (*count)++;
    }
    free(program);
    return status;
}

static int is_program(const struct dirent *entry)
{
    const size_t len = strlen(entry->d_name);

    return len > 5 && strcmp(entry->d_name + len - 5, ".diff") == 0;
}

static int run_folder(const char *path, unsigned *out_count)
{
    struct dirent **entries = NULL;
    const int count = scandir(path, &entries, is_program, alphasort);
    int status = count < 0 ? 1 : 0;

    for (int i = 0; i < count; i++) {
        char *file = NULL;
        if (asprintf(&file, "%s/%s", path, entries[i]->d_name) > 0) {
            status |= run_file(file, out_count);
            free(file);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int run_files(int count, char **paths)
{
    unsigned programs = 0;
    int status = 0;

    for (int i = 0; i < count; i++) {
        struct stat info;
        if (stat(paths[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            status |= run_folder(paths[i], &programs);
        } else {
            status |= run_file(paths[i], &programs);
        }
    }
    (void)printf("%u programs\n", programs);
    return programs == 0 ? 1 : status;
}

/* -- Command line -------------------------------------------------------------------------- */

static bool parse_flag(options_t *options, const char *name)
{
    const struct {
        const char *name;
        bool *flag;
        bool value;
    } flags[] = {{"--quiet", &options->quiet, true},
                 {"--show", &options->show, true},
                 {"--whole", &options->minimize, false}};

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = flags[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_number(options_t *options, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint64_t *number;
    } numbers[] = {{"--programs", &options->programs}, {"--seed", &options->seed},
                   {"--first", &options->first},       {"--time", &options->seconds},
                   {"--jobs", &options->jobs},         {"--least-executed", &options->least}};

    for (size_t i = 0; value != NULL && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            char *end = NULL;
            *numbers[i].number = strtoull(value, &end, 0);
            return *value != '\0' && *end == '\0';
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    options_t options = {
        .programs = 10000, .seed = 1, .jobs = cores < 1 ? 1 : (uint64_t)cores, .minimize = true};

    if (argc > 1 && argv[1][0] != '-') {
        return run_files(argc - 1, argv + 1);
    }
    for (int i = 1; i < argc; i++) {
        if (parse_flag(&options, argv[i])) {
            continue;
        }
        if (!parse_number(&options, argv[i], argv[i + 1])) {
            return usage();
        }
        i++;
    }
    options.jobs = options.jobs < 1 ? 1 : options.jobs > JOBS_MAX ? JOBS_MAX : options.jobs;
    return options.show ? show_random(&options) : run_random(&options);
}
