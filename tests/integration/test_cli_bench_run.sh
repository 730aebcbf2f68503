# bestfit bench run, on a tiny collection made of the demo's typefaces: nine domains of 180 images.
. "$(dirname "$0")/cli_helpers.sh"
typefaces=$BESTFIT_SOURCE_DIR/examples/typefaces
families="courier-prime dancing-script dejavu-sans dseg14 humor-sans inconsolata klee-one lato liberation-serif"
place=$work/bench/seed-1/typefaces

# npy IMAGES.gz FILE: an idx file of bytes, 28 x 28, as .npy
npy() {
  zcat "$1" >idx
  local n header
  n=$((($(wc -c <idx) - 16) / 784))
  header="{'descr': '|u1', 'fortran_order': False, 'shape': ($n, 28, 28), }"
  { printf '\223NUMPY\001\000\166\000' && printf '%-117s\n' "$header" && tail -c +17 idx; } >"$2"
}
# domain NAME ORIGIN HAS_MODEL: an entry of collection.json
domain() {
  printf '{"name": "%s", "title": "%s", "group": "%s", "origin": "%s", "stranger": false, "rows": 180, "has_model": %s}' "$1" "$1" "$2" "$2" "$3"
}
# collection DOMAINS MISSING: collection.json
collection() {
  printf '{"bestfit_collection": 1, "name": "typefaces", "title": "nine typefaces", "workload": "image recognition", "kind": "image", "seed": 1,
    "key": "k", "headline": false, "metric": "accuracy", "f1": null, "datasets": [], "domains": [%s], "missing": [%s]}' "$1" "$2" >"$place/collection.json"
}
domains= n=0
for family in $families; do
  mkdir -p "$place/$family"
  npy "$typefaces/data/$family/train-images-idx3-ubyte.gz" "$place/$family/train.npy"
  npy "$typefaces/data/$family/valid-images-idx3-ubyte.gz" "$place/$family/target.npy"
  cp "$typefaces/data/$family/valid-labels.txt" "$place/$family/target-labels.txt"
  seq 0 89 >"$place/$family/target-unseen.txt"
  runs 0 "add $family" "$BESTFIT" add "$typefaces/models/$family.onnx" --data "$place/$family/train.npy" --repo "$place/repository" --quiet \
    --validation "$typefaces/data/$family/valid-images-idx3-ubyte.gz" --validation-label "$typefaces/data/$family/valid-labels.txt"
  domains="$domains${domains:+, }$(domain "$family" "origin$((n / 2))" true)"
  n=$((n + 1))
done
collection "$domains" ""
three="--variant standard --variant relatives-out --variant rows-30"
run() { "$BESTFIT" bench run --bench "$work/bench" --quiet "$@"; }
# files BENCH: the files of three variants without what times and keys them, in one text
files() {
  python3 - "$1" <<'PY'
import glob, json, sys
def bare(value):
    if isinstance(value, dict):
        return {key: bare(v) for key, v in value.items() if not key.endswith("seconds") and key != "key"}
    return [bare(v) for v in value] if isinstance(value, list) else value
for path in sorted(p for v in ("standard", "relatives-out", "rows-30") for p in glob.glob(f"{sys.argv[1]}/seed-1/typefaces/runs/{v}/*")):
    print(path[len(sys.argv[1]):], json.dumps(bare(json.load(open(path))), sort_keys=True))
PY
}
# figure KEY: of the one collection in the JSON of the last run
figure() { python3 -c 'import json, sys; print(json.load(open("out"))["collections"][0][sys.argv[1]])' "$1"; }

# ---- all variants ----
cp -a bench fresh
runs 0 "every variant of every target" run --threads 2 --json
holds "the files that can be had are made" test "$(figure made)" = 45
holds "what cannot be had is said with its reason" python3 - <<'PY'
import json
not_run = json.load(open("out"))["collections"][0]["not_run"]
assert len(not_run) == 18 and all(gap["why"] == "the target is ranked by 180 rows, fewer than " + gap["variant"][5:] for gap in not_run), not_run
PY
holds "every pair was run once" test "$(figure outputs_made)" = 81
holds "what a file says" python3 - <<'PY'
import json
file = json.load(open("bench/seed-1/typefaces/runs/standard/lato.json"))
assert (file["bestfit_run"], file["collection"], file["seed"], file["variant"], file["target"]) == (1, "typefaces", 1, "standard", "lato")
assert (file["rows"], file["truth_rows"], file["origin"], file["stranger"]) == (180, 180, "origin3", False)
assert [m["domain"] for m in file["models"]] == [d for d in "courier-prime dancing-script dejavu-sans dseg14 humor-sans inconsolata klee-one liberation-serif".split()]
names = {s["name"]: s for s in file["strategies"]}
for name in "similarity hist-jsd paper-jsd paper-jsd-raw paper-adaptivity-hindsight source-accuracy random atc majority dawid-skene similarity-agreement auto stage-1 ridge stage-1-data".split():
    assert len(names[name]["scores"]) == 8 and None not in names[name]["scores"], name
assert names["word-jsd"]["scores"] == [] and "no words" in names["word-jsd"]["why"]
assert [min(max(score, .01), .99) for score in names["auto"]["scores"]] == file["expected"]["accuracy"] and file["expected"]["strategy"] == "auto"
assert all(low <= mid <= high for low, mid, high in zip(*(file["expected"][k] for k in ("low", "accuracy", "high"))))
assert abs(names["paper-jsd"]["scores"][0] - names["paper-jsd-raw"]["scores"][0]) < 1e-9    # bytes: sketches are exact
own = json.load(open("bench/seed-1/typefaces/runs/own-in/lato.json"))
assert len(own["models"]) == 9 and own["truth_rows"] == 90
accuracies = {m["domain"]: m["accuracy"] for m in own["models"]}
assert accuracies["lato"] == max(accuracies.values()) == 1.0    # on rows that it has not seen
out = json.load(open("bench/seed-1/typefaces/runs/relatives-out/lato.json"))
assert "klee-one" not in [m["domain"] for m in out["models"]] and len(out["models"]) == 7
few = json.load(open("bench/seed-1/typefaces/runs/rows-30/lato.json"))
assert (few["rows"], few["truth_rows"]) == (30, 180)
assert [m["accuracy"] for m in few["models"]] == [m["accuracy"] for m in file["models"]]
PY

# ---- nothing twice ----
touch stamp
runs 0 "again" run --json
holds "nothing was made" test "$(figure made) $(figure kept)" = "0 45"
holds "nothing was written" test -z "$(find bench -name '*.json' -newer stamp -path '*/runs/*')"
runs 0 "only some strategies" run --variant standard --strategies hist-jsd,auto,paper-l2-raw --json
holds "they are made anew" test "$(figure made) $(figure outputs_made) $(figure outputs_kept)" = "9 0 81"
holds "and nothing else" python3 -c '
import json
names = [s["name"] for s in json.load(open("bench/seed-1/typefaces/runs/standard/lato.json"))["strategies"]]
assert sorted(names) == ["auto", "hist-jsd", "paper-l2-raw"], names'

# ---- the same whatever the threads, and after a kill ----
runs 0 "all strategies again" run --threads 1
files bench >two
cp -a fresh one_thread
runs 0 "one thread" "$BESTFIT" bench run --bench one_thread --threads 1 $three --quiet
files one_thread >one
sed 's/one_thread//' one | cmp - two >out 2>err && passed || failed "one thread and two give the same files"
cp -a fresh killed
"$BESTFIT" bench run --bench killed --threads 1 $three --quiet >out 2>err &
pid=$!
for _ in $(seq 600); do
  test -e killed/seed-1/typefaces/runs/standard/dejavu-sans.json && break
  sleep 0.05
done
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
holds "it was killed before its end" test ! -e killed/seed-1/typefaces/runs/standard/liberation-serif.json
printf 'no outputs' >"$(find killed -name '*.outputs' | head -1)"
runs 0 "it goes on" "$BESTFIT" bench run --bench killed $three --json
holds "with what was not made, and the outputs that were damaged" test "$(figure outputs_made)" = 1
files killed >one
cmp one two >out 2>err && passed || failed "a killed run ends with the same files"

# ---- labels of the target ----
# judged FILE: the scores, what is expected and trusted; then the accuracies
judged() { python3 -c '
import json, sys
file = json.load(open(sys.argv[1]))
print(json.dumps([[s["name"], s["scores"]] for s in file["strategies"] if s["name"] != "paper-adaptivity-hindsight"]), file["expected"], file["trust"])
print([m["accuracy"] for m in file["models"]])' "$1"; }
for family in $families; do
  for variant in standard own-in; do judged "$place/runs/$variant/$family.json" >"$variant.before"; done
  cp "$place/$family/target-labels.txt" kept
  tac kept >"$place/$family/target-labels.txt"
  runs 0 "labels of $family shuffled" run --target "$family" --variant standard --variant own-in
  for variant in standard own-in; do
    judged "$place/runs/$variant/$family.json" >after
    holds "$family, $variant: no strategy sees a label of its target" sh -c 'head -1 "$0.before" >x; head -1 after | cmp - x' $variant
    holds "$family, $variant: its models are judged by them" sh -c '! { tail -1 "$0.before" >x; tail -1 after | cmp -s - x; }' $variant
  done
  test "$family" != lato || runs 0 "another target" run --target dseg14 --variant standard
  test "$family" != lato || judged "$place/runs/standard/dseg14.json" >other_after
  cp kept "$place/$family/target-labels.txt"
done
runs 0 "another target with the labels as they were" run --target dseg14 --variant standard
judged "$place/runs/standard/dseg14.json" >other_before
holds "others learn from the labels" sh -c '! { head -1 other_before >x; head -1 other_after | cmp -s - x; }'

# ---- what is missing, and what is wrong ----
runs 0 "labels as they were" run --variant standard
collection "$domains, $(domain ghost origin9 true)" '{"domain": "arial", "why": "not free", "get": "bestfit bench fetch --only arial"}'
mkdir "$place/ghost"
cp "$place/lato/target.npy" "$place/lato/target-labels.txt" "$place/ghost"
runs 3 "a model that is not there" run --variant standard --json
holds "both are listed with the command" python3 - <<'PY'
import json
missing = json.load(open("out"))["collections"][0]["missing"]
assert missing == [{"domain": "arial", "why": "not free", "get": "bestfit bench fetch --only arial"},
                   {"domain": "ghost", "why": "its model is not in the repository", "get": "bestfit bench train typefaces"}], missing
PY
holds "the domain is a target all the same" test -e "$place/runs/standard/ghost.json"
runs 3 "in words" "$BESTFIT" bench run --bench bench --variant standard
complains "in words" 'typefaces, seed 1: arial is missing: not free: `bestfit bench fetch --only arial`'
collection "$domains" ""
echo x >>"$place/lato/target-labels.txt"
runs 7 "a label too many" run --variant standard
complains "a label too many" "has 181 labels, and the target has 180 items"
sed -i '$d' "$place/lato/target-labels.txt"
echo 180 >>"$place/lato/target-unseen.txt"
runs 5 "a row that is not there" run --variant standard
complains "a row that is not there" "line 91 is no number of a row below 180"
sed -i '$d' "$place/lato/target-unseen.txt"
echo '{"bestfit_collection": 1, "name": "../x"}' >"$place/collection.json"
runs 5 "a name that leaves the folder" run
complains "a name that leaves the folder" "'name' is not a plain name"
runs 3 "no such collection" run typeface
complains "no such collection" "did you mean 'typefaces'?"
runs 3 "no such variant" run --variant own
complains "no such variant" "there is no variant 'own'"
runs 5 "no such target, but the collection is read first" run --target nobody
runs 3 "no such strategy" run --strategies hist-jds
complains "no such strategy" "no strategy 'hist-jds'"
runs 3 "no folder" "$BESTFIT" bench run --bench nowhere
complains "no folder" 'run `bestfit bench train`'
finish
