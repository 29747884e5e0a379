/* The terminal view, by ncurses: it knows terminals, their sizes and how to leave them as they were, over ssh and in
 * multiplexers too. The tables are those of the other formats, as text, cut to the window. */
#include "viewer/top/screen.h"

#include "viewer/render.h"

#include <inttypes.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/** Between two looks at keys and records. */
#define STEP_MS    50
#define LINES_HEAD 3

static const char *const view_names[PVM_TOP_VIEW_COUNT] = {"services", "host calls", "functions"};
static const char *const sort_names[PVM_TOP_SORT_COUNT] = {"gas", "time", "calls"};

typedef struct {
    pvm_top_t *top;
    pvm_top_view_t view;
    pvm_top_sort_t sort;
    int first; /**< line of the table that stands on top */
    bool is_paused;
    bool is_quit;
} screen_t;

static void put_head(const screen_t *screen)
{
    const pvm_top_line_t line = pvm_top_line(screen->top);

    (void)mvprintw(0, 0, "%zu processes  %.0f gas/s  %.0f host calls/s  %.0f runs/s",
                   line.processes, line.gas_per_s, line.calls_per_s, line.runs_per_s);
    (void)clrtoeol();
    (void)mvprintw(1, 0, "%" PRIu64 " samples, %" PRIu64 " calls lost, watching costs %.2f %%%s",
                   line.samples, line.lost, 100 * line.overhead,
                   screen->is_paused ? "  PAUSED" : "");
    (void)clrtoeol();
    (void)attron(A_REVERSE);
    (void)mvprintw(2, 0, "%s by %s", view_names[screen->view], sort_names[screen->sort]);
    for (int x = getcurx(stdscr); x < COLS; x++) {
        (void)addch(' ');
    }
    (void)attroff(A_REVERSE);
}

static void put_table(screen_t *screen)
{
    pvm_prof_table_t *const table = pvm_top_table(screen->top, screen->view, screen->sort);
    char *text = NULL;
    size_t len = 0;
    FILE *const out = table == NULL ? NULL : open_memstream(&text, &len);
    int row = LINES_HEAD;
    int number = 0;

    if (out != NULL) {
        pvm_render_t render = pvm_view_render_make(out, PVM_CHOICE_FORMAT_TEXT);
        render.width = (unsigned)(COLS > 20 ? COLS : 20);
        render.is_colour = false;
        (void)pvm_view_render_text(&render, table);
        (void)fclose(out);
    }
    for (char *at = text; at != NULL && *at != '\0' && row < LINES - 1;) {
        char *const end = at + strcspn(at, "\n");
        /* The title stands in the head already; the header of the columns stays. */
        if (number == 1 || (number > 1 && number - 2 >= screen->first)) {
            (void)mvaddnstr(row++, 0, at, (int)(end - at));
            (void)clrtoeol();
        }
        number++;
        at = *end == '\0' ? end : end + 1;
    }
    (void)clrtobot();
    (void)mvaddnstr(
        LINES - 1, 0,
        "s services  h host calls  f functions | g gas  t time  c calls | p pause  q quit",
        COLS - 1);
    free(text);
    pvm_prof_table_destroy(table);
}

static void draw(screen_t *screen)
{
    put_head(screen);
    put_table(screen);
    (void)refresh();
}

/* @return true: draw again */
static bool on_key(screen_t *screen, int key)
{
    switch (key) {
    case 'q':
    case 'Q':
    case 27:
        screen->is_quit = true;
        return false;
    case 's':
        screen->view = PVM_TOP_SERVICE;
        break;
    case 'h':
        screen->view = PVM_TOP_HOSTCALL;
        break;
    case 'f':
        screen->view = PVM_TOP_FUNCTION;
        break;
    case '\t':
        screen->view = (pvm_top_view_t)((screen->view + 1) % PVM_TOP_VIEW_COUNT);
        break;
    case 'g':
        screen->sort = PVM_TOP_BY_GAS;
        break;
    case 't':
        screen->sort = PVM_TOP_BY_TIME;
        break;
    case 'c':
        screen->sort = PVM_TOP_BY_CALLS;
        break;
    case 'p':
    case ' ':
        screen->is_paused = !screen->is_paused;
        return true;
    case KEY_DOWN:
    case 'j':
        screen->first++;
        return true;
    case KEY_UP:
    case 'k':
        screen->first -= screen->first > 0;
        return true;
    case KEY_RESIZE:
        return true;
    default:
        return false;
    }
    screen->first = 0;
    return true;
}

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

pvm_view_status_t pvm_top_screen(pvm_view_t *view, pvm_top_t *top, pvm_top_view_t first,
                                 pvm_top_sort_t sort, double interval_s, const atomic_bool *stop)
{
    screen_t screen = {.top = top, .view = first, .sort = sort};
    SCREEN *const terminal = newterm(NULL, stdout, stdin);
    double drawn_s = now_s();

    if (terminal == NULL) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                             "top: this terminal is not known (TERM=%s); use --once",
                             getenv("TERM") != NULL ? getenv("TERM") : "");
    }
    (void)cbreak();
    (void)noecho();
    (void)keypad(stdscr, TRUE);
    (void)curs_set(0);
    (void)set_escdelay(25);
    timeout(STEP_MS);
    draw(&screen);
    while (!screen.is_quit && !atomic_load(stop) && pvm_top_is_alive(top)) {
        const int key = getch();
        bool is_due = false;

        pvm_top_poll(top);
        if (now_s() - drawn_s >= interval_s) {
            drawn_s = now_s();
            is_due = !screen.is_paused;
            if (is_due) {
                pvm_top_refresh(top, true);
            }
        }
        if ((key != ERR && on_key(&screen, key)) || is_due) {
            draw(&screen);
        }
    }
    (void)endwin();
    delscreen(terminal);
    return PVM_VIEW_FINE;
}
