#!/usr/bin/env bash
# search, compare, strategies and the report: order, JSON shape, what is skipped and why.
. "$(dirname "$0")/cli_helpers.sh"
table near.csv 400 0.05
table middle.csv 400 0.6
table far.csv 400 5
table target.csv 350 0
add() {
  model "$1.onnx" "$1"
  "$BESTFIT" add "$1.onnx" --no-run --data "$1.csv" --name "lab/$1" --domain "d-$1" --accuracy "$2" -q >/dev/null
}
add near 0.80
add middle 0.95
add far 0.90
printf 'a,b\n1,2\n3,4\n5,6\n7,9\n' >other.csv
add other 0.5
model bare.onnx bare
"$BESTFIT" add bare.onnx --name 'lab/bare' -q >/dev/null

runs 0 "search" "$BESTFIT" search target.csv --data-only
says "search tells the strategy" "similarity"
holds "the nearest is first" grep -Eq '^ *1  lab/near@1' out
holds "the farthest is last" grep -Eq '^ *3  lab/far@1' out
says "other columns are skipped" "lab/other@1:"
says "no sketch is skipped" "lab/bare@1:"
holds "reasons are indented under a place" grep -Eq '^        [^ ]' out

runs 0 "search --json" "$BESTFIT" search target.csv --data-only --json
cp out search.json
for key in bestfit_version seed target kind rows sketch_sha256 strategy data_only sample_rows trust grade novel no_suitable_model \
  reasons models rank id version domain expected_accuracy interval score measures skipped why timing_ms sketch load total; do
  says "search --json" "\"$key\":"
done
says "search --json: rows" '"rows": 350'
says "search --json: no accuracy from data only" '"expected_accuracy": null'
says "search --json: data only" '"data_only": true'
holds "search --json is one document" sh -c 'head -c1 out | grep -q "{" && tail -n1 out | grep -qx "}"'
runs 0 "the seed given is used and printed" "$BESTFIT" search target.csv --data-only --json --seed 7
says "the seed given" '"seed": 7'

runs 0 "sketch" "$BESTFIT" sketch target.csv -o target.sketch
runs 0 "search by a sketch" "$BESTFIT" search target.sketch --json
sed '/timing_ms/,$d' out >a.json
sed '/timing_ms/,$d' search.json >b.json
holds "a sketch ranks as its data do" cmp a.json b.json
runs 0 "search by a sketch from a pipe" sh -c '"$0" search - <target.sketch' "$BESTFIT"
says "search by a sketch from a pipe" "lab/near@1"

runs 0 "--top" "$BESTFIT" search target.csv --data-only --top 1
hides "--top" "lab/middle@1"
says "--top tells the rest" "and 2 more"
runs 0 "--exclude-domain" "$BESTFIT" search target.csv --data-only --exclude-domain d-near
holds "--exclude-domain" grep -Eq '^ *1  lab/middle@1' out
runs 0 "a named strategy" "$BESTFIT" search target.csv --data-only --strategy source-accuracy
holds "source-accuracy takes the most accurate" grep -Eq '^ *1  lab/middle@1' out

printf 'height,width,weight\n1,1\n' >ragged.csv
runs 0 "compare" "$BESTFIT" compare near.csv target.csv
says "compare" "hist-jsd"
says "compare" "lower"
runs 0 "compare one measure as JSON" "$BESTFIT" compare near.csv target.csv -m hist-jsd --json
says "compare --json" '"higher_is_closer": false'
hides "compare one measure" "mmd"
runs 0 "compare itself" "$BESTFIT" compare target.csv target.sketch -m hist-jsd --json
says "the same data have no divergence" '"value": 0.0'
runs 0 "compare a model of the repository" "$BESTFIT" compare lab/near target.csv -m hist-jsd
runs 0 "compare a version" "$BESTFIT" compare lab/near@1 target.csv -m hist-jsd
runs 0 "compare --raw" "$BESTFIT" compare near.csv target.csv --raw --json --partition-size 100
for name in paper-jsd paper-l2 paper-adaptivity; do says "compare --raw" "\"$name\""; done
runs 2 "--raw of a sketch" "$BESTFIT" compare near.csv target.sketch --raw
complains "--raw of a sketch" "needs rows"
runs 3 "compare what is not there" "$BESTFIT" compare lab/nera target.csv
complains "compare what is not there" "is no file"

runs 0 "strategies" "$BESTFIT" strategies
says "strategies" "paper-adaptivity"
runs 0 "strategies --json" "$BESTFIT" strategies --json
says "strategies --json" '"name": "similarity"'
names=$(grep -c '"name":' out)
"$BESTFIT" strategies >table.txt
holds "both list the same strategies" test "$names" = "$(($(wc -l <table.txt) - 1))"

# a hostile name: the title and the target's file name reach the page, but never as markup
cp target.csv '<script>alert(1)</script>.csv' 2>/dev/null || cp target.csv '<script>alert(1).csv'
hostile=$(ls | grep '^<script>')
{ printf '"<img src=x onerror=alert(2)>",b\n'; seq 1 40 | awk '{ print $1 "," 7 * $1 % 11 }'; } >evil.csv
runs 0 "search with a report" "$BESTFIT" search "$hostile" --report page.html --title '<b>"T" & co</b>'
says "the report's path is printed" "report: page.html"
holds "the page is there" test -s page.html
holds "the file name is escaped" grep -qF '&lt;script&gt;alert(1)' page.html
holds "no markup from the file name" sh -c '! grep -qF "<script>alert" page.html'
holds "the title is escaped" grep -qF '&lt;b&gt;&quot;T&quot; &amp; co&lt;/b&gt;' page.html
holds "nothing is fetched" sh -c '! grep -Eqi "(src|href)=\"?(https?:)?//" page.html'
holds "scripts are allowed by hash only" grep -q "script-src 'sha256-" page.html
holds "no evaluation is allowed" sh -c '! grep -q "unsafe-eval" page.html'
holds "four scripts, as many hashes" sh -c 'test "$(grep -o "'"'"'sha256-" page.html | wc -l)" = 4'
holds "there are plots" grep -q 'data-plot="plot-0"' page.html
runs 0 "the page again" "$BESTFIT" search "$hostile" --report again.html --title '<b>"T" & co</b>' -q
holds "equal inputs give an equal page" cmp page.html again.html
model evil.onnx evil
runs 0 "a model with a hostile column" "$BESTFIT" add evil.onnx --no-run --data evil.csv --name lab/evil
runs 0 "its report" "$BESTFIT" search evil.csv --report evil.html
holds "no markup from a column name" sh -c '! grep -qF "<img src=x" evil.html'
runs 3 "a report into a folder that is not there" "$BESTFIT" search target.csv --data-only --report nowhere/page.html
finish
