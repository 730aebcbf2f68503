/* The different members of the objects of JSON lines, counted before anything else reads them. */
#ifndef BESTFIT_SRC_DATASET_JSON_KEYS_H
#define BESTFIT_SRC_DATASET_JSON_KEYS_H

#include "dataset/dataset_internal.h"

#define BF__JSON_KEYS 20000u         /* different members, nested ones too */
#define BF__JSON_ABSENT 67108864u    /* members that lines lack of those that others have, in all */
#define BF__JSON_DEPTH 64u           /* brackets that are open at once */
#define BF__JSON_SAMPLE_LINES 20480u /* lines that types are inferred from, here and in the SQL engine */

typedef enum bf__json_verdict { BF__JSON_MORE, BF__JSON_SEEN, BF__JSON_TOO_MANY, BF__JSON_TOO_DEEP } bf__json_verdict;

typedef struct bf__json_keys bf__json_keys; /* 0.5 MB; free() */
bf__json_keys *bf__json_keys_create(void);  /* NULL without memory */
/* The next bytes of the file. SEEN: all lines of the sample are; anything but MORE ends it. */
bf__json_verdict bf__json_keys_take(bf__json_keys *keys, const uint8_t *bytes, size_t n);
/* BF_ERR_LIMIT with the line: more members, or deeper, than the above. */
bf_status bf__json_keys_check(const bf_dataset *dataset, bf_error *err);

#endif
