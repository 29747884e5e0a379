/* pvmscope hostcalls: the conversation of guest and host in a run file, or the first difference of two. */
#include "viewer/command.h"
#include "viewer/new_run.h"
#include "viewer/render.h"

#include "profiler/conversation.h"
#include "profiler/report.h"

static pvm_view_status_t print_table(pvm_view_t *view, const char *key, pvm_prof_table_t *table)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT));
    const int rendered = pvm_view_render_table(&render, key, table);

    pvm_prof_table_destroy(table);
    return rendered == 0 ? PVM_VIEW_FINE
                         : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for host calls");
}

static pvm_view_status_t show(pvm_view_t *view, pvm_prof_run_file_t *file)
{
    const uint64_t top = pvm_view_number(view, PVM_OPTION_LIMIT);
    const uint64_t service = pvm_view_number(view, PVM_OPTION_SERVICE);
    const uint64_t vm = pvm_view_number(view, PVM_OPTION_VM);
    const pvm_conversation_options_t options = {
        .size = sizeof(options),
        .form = pvm_view_has(view, PVM_OPTION_FOLD)      ? PVM_CONVERSATION_FOLDED
                : pvm_view_has(view, PVM_OPTION_LATENCY) ? PVM_CONVERSATION_LATENCY
                                                         : PVM_CONVERSATION_LIST,
        .is_narrow = pvm_view_number(view, PVM_OPTION_FORMAT) == PVM_CHOICE_FORMAT_TEXT,
        .is_tree = pvm_view_has(view, PVM_OPTION_TREE),
        .has_service = pvm_view_has(view, PVM_OPTION_SERVICE),
        .service = (uint32_t)service,
        .has_vm = pvm_view_has(view, PVM_OPTION_VM),
        .vm = (int64_t)vm,
        .call = pvm_view_text(view, PVM_OPTION_CALL),
        .result = pvm_view_text(view, PVM_OPTION_RESULT),
        .top = top > PVM_PROF_MAX_ROWS ? PVM_PROF_MAX_ROWS : (uint32_t)top,
    };
    pvm_prof_table_t *table = NULL;

    if (service > UINT32_MAX || vm > INT64_MAX) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "hostcalls: no service or machine has that number");
    }
    if (pvm_view_has(view, PVM_OPTION_FOLD) && pvm_view_has(view, PVM_OPTION_LATENCY)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "hostcalls: give --fold or --latency, not both");
    }
    const pvm_prof_status_t status = pvm_prof_conversation(file, &options, &table);
    if (status == PVM_PROF_E_ARGUMENT) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "hostcalls: %s", pvm_last_error());
    }
    return status == PVM_PROF_OK ? print_table(view, "host_calls", table)
                                 : pvm_view_fail_profiler(view, status);
}

static pvm_view_status_t compare(pvm_view_t *view, pvm_prof_run_file_t *file)
{
    pvm_prof_run_file_t *other = NULL;
    pvm_prof_table_t *table = NULL;
    bool is_same = false;
    pvm_view_status_t result = pvm_view_open_run(view, view->operands[1], &other);

    if (result == PVM_VIEW_FINE) {
        const pvm_prof_status_t status =
            pvm_prof_conversation_compare(file, other, &is_same, &table);

        result = status == PVM_PROF_OK ? print_table(view, "differences", table)
                                       : pvm_view_fail_profiler(view, status);
    }
    pvm_prof_run_file_close(other);
    return result == PVM_VIEW_FINE && !is_same ? PVM_VIEW_NO : result;
}

pvm_view_status_t pvm_command_hostcalls(pvm_view_t *view)
{
    pvm_prof_run_file_t *file = NULL;
    pvm_view_status_t status = pvm_view_open_run(view, view->operands[0], &file);

    if (status == PVM_VIEW_FINE) {
        status = view->operand_count == 2 ? compare(view, file) : show(view, file);
    }
    pvm_prof_run_file_close(file);
    return status;
}
