/* The state that the JAM host works on: a JSON document, kept as one, so that loading, checkpointing and writing
 * are the library's. docs/host-jam.md describes it. Octets are "0x..." texts.
 *
 * Functions that return pointers or octets return NULL without memory; getters of what may be absent say so. */
#ifndef PVM_VIEWER_HOST_JAM_STATE_H
#define PVM_VIEWER_HOST_JAM_STATE_H

#include "viewer/options.h"

#include <json.h>

/** Octets of a state file. */
#define PVM_MAX_JAM_STATE_BYTES (UINT64_C(256) << 20)

/** Octets of a request's name with its end: "0x", 64 digits, "/", a length. */
#define PVM_JAM_REQUEST_BYTES 96

/** Octets, owned: free(). */
typedef struct {
    uint8_t *data; /**< NULL: absent */
    size_t len;
} pvm_jam_octets_t;

/** Read and check a state file, or make an empty state; every service gets its footprint (items, octets).
 *  @param path  NULL: the empty state  @return FINE, INPUT or ENVIRONMENT */
pvm_view_status_t pvm_jam_state_load(pvm_view_t *view, const char *path, json_object **out);

/** The same from a text. @param path  for messages */
pvm_view_status_t pvm_jam_state_parse(pvm_view_t *view, const char *path, const char *text,
                                      size_t len, json_object **out);

/** "0x..." of octets; NULL without memory. Owns: the caller, json_object_put(). */
json_object *pvm_jam_hex_new(const uint8_t *data, size_t len);
/** The text alone. Owns: free(). */
char *pvm_jam_hex_text(const uint8_t *data, size_t len);
/** Octets of a "0x..." text; absent for anything else or without memory. */
pvm_jam_octets_t pvm_jam_hex_octets(json_object *text);
/** Number of octets of a "0x..." text. */
size_t pvm_jam_hex_len(json_object *text);

/** A member that is a number, or `absent`. */
uint64_t pvm_jam_number(json_object *object, const char *name, uint64_t absent);
/** Set a member. @return 0, or -1 without memory */
int pvm_jam_set_number(json_object *object, const char *name, uint64_t value);
/** Set a member that owns `value`; NULL is lack of memory. @return 0 or -1 */
int pvm_jam_set(json_object *object, const char *name, json_object *value);
/** A member, made as an object if it is not there. NULL without memory. */
json_object *pvm_jam_object(json_object *object, const char *name);
/** The same as an array. */
json_object *pvm_jam_array(json_object *object, const char *name);

/** Append an element that the array then owns; NULL is lack of memory. @return 0 or -1 */
int pvm_jam_add(json_object *array, json_object *value);

/** Account of a service; NULL if there is none. */
json_object *pvm_jam_service(json_object *state, uint64_t id);
/** Fix the number of the next new service, if the state does not say it. @return 0 or -1 */
int pvm_jam_number_services(json_object *state);
/** Timeslots of a request of an account, an array of at most 3 numbers; NULL if there is none. */
json_object *pvm_jam_request(json_object *service, const char *hash, uint64_t len);
/** Name of a request: "HASH/LENGTH". @param out  PVM_JAM_REQUEST_BYTES octets */
void pvm_jam_request_name(const char *hash, uint64_t len, char *out);
/** The least balance that its footprint needs (GP 9.3). */
uint64_t pvm_jam_least_balance(json_object *service);
/** Change its footprint. @return 0 or -1 */
int pvm_jam_change_footprint(json_object *service, int64_t items, int64_t octets);

#endif
