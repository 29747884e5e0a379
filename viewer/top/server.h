/* Figures by HTTP, for Prometheus: GET /metrics. */
#ifndef PVM_VIEWER_TOP_SERVER_H
#define PVM_VIEWER_TOP_SERVER_H

#include <stddef.h>
#include <stdint.h>

typedef struct pvm_top_server_t pvm_top_server_t;

/** Serve on [HOST]:PORT; no host is 127.0.0.1, port 0 any. @return NULL, with `out_reason` a line about it */
pvm_top_server_t *pvm_top_server_start(const char *address, char *out_reason, size_t reason_bytes);
/** The port that it has. */
uint16_t pvm_top_server_port(const pvm_top_server_t *server);
/** What is served from now on; copied. */
void pvm_top_server_set(pvm_top_server_t *server, const char *text, size_t len);
void pvm_top_server_stop(pvm_top_server_t *server);

#endif
