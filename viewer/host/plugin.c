/* Hosts that are shared objects: pvm/host.h. */
#include "viewer/host/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <pvm/host.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    void *object; /**< of dlopen() */
    const pvm_host_plugin_t *plugin;
    void *host; /**< the plugin's own */
} plugin_t;

static int write_state(void *state, FILE *out)
{
    const plugin_t *const self = state;
    const char *const text = self->plugin->describe(self->host);

    if (text == NULL) {
        return -1;
    }
    (void)fputs(text, out);
    return 0;
}

static void watch(void *state, void (*on_vm)(void *user_data, pvm_vm_t *vm), void *user_data)
{
    const plugin_t *const self = state;

    self->plugin->watch(self->host, on_vm, user_data);
}

static void destroy(void *state)
{
    plugin_t *const self = state;

    if (self->host != NULL && self->plugin->close != NULL) {
        self->plugin->close(self->host);
    }
    if (self->object != NULL) {
        (void)dlclose(self->object);
    }
    free(self);
}

/* The callback of pvm.h gets the plugin's own data, as if it had set it itself. */
static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    const plugin_t *const self = user_data;

    return self->plugin->answer(vm, func_id, self->host);
}

static pvm_view_status_t load(pvm_view_t *view, plugin_t *self, const char *path)
{
    /* A function through a data pointer is POSIX's promise, not C's. */
    const pvm_host_plugin_t *(*get)(void) = NULL;

    self->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (self->object == NULL) {
        return pvm_view_fail(view, PVM_VIEW_INPUT, "--host: %s", dlerror());
    }
    *(void **)&get = dlsym(self->object, "pvm_host_plugin");
    if (get == NULL) {
        return pvm_view_fail(view, PVM_VIEW_INPUT,
                             "%s: is no host plugin: it exports no pvm_host_plugin", path);
    }
    self->plugin = get();
    if (self->plugin == NULL || self->plugin->version != PVM_HOST_PLUGIN_VERSION ||
        self->plugin->size < sizeof(*self->plugin) || self->plugin->open == NULL ||
        self->plugin->answer == NULL) {
        return pvm_view_fail(view, PVM_VIEW_INPUT,
                             "%s: is no plugin of version %d with open and answer; build it with "
                             "this pvm/host.h",
                             path, PVM_HOST_PLUGIN_VERSION);
    }
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_host_open_plugin(pvm_view_t *view, pvm_vm_t *vm, uint32_t entry,
                                       pvm_host_t *out)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_HOST);
    plugin_t *const self = calloc(1, sizeof(*self));
    const char *error = NULL;

    if (self == NULL) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: no memory for it", path);
    }
    out->state = self;
    out->destroy = destroy;
    pvm_view_status_t status = load(view, self, path);
    if (status == PVM_VIEW_FINE) {
        self->host = self->plugin->open(vm, entry, pvm_view_text(view, PVM_OPTION_STATE), &error);
        if (self->host == NULL) {
            status = pvm_view_fail(view, PVM_VIEW_INPUT, "%s: %s", path,
                                   error != NULL ? error : "cannot begin, and does not say why");
        }
    }
    if (status != PVM_VIEW_FINE) {
        pvm_host_close(out);
        return status;
    }
    out->answer = answer;
    out->write = self->plugin->describe != NULL ? write_state : NULL;
    out->watch = self->plugin->watch != NULL ? watch : NULL;
    return PVM_VIEW_FINE;
}
