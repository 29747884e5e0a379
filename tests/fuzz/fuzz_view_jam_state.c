/* Fuzz target: state files of --host jam. What is accepted must be written and read again as the same. */
#include "viewer/host/jam_state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pvm_view_t view;
    json_object *state = NULL;
    json_object *again = NULL;

    if (pvm_jam_state_parse(&view, "state", (const char *)data, size, &state) != PVM_VIEW_FINE) {
        return 0;
    }
    const char *const text = json_object_to_json_string(state);
    if (text != NULL &&
        (pvm_jam_state_parse(&view, "again", text, strlen(text), &again) != PVM_VIEW_FINE ||
         !json_object_equal(state, again))) {
        abort();
    }
    json_object_put(state);
    json_object_put(again);
    return 0;
}
