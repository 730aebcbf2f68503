/* Names of models.
 *
 * A name ends up in paths of reports, in command lines and in addresses of the server, so that the alphabet is small on
 * purpose: no blanks, no quotes, no "..", nothing that a command line would take for an option.
 */
#include "base/name.h"

#include <string.h>

static const char name_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

static bf_status check_part(const char *name, const char *what, const char *part, size_t n, bf_error *err) {
  if (n == 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "name \"%.60s\": the %s is empty; write owner/name", name, what);
  if (n > BF__NAME_PART_MAX)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "name \"%.60s…\": the %s has %zu characters; at most %d are allowed",
                     name, what, n, BF__NAME_PART_MAX);
  size_t good = strspn(part, name_alphabet);
  if (good < n)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                     "name \"%.60s\": character %zu of the %s is not one of A-Z a-z 0-9 . _ -", name, good + 1, what);
  if ((n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "name \"%.60s\": the %s must not be \".\" or \"..\"", name, what);
  return BF_OK;
}

bf_status bf__check_name(const char *name, bf_error *err) {
  if (name == NULL) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no name given; write owner/name");
  if (name[0] == '-')
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "name \"%.60s\" starts with \"-\"; write owner/name", name);
  const char *slash = strchr(name, '/');
  if (slash == NULL)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "name \"%.60s\" has no owner; write owner/name", name);
  bf_status status = check_part(name, "owner", name, (size_t)(slash - name), err);
  if (status == BF_OK) status = check_part(name, "name after the slash", slash + 1, strlen(slash + 1), err);
  return status;
}
