/* Host plugins of pvmscope: `pvmscope run PROGRAM --host ./NAME.so`.
 *
 * A plugin is a shared object that exports pvm_host_plugin(). It answers host calls as a callback of pvm.h does, and
 * calls pvm_* functions, which pvmscope has: link it with nothing. Nothing here is called by libpvm itself.
 * docs/host-plugin.md has an example. Thread: all calls come from the thread that runs the machine.
 */
#ifndef PVM_HOST_H
#define PVM_HOST_H

#include <pvm/pvm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of this interface: pvmscope refuses plugins of another one. */
#define PVM_HOST_PLUGIN_VERSION 1

/** Tells pvmscope of an inner machine, so that it is profiled as a frame of its parent. */
typedef void pvm_host_on_vm_t(void *user_data, pvm_vm_t *vm);

/** What a plugin is. Members that may be NULL say so. */
typedef struct {
    uint32_t version; /**< PVM_HOST_PLUGIN_VERSION */
    uint32_t size;    /**< sizeof(pvm_host_plugin_t) */
    /** Begin: `vm` is ready to run from `entry`.
     *  @param state_path  of --state; NULL if it is not given
     *  @param out_error   a text, valid until close() or the next open(), if it cannot begin
     *  @return what the other functions get, or NULL with *out_error set */
    void *(*open)(pvm_vm_t *vm, uint32_t entry, const char *state_path, const char **out_error);
    /** Answer one host call; `user_data` is what open() returned. */
    pvm_host_callback_t answer;
    /** The run has ended: give the state as text for --write-state, owned by the plugin until close().
     *  NULL: there is no state. @return NULL if it failed */
    const char *(*describe)(void *host);
    /** Tell `on_vm` of each machine that open() or answer() makes from now on, before it first runs, and let it
     *  live no longer than close(). NULL: it makes none. */
    void (*watch)(void *host, pvm_host_on_vm_t *on_vm, void *user_data);
    /** Free everything. NULL: nothing to free. */
    void (*close)(void *host);
} pvm_host_plugin_t;

/** The plugin's only export; what it returns lives as long as the shared object. */
PVM_API const pvm_host_plugin_t *pvm_host_plugin(void);

#ifdef __cplusplus
}
#endif

#endif
