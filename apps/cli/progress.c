/* Progress on stderr: share, rate and remaining time, at most ten lines a second, drawn over each other and wiped at
 * the end. Only on a terminal, or with --progress as plain lines once a second (for logs). An interrupt (Ctrl-C)
 * cancels through the library, so that temporary files go; a second one ends the process at once. */
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static volatile sig_atomic_t interrupted; /* the one thing a signal handler may write */

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

double cli_now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void cli_progress_begin(cli_progress *p, const cli *c, const char *what) {
  *p = (cli_progress){.what = what, .terminal = isatty(STDERR_FILENO) == 1};
  p->on = cli_flag(c, "progress") || (p->terminal && !c->json && !c->quiet);
  p->started = p->last = cli_now_ms();
  interrupted = 0;
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
  (void)sigaction(SIGINT, &action, NULL);
}

static void format_count(double n, char out[24]) {
  if (n >= 1e9) {
    snprintf(out, 24, "%.1f G", n / 1e9);
  } else if (n >= 1e6) {
    snprintf(out, 24, "%.1f M", n / 1e6);
  } else if (n >= 1e4) {
    snprintf(out, 24, "%.0f k", n / 1e3);
  } else {
    snprintf(out, 24, "%.0f ", n);
  }
}

bool cli_progress_step(void *context, const char *unit, uint64_t done, uint64_t total) {
  cli_progress *p = context;
  if (interrupted) return false;
  double now = cli_now_ms();
  if (!p->on || now - p->last < (p->terminal ? 100 : 1000)) return true;
  p->last = now;
  double seconds = (now - p->started) / 1e3, rate = (double)done / seconds;
  char amount[24], speed[24], remaining[64] = "";
  bool is_bytes = strcmp(unit, "bytes") == 0;
  if (is_bytes) {
    cli_format_bytes((double)done, amount);
    cli_format_bytes(rate, speed);
  } else {
    format_count((double)done, amount);
    if (rate < 10)
      snprintf(speed, sizeof speed, "%.2g ", rate);
    else
      format_count(rate, speed);
  }
  if (total >= done && total > 0 && rate > 0)
    snprintf(remaining, sizeof remaining, ", %.0f %%, %.0f s left", 100 * (double)done / (double)total,
             (double)(total - done) / rate);
  fprintf(stderr, "%s%s: %s%s, %s%s/s%s%s", p->terminal ? "\r\033[K" : "", p->what, amount, is_bytes ? "" : unit, speed,
          is_bytes ? "" : unit, remaining, p->terminal ? "" : "\n");
  (void)fflush(stderr);
  p->shown = true;
  return true;
}

void cli_progress_end(cli_progress *p) {
  if (p->shown && p->terminal) fputs("\r\033[K", stderr);
  p->shown = false;
  (void)signal(SIGINT, SIG_DFL);
}
