/* The HTML report: one file with everything in it. The page, its style and its scripts are the files of viewer/html,
 * embedded at build time; the data stands in the page as JSON, in which < is always escaped, so that no name of a
 * program can end the element that holds it. What the data means is told in docs/exports.md. */
#include "viewer/export/html.h"

#include "viewer/html_assets.h"

#include <inttypes.h>
#include <stdlib.h>

/** Largest whole number that is exact in a browser. */
#define BROWSER_MAX (INT64_C(1) << 53)

void pvm_html_int(pvm_view_export_t *export, int64_t number)
{
    const bool is_exact = number >= -BROWSER_MAX && number <= BROWSER_MAX;

    pvm_export_put(export, is_exact ? "%" PRId64 : "\"%" PRId64 "\"", number);
}

void pvm_html_int_or_null(pvm_view_export_t *export, bool is_null, int64_t number)
{
    if (is_null) {
        pvm_export_put(export, "null");
    } else {
        pvm_html_int(export, number);
    }
}

static pvm_view_status_t put_run(pvm_view_export_t *export, pvm_prof_run_file_t *file)
{
    pvm_view_status_t status;

    pvm_export_put(export, "{\"path\":");
    pvm_export_json_text(export, pvm_prof_run_file_path(file));
    pvm_export_put(export, ",\n\"tables\":");
    status = pvm_html_tables(export, file);
    if (status == PVM_VIEW_FINE) {
        pvm_export_put(export, ",\n");
        status = pvm_html_stacks(export, file);
    }
    if (status == PVM_VIEW_FINE) {
        pvm_export_put(export, ",\n\"blocks\":");
        status = pvm_html_blocks(export, file);
    }
    if (status == PVM_VIEW_FINE) {
        pvm_export_put(export, ",\n\"calls\":");
        status = pvm_html_calls(export, file);
    }
    pvm_export_put(export, "}");
    return status;
}

static pvm_view_status_t put_data(pvm_view_export_t *export)
{
    pvm_view_status_t status;

    pvm_export_put(export, "{\"version\":\"%s\",\"runs\":[", pvm_version());
    status = put_run(export, export->file);
    if (status == PVM_VIEW_FINE && export->other != NULL) {
        pvm_export_put(export, ",\n");
        status = put_run(export, export->other);
    }
    pvm_export_put(export, "]}");
    return status;
}

/* JSON as a script element can hold it: < occurs only inside of strings. */
static void put_escaped(FILE *out, const char *json, size_t len)
{
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        if (json[i] == '<') {
            (void)fwrite(json + from, 1, i - from, out);
            (void)fputs("\\u003c", out);
            from = i + 1;
        }
    }
    (void)fwrite(json + from, 1, len - from, out);
}

static void put_page(FILE *out, const char *json, size_t len)
{
    (void)fputs(pvm_asset_head, out);
    (void)fputs("<style>\n", out);
    (void)fputs(pvm_asset_style, out);
    (void)fputs("</style>\n", out);
    (void)fputs(pvm_asset_body, out);
    (void)fputs("<script type=\"application/json\" id=\"data\">", out);
    put_escaped(out, json, len);
    (void)fputs("</script>\n<script>\n\"use strict\";\n", out);
    for (size_t i = 0; i < sizeof(pvm_asset_scripts) / sizeof(pvm_asset_scripts[0]); i++) {
        (void)fputs(pvm_asset_scripts[i], out);
    }
    (void)fputs("</script>\n</body>\n</html>\n", out);
}

pvm_view_status_t pvm_export_html(pvm_view_export_t *export)
{
    FILE *const out = export->out;
    char *json = NULL;
    size_t len = 0;
    FILE *const memory = open_memstream(&json, &len);

    if (memory == NULL) {
        return pvm_export_fail_memory(export);
    }
    export->out = memory;
    export->render.out = memory;
    pvm_view_status_t status = put_data(export);
    const bool failed = ferror(memory) != 0;
    const bool is_closed = fclose(memory) == 0;

    export->out = out;
    export->render.out = out;
    if (status == PVM_VIEW_FINE && (failed || !is_closed)) {
        status = pvm_export_fail_memory(export);
    }
    if (status == PVM_VIEW_FINE) {
        put_page(out, json, len);
    }
    free(json);
    return status;
}
