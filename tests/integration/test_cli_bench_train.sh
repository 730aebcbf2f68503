#!/usr/bin/env bash
# bench train: what must be there, registration by `bestfit add`, going on after an end anywhere, missing datasets; with
# PyTorch and BESTFIT_DATA a real collection.
. "$(dirname "$0")/cli_helpers.sh"
: "${BESTFIT_SOURCE_DIR:?BESTFIT_SOURCE_DIR is not set}"
real_data=${BESTFIT_DATA:-}
unset BESTFIT_DATA XDG_CACHE_HOME BESTFIT_SHARE BESTFIT_PYTHON
json() { python3 -c 'import json, sys; print(eval(sys.argv[2], {"d": json.load(open(sys.argv[1])), "sum": sum, "len": len}))' "$@"; }
gives() { # gives NAME FILE EXPRESSION VALUE
  local got
  got=$(json "$2" "$3" 2>&1) || true
  if [ "$got" = "$4" ]; then passed; else failed "$1: $3 is $got, not $4"; fi
}

# ---- what must be there
runs 3 "no Python" env BESTFIT_PYTHON="$work/none" "$BESTFIT" bench train --bench b
complains "no Python" "there is no python3: \`scripts/bootstrap zoo\`"
printf '#!/bin/sh\nexit 7\n' >bare && chmod +x bare
runs 3 "Python without PyTorch" env BESTFIT_PYTHON="$work/bare" "$BESTFIT" bench train --bench b
complains "Python without PyTorch" "Python is here, but not with PyTorch and NumPy: \`scripts/bootstrap zoo\`"
holds "nothing was made" test ! -e b
runs 2 "no seed" "$BESTFIT" bench train --seeds 0

# ---- a trainer that has its models already, to see what is made of them
mkdir -p share/zoo
cat >python <<'END'
#!/bin/sh
[ "$1" = -c ] && exit 0
program=$1
shift
exec sh "$program" "$@"
END
chmod +x python
cat >share/zoo/train.py <<'END'
ready=$BESTFIT_SOURCE_DIR/tests/conformance/data/zoo/text
while [ $# -gt 0 ]; do
  case $1 in --out) out=$2 ;; --seed) seeds="$seeds $2" ;; esac
  shift
done
n=$(echo $DOMAINS | wc -w) k=$(echo $seeds | wc -w)
echo "{\"event\": \"plan\", \"domains\": $((n * k)), \"collections\": [\"tiny\"]}"
for seed in $seeds; do
  folder=$out/seed-$seed/tiny list=
  for domain in $DOMAINS; do
    mkdir -p "$folder/$domain"
    for file in train valid; do
      for i in 1 2 3 4 5 6 7 8 9 10; do printf 'positive\ta good %s %s\nnegative\ta bad %s %s\n' $domain $i $file $i; done >"$folder/$domain/$file.txt"
    done
    cp "$ready/model.onnx" "$folder/$domain/model.onnx"
    sed "s/sentiment\/books/zoo\/$domain/; s/domain: books/domain: $domain/; s/^A small/$WORDS&/" "$ready/card.md" >"$folder/$domain/model.md"
    [ "$domain" != "$BROKEN" ] || echo broken >"$folder/$domain/model.onnx"
    hash() { sha256sum "$folder/$domain/$1" | cut -d ' ' -f 1; }
    list="$list${list:+,}{\"name\": \"$domain\", \"has_model\": true, \"model_sha256\": \"$(hash model.onnx)\", \"card_sha256\": \"$(hash model.md)\"}"
    echo "{\"event\": \"domain\", \"collection\": \"tiny\", \"seed\": $seed, \"domain\": \"$domain\", \"trained\": true}"
    [ "$domain" != "$DIES" ] || exit 1
  done
  echo "{\"name\": \"tiny\", \"kind\": \"text\", \"domains\": [$list], \"missing\": [$MISSING]}" >"$folder/collection.json"
  echo "{\"event\": \"collection\", \"collection\": \"tiny\", \"seed\": $seed, \"trained\": $n, \"kept\": 0, \"missing\": 0, \"seconds\": 1.5}"
  [ -z "$WAITS" ] || : >"$out/waits"
  sleep ${WAITS:-0}
done
END
export BESTFIT_SOURCE_DIR BESTFIT_PYTHON=$work/python BESTFIT_SHARE=$work/share
export DOMAINS="one two" WORDS="" BROKEN="" DIES="" MISSING=""
listed() { "$BESTFIT" ls --repo "b/seed-$1/tiny/repository" --json >list.json; }

runs 70 "a training that ends badly" env DIES=two "$BESTFIT" bench train --bench b
complains "a training that ends badly" "run again, it goes on where it was"
runs 0 "what is trained is registered" "$BESTFIT" bench train --bench b --json
gives "registered" out 'd["registered"], d["domains"], d["trained"]' "(2, 2, 2)"
listed 1
gives "names" list.json '[m["id"] for m in d["models"]]' "['zoo/one', 'zoo/two']"
"$BESTFIT" show zoo/one --repo b/seed-1/tiny/repository --json >one.json
holds "with its calibration" grep -q '"calibration": {' one.json
runs 0 "a second time" "$BESTFIT" bench train --bench b --json
gives "nothing changed" out 'd["registered"]' 0
runs 0 "another seed is added" "$BESTFIT" bench train --bench b --seeds 2 --json
gives "another seed" out '[(c["seed"], c["registered"]) for c in d["collections"]]' "[(1, 0), (2, 2)]"
"$BESTFIT" rm zoo/two --repo b/seed-1/tiny/repository >/dev/null
runs 0 "what is missing in the repository is added" "$BESTFIT" bench train --bench b
says "a table" "tiny           1        2        2     0           1        0        2"
runs 0 "what changed is registered anew" env WORDS="Changed. " "$BESTFIT" bench train --bench b --json
gives "changed" out 'd["registered"]' 2
runs 0 "a domain that is no more" env DOMAINS=one "$BESTFIT" bench train --bench b --json
listed 1
gives "one is left" list.json '[m["id"] for m in d["models"]]' "['zoo/one']"
runs 5 "a model that cannot be added" env BROKEN=two DOMAINS="one two three" "$BESTFIT" bench train --bench b
complains "a model that cannot be added" "\`bestfit add\` of two ended with code 5"
listed 1
gives "the others are" list.json '[m["id"] for m in d["models"]]' "['zoo/one', 'zoo/three']"
runs 3 "missing domains" env MISSING='{"domain": "far", "why": "the dataset farther is not there", "get": "bestfit bench fetch --only farther"}' \
  "$BESTFIT" bench train --bench b
complains "missing domains" "missing: the dataset farther is not there; \`bestfit bench fetch --only farther\` gets it"
complains "missing domains" "1 domains are missing for want of their datasets, first far"
WAITS=20 "$BESTFIT" bench train --bench b >out 2>err &
training=$!
for _ in $(seq 300); do [ -e b/waits ] && break || sleep 0.1; done
runs 11 "two at once" "$BESTFIT" bench train --bench b
kill -TERM $training
wait $training 2>/dev/null || true
runs 0 "killed, and again" "$BESTFIT" bench train --bench b
unset BESTFIT_PYTHON BESTFIT_SHARE

# ---- the real one
if ! /usr/bin/python3 -c 'import torch' 2>/dev/null; then
  echo "not tested: training, because python3-torch is not here (scripts/bootstrap zoo)"
  finish
  exit
fi
export BESTFIT_PYTHON=/usr/bin/python3
runs 2 "no such collection" "$BESTFIT" bench train office_caltek --bench c
complains "no such collection" "did you mean 'office_caltech'?"
runs 3 "no data" "$BESTFIT" bench train office_caltech --bench c --data "$work/nowhere" --json
gives "no data" out 'd["trained"], len(d["missing"])' "(0, 4)"
gives "said in collection.json" c/seed-1/office_caltech/collection.json 'd["missing"][0]["get"]' \
  "bestfit bench fetch --only images-officecaltech10"
if [ ! -e "$real_data/images-officecaltech10" ]; then
  echo "not tested: training, because BESTFIT_DATA has no images-officecaltech10"
  finish
  exit
fi
export BESTFIT_DATA=$real_data
holds "no row is on two sides" /usr/bin/python3 "$BESTFIT_SOURCE_DIR/bench/zoo/check_splits.py" office_caltech digits airlines
runs 0 "a real collection" "$BESTFIT" bench train office_caltech --bench c --json
gives "a real collection" out 'd["trained"], d["registered"], d["missing"]' "(4, 4, [])"
holds "networks are better than chance" awk -F, '$1 == $2 && $3 < 0.3 { bad = 1 } END { exit bad }' c/seed-1/office_caltech/truth.csv
holds "unseen rows" test "$(wc -l <c/seed-1/office_caltech/amazon/target-unseen.txt)" = 240
cp c/seed-1/office_caltech/collection.json before.json
rm c/seed-1/office_caltech/collection.json c/seed-1/office_caltech/dslr/network.pt
runs 0 "a network is trained again" "$BESTFIT" bench train office_caltech --bench c --jobs 1 --json
gives "it alone, and it is the same" out 'd["trained"], d["kept"], d["registered"]' "(1, 3, 0)"
holds "the same in all" cmp before.json c/seed-1/office_caltech/collection.json
finish
