/* Run files of the command line, one or many. See run_set.h. */
#include "viewer/run_set.h"

#include "viewer/new_run.h"
#include "viewer/run_guard.h"

#include "profiler/merge.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static pvm_view_status_t no_memory(pvm_view_t *view)
{
    return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for a list of run files");
}

static int add_path(pvm_run_set_t *set, char *path)
{
    if (path != NULL && set->count == set->room) {
        const size_t room = set->room == 0 ? 16 : 2 * set->room;
        char **const grown = realloc(set->paths, room * sizeof(*grown));

        if (grown == NULL) {
            free(path);
            return -1;
        }
        set->paths = grown;
        set->room = room;
    }
    if (path == NULL) {
        return -1;
    }
    set->paths[set->count++] = path;
    return 0;
}

static int is_run_name(const struct dirent *entry)
{
    const size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 3 && strcmp(entry->d_name + len - 3, ".db") == 0;
}

static pvm_view_status_t add_folder(pvm_view_t *view, pvm_run_set_t *set, const char *folder)
{
    struct dirent **names = NULL;
    const int count = scandir(folder, &names, is_run_name, versionsort);
    const size_t len = strlen(folder);
    int failed = 0;

    if (count < 0) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: cannot read it: %s", folder,
                             strerror(errno));
    }
    set->has_folder = true;
    for (int i = 0; i < count; i++) {
        char *path = NULL;

        if (failed == 0 &&
            asprintf(&path, "%s%s%s", folder, len > 0 && folder[len - 1] == '/' ? "" : "/",
                     names[i]->d_name) < 0) {
            path = NULL;
        }
        failed |= failed == 0 ? add_path(set, path) : 0;
        free(names[i]);
    }
    free(names);
    if (count == 0) {
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: no run file in it; give a folder with *.db",
                             folder);
    }
    return failed == 0 ? PVM_VIEW_FINE : no_memory(view);
}

/* -- No file twice ------------------------------------------------------------------------- */

typedef struct {
    dev_t device;
    ino_t inode;
    size_t place;
} identity_t;

static int by_identity(const void *left, const void *right)
{
    const identity_t *const a = left;
    const identity_t *const b = right;

    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    if (a->inode != b->inode) {
        return a->inode < b->inode ? -1 : 1;
    }
    return a->place < b->place ? -1 : a->place > b->place;
}

static pvm_view_status_t refuse_doubles(pvm_view_t *view, const pvm_run_set_t *set)
{
    identity_t *const all = calloc(set->count + 1, sizeof(*all));
    pvm_view_status_t status = PVM_VIEW_FINE;
    size_t count = 0;

    if (all == NULL) {
        return no_memory(view);
    }
    for (size_t i = 0; i < set->count; i++) {
        struct stat info;

        if (stat(set->paths[i], &info) == 0) {
            all[count++] = (identity_t){info.st_dev, info.st_ino, i};
        }
    }
    qsort(all, count, sizeof(*all), by_identity);
    for (size_t i = 1; i < count && status == PVM_VIEW_FINE; i++) {
        if (all[i].device == all[i - 1].device && all[i].inode == all[i - 1].inode) {
            status = pvm_view_fail(view, PVM_VIEW_USAGE,
                                   "%s: is %s, and would count twice; give each run once",
                                   set->paths[all[i].place], set->paths[all[i - 1].place]);
        }
    }
    free(all);
    return status;
}

pvm_view_status_t pvm_view_run_set(pvm_view_t *view, const char **operands, size_t count,
                                   pvm_run_set_t *out)
{
    pvm_view_status_t status = PVM_VIEW_FINE;

    *out = (pvm_run_set_t){0};
    for (size_t i = 0; i < count && status == PVM_VIEW_FINE; i++) {
        struct stat info;

        if (stat(operands[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            status = add_folder(view, out, operands[i]);
        } else if (add_path(out, strdup(operands[i])) != 0) {
            status = no_memory(view);
        }
    }
    return status == PVM_VIEW_FINE && out->count > 1 ? refuse_doubles(view, out) : status;
}

void pvm_view_run_set_free(pvm_run_set_t *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->paths[i]);
    }
    free(set->paths);
    *set = (pvm_run_set_t){0};
}

/* -- Adding up ------------------------------------------------------------------------------- */

/** One line on a terminal, for what takes longer than a second. */
static void show_progress(size_t done, size_t count, time_t began)
{
    if (isatty(STDERR_FILENO) == 1 && time(NULL) - began >= 1) {
        (void)fprintf(stderr, "\r\033[K%zu of %zu recordings", done, count);
        (void)fflush(stderr);
    }
}

static void end_progress(time_t began)
{
    if (isatty(STDERR_FILENO) == 1 && time(NULL) - began >= 1) {
        (void)fputs("\r\033[K", stderr);
    }
}

static void leave_out(pvm_view_t *view, pvm_run_set_t *set)
{
    if (set->left_out++ == 0) {
        (void)snprintf(set->first, sizeof(set->first), "%s", view->error);
    }
    view->error[0] = '\0';
}

/** @return FINE also if it was left out */
static pvm_view_status_t merge_one(pvm_view_t *view, pvm_run_set_t *set, pvm_prof_merge_t *merge,
                                   const char *path)
{
    pvm_prof_run_file_t *file = NULL;
    pvm_view_status_t status = pvm_view_open_run(view, path, &file);

    if (status == PVM_VIEW_INPUT && set->has_folder) {
        leave_out(view, set);
        return PVM_VIEW_FINE;
    }
    if (status == PVM_VIEW_FINE) {
        const pvm_prof_status_t merged = pvm_prof_merge_add(merge, file);

        status = merged == PVM_PROF_OK ? PVM_VIEW_FINE : pvm_view_fail_profiler(view, merged);
    }
    pvm_prof_run_file_close(file);
    return status;
}

pvm_view_status_t pvm_view_run_set_merge(pvm_view_t *view, pvm_run_set_t *set,
                                         pvm_prof_run_file_t *out, bool sums_only)
{
    const pvm_prof_merge_options_t options = {
        .size = sizeof(options), .sums_only = sums_only, .is_stopped = pvm_view_guard_is_stopped};
    const time_t began = time(NULL);
    pvm_prof_merge_t *merge = NULL;
    pvm_prof_status_t merged = pvm_prof_merge_create(out, &options, &merge);
    pvm_view_status_t status =
        merged == PVM_PROF_OK ? PVM_VIEW_FINE : pvm_view_fail_profiler(view, merged);

    for (size_t i = 0; i < set->count && status == PVM_VIEW_FINE; i++) {
        show_progress(i, set->count, began);
        status = merge_one(view, set, merge, set->paths[i]);
    }
    end_progress(began);
    if (status == PVM_VIEW_FINE && set->left_out == set->count) {
        status = pvm_view_fail(view, PVM_VIEW_INPUT, "%s", set->first);
    }
    if (status == PVM_VIEW_FINE && (merged = pvm_prof_merge_finish(merge)) != PVM_PROF_OK) {
        status = pvm_view_fail_profiler(view, merged);
    }
    pvm_prof_merge_destroy(merge);
    return status;
}

pvm_view_status_t pvm_view_run_set_open(pvm_view_t *view, pvm_run_set_t *set,
                                        pvm_prof_run_file_t **out_file)
{
    *out_file = NULL;
    if (set->count == 1 && !set->has_folder) {
        return pvm_view_open_run(view, set->paths[0], out_file);
    }
    const pvm_prof_status_t made = pvm_prof_run_file_create_memory("all recordings", out_file);
    if (made != PVM_PROF_OK) {
        return pvm_view_fail_profiler(view, made);
    }
    pvm_view_guard_begin();
    const pvm_view_status_t status = pvm_view_run_set_merge(view, set, *out_file, true);
    pvm_view_guard_end();
    return status;
}

int pvm_view_run_set_note(const pvm_run_set_t *set, pvm_prof_table_t *table)
{
    return set->left_out == 0 ? 0
                              : pvm_prof_table_add_note(table, "Files left out: %zu. First: %s",
                                                        set->left_out, set->first);
}
