#!/usr/bin/env bash
# bench report: pages and results of a small folder, results alone, the README's table, exit codes.
. "$(dirname "$0")/cli_helpers.sh"
unset BESTFIT_DATA XDG_CACHE_HOME

# ---- two collections of four targets, every score and accuracy made of the numbers of domain and target
domain() { printf '{"name": "d%s", "title": "D", "group": "g%s", "origin": "o%s", "stranger": false, "rows": 50, "has_model": true}' "$1" $(($1 / 2)) "$1"; }
collection() { # NAME WORKLOAD
  mkdir -p "bench/seed-1/$1/runs/standard"
  printf '{"bestfit_collection": 1, "name": "%s", "title": "%s", "workload": "%s", "kind": "features", "seed": 1, "key": "k", "headline": true, "metric": "accuracy", "f1": null, "datasets": [], "domains": [%s, %s, %s, %s], "missing": [{"domain": "gone", "why": "not here", "get": "bestfit bench fetch --only %s-data"}]}\n' \
    "$1" "$1" "$2" "$(domain 0)" "$(domain 1)" "$(domain 2)" "$(domain 3)" "$1" >"bench/seed-1/$1/collection.json"
  for t in 0 1 2 3; do
    awk -v t=$t -v name="$1" 'BEGIN {
      printf "{\"bestfit_run\": 1, \"collection\": \"%s\", \"seed\": 1, \"variant\": \"standard\", \"target\": \"d%d\", \"models\": [", name, t
      for (m = 0; m < 4; m++) if (m != t) {
        a = 0.9 - 0.1 * (m > t ? m - t : t - m)
        models = models (models ? ", " : "") sprintf("{\"domain\": \"d%d\", \"accuracy\": %.2f, \"source_accuracy\": 0.95}", m, a)
        right = right (right ? ", " : "") a
        wrong = wrong (wrong ? ", " : "") (0 - a)
      }
      printf "%s], \"strategies\": [{\"name\": \"auto\", \"family\": \"learned\", \"scores\": [%s], \"seconds\": 0.1, \"bytes\": 10},", models, right
      printf "{\"name\": \"source-accuracy\", \"family\": \"baseline\", \"scores\": [%s], \"seconds\": 0.1, \"bytes\": 10}]}\n", wrong
    }' >"bench/seed-1/$1/runs/standard/d$t.json"
  done
}
collection dsads "activity recognition"
collection digits "image recognition"

runs 0 "a report" "$BESTFIT" bench report --bench bench
says "a report" "| strategy | what it needs | macro-average | DSADS, 4 | digits, 4 |"
says "a report" "**.000 [.000, .000] / 1.00 [1.00, 1.00]**"
complains "a report" "written: bench/report.html, bench/report.md"
complains "what is missing is said" "6 things are missing from the figures"
holds "the page" grep -q '<svg' bench/report.html
holds "the command for what is missing" grep -q 'bestfit bench fetch --only dsads-data' bench/report.md
holds "the results" grep -q '"bestfit_results":1' bench/results.json

runs 0 "--json" "$BESTFIT" bench report --bench bench --json
holds "--json prints the results" cmp <(cat bench/results.json; echo) out
runs 0 "--readme" "$BESTFIT" bench report --bench bench --readme
cp out readme
runs 0 "results alone" "$BESTFIT" bench report --results bench/results.json --readme
holds "the same table of the results alone" cmp readme out
mkdir -p other
runs 0 "a page of results alone" "$BESTFIT" bench report --results bench/results.json -o other/page.html --markdown other/page.md
holds "the same page of the results alone" cmp other/page.html bench/report.html
holds "the same Markdown of the results alone" cmp other/page.md bench/report.md
holds "nothing else is written" test "$(ls other | wc -l)" = 2

# reasons: notes.json beside the results
echo '{"prototype": {"dsads.source-accuracy": "made up numbers"}}' >bench/notes.json
runs 0 "reasons" "$BESTFIT" bench report --results bench/results.json --markdown other/page.md
holds "a reason is shown" grep -q 'made up numbers' other/page.md
echo '[' >bench/notes.json
runs 5 "reasons that are no JSON" "$BESTFIT" bench report --bench bench
complains "reasons that are no JSON" "notes.json is not JSON"
rm bench/notes.json

runs 3 "no folder" "$BESTFIT" bench report --bench nowhere
complains "no folder" "bestfit bench train"
runs 3 "no results" "$BESTFIT" bench report --results nowhere.json
echo '{"bestfit_run": 1' >bench/seed-1/dsads/runs/standard/d0.json
runs 5 "a damaged run" "$BESTFIT" bench report --bench bench
complains "a damaged run" "dsads/runs/standard/d0.json: not JSON"
echo 'mine' >mine.html
runs 4 "a page over another file" "$BESTFIT" bench report --results bench/results.json -o mine.html
holds "that file is untouched" grep -q mine mine.html

# ---- the README's table is that of the last committed result
source_dir=$BESTFIT_SOURCE_DIR
last=$(find "$source_dir/bench/results" -name '20*.json' 2>/dev/null | sort | tail -1)
if [ -z "$last" ]; then
  echo "skipped: no result is committed (bench/results/DATE.json), so the README has no table to compare"
else
  "$BESTFIT" bench report --results "$last" --readme >expected
  sed -n '/^<!-- results -->$/,/^<!-- \/results -->$/p' "$source_dir/README.md" | sed '1d;$d' >shown
  # blank lines around the table are free
  holds "README.md between <!-- results --> and <!-- /results --> is what bench report --readme prints of $(basename "$last")" \
    diff -B expected shown
fi
finish
