/* placeholder until measured */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

bf_status bf__consensus_mix(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  return bf_estimate(panel, "majority", out, err);
}
