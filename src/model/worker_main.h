/* What host and worker agree on before they talk. */
#ifndef BESTFIT_SRC_MODEL_WORKER_MAIN_H
#define BESTFIT_SRC_MODEL_WORKER_MAIN_H

/* Descriptors that a worker is started with. */
#define BF__WORKER_SOCKET 3
#define BF__WORKER_LIFELINE 4

/* The runtime alone, without sandbox and host, for the benchmark: arguments MODEL ROWS CALLS. */
int bf__worker_bare(char **arguments);

#endif
