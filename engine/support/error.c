/* Thread-local error text. Only its address is thread-local: a library that is loaded into a running process gets little room
 * for what each thread has of it. */
#include "support/error.h"

#include <pthread.h>
#include <pvm/pvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local const char *error_text __attribute__((tls_model("initial-exec")));
static _Thread_local char *own_text __attribute__((tls_model("initial-exec")));

/* Frees the text of a thread that ends. */
static pthread_key_t text_key;
static bool has_key;

static void make_key(void)
{
    has_key = pthread_key_create(&text_key, free) == 0;
}

/* The library may be unloaded before its threads end. */
__attribute__((destructor)) static void drop_key(void)
{
    if (has_key) {
        (void)pthread_key_delete(text_key);
    }
}

static char *make_text(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char *const text = malloc(PVM_ERROR_BYTES);

    (void)pthread_once(&once, make_key);
    if (text != NULL && (!has_key || pthread_setspecific(text_key, text) != 0)) {
        free(text);
        return NULL;
    }
    return text;
}

int pvm_error_set(const char *format, ...)
{
    va_list args;

    if (own_text == NULL && (own_text = make_text()) == NULL) {
        error_text = "no memory, not even for what went wrong";
        return -1;
    }
    va_start(args, format);
    (void)vsnprintf(own_text, PVM_ERROR_BYTES, format, args);
    va_end(args);
    error_text = own_text;
    return -1;
}

const char *pvm_last_error(void)
{
    return error_text != NULL ? error_text : "";
}
