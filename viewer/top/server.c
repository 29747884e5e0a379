/* An HTTP server for one page, by libmicrohttpd: see server.h. */
#include "viewer/top/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Whoever asks slowly is sent away, and there are few at a time. */
#define TIMEOUT_S       5
#define CONNECTIONS_MAX 32

struct pvm_top_server_t {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    char *text; /**< under the lock */
    size_t len;
    uint16_t port;
};

static enum MHD_Result answer_with(struct MHD_Connection *connection, unsigned code,
                                   struct MHD_Response *response)
{
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                  "text/plain; version=0.0.4; charset=utf-8");
    const enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer(void *user_data, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_len, void **state)
{
    static char other[] = "the figures are at /metrics\n";
    pvm_top_server_t *const server = user_data;

    (void)version, (void)data, (void)state;
    if (*data_len != 0) {
        *data_len = 0;
        return MHD_YES;
    }
    if ((strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) ||
        strcmp(url, "/metrics") != 0) {
        return answer_with(
            connection, MHD_HTTP_NOT_FOUND,
            MHD_create_response_from_buffer(sizeof(other) - 1, other, MHD_RESPMEM_PERSISTENT));
    }
    (void)pthread_mutex_lock(&server->lock);
    struct MHD_Response *const response =
        MHD_create_response_from_buffer(server->len, server->text, MHD_RESPMEM_MUST_COPY);
    (void)pthread_mutex_unlock(&server->lock);
    return answer_with(connection, MHD_HTTP_OK, response);
}

/* "[HOST]:PORT" or "PORT". @return 0, or -1 */
static int read_address(const char *text, struct sockaddr_in *out)
{
    const char *const colon = strrchr(text, ':');
    const char *const port = colon != NULL ? colon + 1 : text;
    char host[64] = "127.0.0.1";
    char *end = NULL;

    if (colon != NULL && colon != text) {
        if ((size_t)(colon - text) >= sizeof(host)) {
            return -1;
        }
        (void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    }
    if (strcmp(host, "localhost") == 0) {
        (void)snprintf(host, sizeof(host), "127.0.0.1");
    }
    const unsigned long number = strtoul(port, &end, 10);
    if (end == port || *end != '\0' || number > UINT16_MAX) {
        return -1;
    }
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
    return inet_pton(AF_INET, host, &out->sin_addr) == 1 ? 0 : -1;
}

/* A socket that listens there, so that the reason is known if there is none. */
static int listen_at(const struct sockaddr_in *address)
{
    const int on = 1;
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (descriptor >= 0 &&
        (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
         bind(descriptor, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
         listen(descriptor, CONNECTIONS_MAX) != 0)) {
        const int error = errno;
        (void)close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

pvm_top_server_t *pvm_top_server_start(const char *address, char *out_reason, size_t reason_bytes)
{
    pvm_top_server_t *const server = calloc(1, sizeof(*server));
    struct sockaddr_in place;
    socklen_t place_bytes = sizeof(place);

    if (read_address(address, &place) != 0) {
        (void)snprintf(out_reason, reason_bytes,
                       "%s is no [HOST]:PORT with an IPv4 address; write for example :9100",
                       address);
        free(server);
        return NULL;
    }
    const int descriptor = listen_at(&place);
    if (server == NULL || descriptor < 0 ||
        getsockname(descriptor, (struct sockaddr *)&place, &place_bytes) != 0) {
        (void)snprintf(out_reason, reason_bytes, "cannot serve on %s: %s; choose another port",
                       address, strerror(errno));
        free(server);
        return NULL;
    }
    (void)pthread_mutex_init(&server->lock, NULL);
    server->text = strdup("");
    server->port = ntohs(place.sin_port);
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, server, MHD_OPTION_LISTEN_SOCKET,
        descriptor, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_END);
    if (server->daemon == NULL || server->text == NULL) {
        (void)snprintf(out_reason, reason_bytes, "cannot serve on %s: no thread or no memory",
                       address);
        (void)close(descriptor);
        free(server->text);
        free(server);
        return NULL;
    }
    return server;
}

uint16_t pvm_top_server_port(const pvm_top_server_t *server)
{
    return server->port;
}

void pvm_top_server_set(pvm_top_server_t *server, const char *text, size_t len)
{
    char *const copy = malloc(len + 1);

    if (copy == NULL) {
        return;
    }
    memcpy(copy, text, len);
    (void)pthread_mutex_lock(&server->lock);
    free(server->text);
    server->text = copy;
    server->len = len;
    (void)pthread_mutex_unlock(&server->lock);
}

void pvm_top_server_stop(pvm_top_server_t *server)
{
    if (server == NULL) {
        return;
    }
    MHD_stop_daemon(server->daemon);
    (void)pthread_mutex_destroy(&server->lock);
    free(server->text);
    free(server);
}
