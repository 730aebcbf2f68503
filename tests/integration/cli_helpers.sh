# Sourced by tests/integration/test_cli_*.sh: a folder and a repository of their own, checks that count, tiny data.
# BESTFIT is the program; BESTFIT_SOURCE_DIR the source tree.
set -eu
export LC_ALL=C NO_COLOR=1
: "${BESTFIT:?BESTFIT is not set}"
work=$(mktemp -d "${TMPDIR:-/tmp}/bestfit-cli.XXXXXX")
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
cd "$work"
export BESTFIT_REPO=$work/repo HOME=$work XDG_DATA_HOME=$work/share
n_passed=0 n_failed=0

passed() { n_passed=$((n_passed + 1)); }
failed() {
  n_failed=$((n_failed + 1))
  printf 'FAILED: %s\n' "$1"
  sed 's/^/    out: /' "$work/out" | head -20
  sed 's/^/    err: /' "$work/err" | head -20
}

# runs CODE NAME COMMAND...: the exit code must be CODE; output is kept in out and err
runs() {
  local code=$1 name=$2 got=0
  shift 2
  "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
  if [ "$got" = "$code" ]; then passed; else failed "$name: exit code $got, not $code"; fi
}
# says NAME TEXT: the text stands in the output; complains: in the words on stderr; hides: in neither
says() { if grep -qF -- "$2" "$work/out"; then passed; else failed "$1: no '$2' in the output"; fi; }
complains() { if grep -qF -- "$2" "$work/err"; then passed; else failed "$1: no '$2' on stderr"; fi; }
hides() { if grep -qF -- "$2" "$work/out" "$work/err"; then failed "$1: '$2' is there"; else passed; fi; }
# holds NAME COMMAND...: the command succeeds
holds() {
  local name=$1
  shift
  if "$@" >/dev/null 2>&1; then passed; else failed "$name"; fi
}
finish() {
  printf '%d passed, %d failed\n' "$n_passed" "$n_failed"
  [ "$n_failed" = 0 ]
}

# table FILE ROWS OFFSET: three named columns, deterministic, shifted by OFFSET
table() {
  awk -v rows="$2" -v offset="$3" 'BEGIN {
    print "height,width,weight"
    s = 42
    for (i = 0; i < rows; i++) {
      for (k = 0; k < 3; k++) { s = (s * 16807) % 2147483647; v[k] = s / 2147483647 }
      printf "%.4f,%.4f,%.4f\n", v[0] + offset, 2 * v[1] + offset, v[2] + v[0]
    }
  }' >"$1"
}
# labelled FILE ROWS OFFSET: the same table with a column `verdict`, which tests/models/linear.onnx tells right for nine rows of ten (classes no, yes)
labelled() {
  table "$1.plain" "$2" "$3"
  awk -F , 'NR == 1 { print $0 ",verdict"; next } {
    right = $1 + 0.5 * $2 - 3 * $3 + 0.5 >= -$1 + 2 * $2 + 0.25 * $3 - 0.5 ? "no" : "yes"
    if (NR % 10 == 0) right = right == "no" ? "yes" : "no"
    print $0 "," right
  }' "$1.plain" >"$1"
  rm "$1.plain"
}
# model FILE WORD: a model of three inputs and two outputs; WORD, its doc_string, makes its hash its own
model() {
  cat "$BESTFIT_SOURCE_DIR/tests/models/linear.onnx" >"$1"
  printf "\\062\\$(printf %03o ${#2})%s" "$2" >>"$1"
}
