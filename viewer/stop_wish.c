/* Signals that ask to stop: see stop_wish.h. */
#include "viewer/stop_wish.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

atomic_bool pvm_view_stop_wish;

static void stop(int signal_number)
{
    (void)signal_number;
    atomic_store(&pvm_view_stop_wish, true);
}

void pvm_view_watch_stop_wish(void)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}
