#!/usr/bin/env bash
# bench fetch: files in BESTFIT_DATA, downloads from a server on this machine, what cannot be had, exit codes.
. "$(dirname "$0")/cli_helpers.sh"
: "${BESTFIT_TEST_PROGRAMS:?BESTFIT_TEST_PROGRAMS is not set}"
real_data=${BESTFIT_DATA:-}
unset BESTFIT_DATA BESTFIT_FETCH_BASE XDG_CACHE_HOME
export no_proxy=127.0.0.1
C1=1111111111111111111111111111111111111111 C2=2222222222222222222222222222222222222222

# ---- what is published: two repositories
mkdir -p served/lab/one/$C1/sub served/lab/two/$C2
table served/lab/one/$C1/sub/plain.csv 2000 0
table "served/lab/one/$C1/with blank & %.csv" 50 1
table served/lab/two/$C2/text.csv 3000 2
hash() { sha256sum "$1" | cut -d ' ' -f 1; }
size() { stat -c %s "$1"; }
# ---- the dataset that a manifest describes: published, compressed and derived files
mkdir -p right/alpha/packed right/beta
cp served/lab/one/$C1/sub/plain.csv right/alpha/plain.csv
cp "served/lab/one/$C1/with blank & %.csv" right/alpha/odd.csv
gzip -9nc served/lab/two/$C2/text.csv >right/alpha/packed/text.csv.gz
head -20 right/alpha/plain.csv | gzip -9nc >right/beta/made.csv.gz
cp right/alpha/odd.csv right/beta/odd.csv
entry() { printf '{"path": "%s", "bytes": %s, "sha256": "%s", %s}' "$2" "$(size "$1/$2")" "$(hash "$1/$2")" "$3"; }
unpacked() { gzip -dc "$1" >x; printf '"unpacked_bytes": %s, "unpacked_sha256": "%s"' "$(size x)" "$(hash x)"; }
manifest() {
  printf '{"bestfit_manifest": 1, "name": "%s", "title": "Rows of %s", "workload": "tests", "kind": "features",\n' "$1" "$1"
  printf '"license": "CC0-1.0", "citation": ["A. Author: Rows. 2022."],\n'
  printf '"sources": {"one": {"host": "github.com", "repository": "lab/one", "commit": "%s"},' $C1
  printf '"two": {"host": "github.com", "repository": "lab/two", "commit": "%s"}},\n' $C2
  printf '"recipes": {"cut": "The first twenty lines of plain.csv."},\n"files": [\n%s\n]}\n' "$2"
}
mkdir manifests
manifest alpha "$(entry right/alpha plain.csv '"made": "published", "source": "one", "from": "sub/plain.csv"'),
$(entry right/alpha odd.csv '"made": "published", "source": "one", "from": "with blank & %.csv"'),
$(entry right/alpha packed/text.csv.gz "\"made\": \"gzip\", \"source\": \"two\", \"from\": \"text.csv\", $(unpacked right/alpha/packed/text.csv.gz)")" \
  >manifests/alpha.json
manifest beta "$(entry right/beta odd.csv '"made": "published", "source": "one", "from": "with blank & %.csv"'),
$(entry right/beta made.csv.gz "\"made\": \"derived\", \"recipe\": \"cut\", $(unpacked right/beta/made.csv.gz)")" >manifests/beta.json

# ---- the server, which ends with its standard input
mkfifo running
"$BESTFIT_TEST_PROGRAMS/serve_folder" served <running >port &
server=$!
exec 9>running
trap 'exec 9>&-; wait $server; chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break || sleep 0.05; done
url=http://127.0.0.1:$(cat port)
fetch() { "$BESTFIT" bench fetch --manifests manifests --attempts 2 "$@"; }
export -f fetch

runs 0 "all files in BESTFIT_DATA" env BESTFIT_DATA=right "$BESTFIT" bench fetch --manifests manifests
says "all files in BESTFIT_DATA" "alpha      3/3"
says "all files in BESTFIT_DATA" "BESTFIT_DATA  complete"
holds "nothing was downloaded" test ! -e .cache

runs 0 "a dataset is downloaded" fetch --only alpha --base-url "$url/plain"
says "a dataset is downloaded" "complete, fetched now"
holds "published bytes are kept" cmp .cache/bestfit/datasets/alpha/plain.csv right/alpha/plain.csv
holds "a path with blanks and marks" cmp .cache/bestfit/datasets/alpha/odd.csv right/alpha/odd.csv
gzip -dc .cache/bestfit/datasets/alpha/packed/text.csv.gz >text.csv
holds "what is compressed here has the published content" cmp text.csv served/lab/two/$C2/text.csv
holds "nothing else is left there" test "$(find .cache -type f | wc -l)" = 3
runs 0 "a second time nothing is asked" fetch --only alpha --base-url "http://127.0.0.1:1"
says "a second time nothing is asked" "downloads"

mkdir cache
export XDG_CACHE_HOME=$work/cache
BESTFIT_FETCH_BASE=$url/cut-20000 runs 0 "cut connections go on" fetch --only alpha
holds "XDG_CACHE_HOME is used" cmp cache/bestfit/datasets/alpha/plain.csv right/alpha/plain.csv
runs 0 "redirects are followed" fetch --only alpha --to hops --base-url "$url/hops-3"
holds "redirects are followed" cmp hops/alpha/plain.csv right/alpha/plain.csv
runs 9 "too many are not" fetch --only alpha --to none --base-url "$url/hops-9"
complains "too many are not" "1 of 1 datasets are incomplete, first alpha"
runs 9 "redirects to files are not" fetch --only alpha --to none --base-url "$url/tofile"
runs 0 "ranges ignored" fetch --only alpha --to ranges --base-url "$url/norange"
runs 0 "a slow answer" fetch --only alpha --to slow --base-url "$url/slow-100"
runs 9 "no answer" fetch --only alpha --to stall --base-url "$url/stall-7" --stall 2 --attempts 1
complains "no answer" "nothing came from"
holds "what came is kept" test "$(size stall/alpha/plain.csv.part)" = 7
runs 0 "and used by the next call" fetch --only alpha --to stall --base-url "$url/plain"
holds "and used by the next call" cmp stall/alpha/plain.csv right/alpha/plain.csv

runs 6 "wrong bytes" fetch --only alpha --to wrong --base-url "$url/wrong"
complains "wrong bytes" "has other bytes than expected: SHA-256"
complains "wrong bytes: by hand" "Source: https://github.com/lab/one at commit $C1"
complains "wrong bytes: by hand" "Put files into wrong/alpha"
holds "wrong bytes are not kept" test -z "$(find wrong -type f)"
runs 3 "not there any more" fetch --only alpha --to gone --base-url "$url/status-404"
complains "not there any more" "is not there (the server says 404)"
runs 9 "no server" fetch --only alpha --to gone --base-url "http://127.0.0.1:1" --attempts 1
complains "no server" "not tried, because two files before could not be fetched"

runs 3 "what no download gives" fetch --to half --base-url "$url/plain"
says "what no download gives" "1 to be made by hand"
complains "what no download gives" "made.csv.gz: The first twenty lines of plain.csv."
complains "what no download gives" "bestfit bench fetch --only beta"
gzip -1c <(gzip -dc right/beta/made.csv.gz) >half/beta/made.csv.gz
runs 0 "made by hand, packed by another program" fetch --only beta --to half --offline
echo more >>half/beta/odd.csv
runs 3 "a file that was changed" fetch --only beta --to half --offline
complains "a file that was changed" "odd.csv: published; not looked for"
runs 0 "is fetched again" fetch --only beta --to half --base-url "$url/plain"
holds "is fetched again" cmp half/beta/odd.csv right/beta/odd.csv

# BESTFIT_DATA with one file missing and one changed: the dataset becomes whole elsewhere, what is there stays
cp -r right partly
rm partly/alpha/odd.csv
echo more >>partly/alpha/plain.csv
cp partly/alpha/plain.csv changed.csv
BESTFIT_DATA=partly runs 0 "partly in BESTFIT_DATA" fetch --to whole --base-url "$url/plain"
complains "partly in BESTFIT_DATA" "warning: partly/alpha/plain.csv is not the file that the manifest means"
for file in plain.csv odd.csv packed/text.csv.gz; do holds "whole: $file" cmp whole/alpha/$file right/alpha/$file; done
holds "what is in BESTFIT_DATA stays as it is" cmp partly/alpha/plain.csv changed.csv
holds "nothing is added to it" test ! -e partly/alpha/odd.csv
holds "a dataset that is whole is not copied" test ! -e whole/beta
holds "copies need no download" test "$(find whole -type f | wc -l)" = 3

BESTFIT_DATA=right runs 3 "JSON" fetch --to half --only alpha --only beta --json --offline --manifests nowhere
complains "no manifests" '"code":"not-found"'
BESTFIT_DATA=partly runs 0 "JSON" fetch --to whole --json --offline
says "JSON" '"state": "found"'
says "JSON" '"state": "cached"'
says "JSON" '"license": "CC0-1.0"'
says "JSON" '"missing": []'
says "JSON" "\"url\": \"https://raw.githubusercontent.com/lab/one/$C1/with%20blank%20%26%20%25.csv\""
runs 3 "JSON of what is missing" fetch --to nothing --json --offline
says "JSON of what is missing" '"recipe": "The first twenty lines of plain.csv."'
says "JSON of what is missing" '"complete": false'
complains "JSON of what is missing" '{"error":{"code":"not-found","message":"2 of 2 datasets are incomplete, first alpha"'
runs 6 "JSON of an error" fetch --to nothing --json --base-url "$url/long-3"
says "JSON of an error" '"code": "corrupt"'

runs 3 "an unknown dataset" fetch --only alpa
complains "an unknown dataset" "there is no dataset 'alpa' (did you mean 'alpha'?)"
runs 2 "a mirror that is no address" fetch --to mirror --only alpha --base-url "ftp://127.0.0.1"
cp manifests/alpha.json manifests/twin.json
runs 4 "two of one name" fetch --offline
sed 's/"path": "odd.csv"/"path": "..\/odd.csv"/' manifests/alpha.json >manifests/twin.json
runs 5 "a path that leads out" fetch --base-url "$url/plain"
complains "a path that leads out" "twin.json: file 2: 'path' is not valid"
rm manifests/twin.json

# an interrupt keeps what came
timeout -s INT 3 "$BESTFIT" bench fetch --manifests manifests --only alpha --to cancelled --base-url "$url/stall-1000" >out 2>err && code=0 || code=$?
holds "an interrupt is code 130 (timeout: 124)" test "$code" = 124 -o "$code" = 130
complains "an interrupt" "was cancelled"
holds "an interrupt keeps what came" test "$(size cancelled/alpha/plain.csv.part)" = 1000

runs 2 "bench alone" "$BESTFIT" bench
complains "bench alone" "bench fetch"
runs 2 "no such command" "$BESTFIT" bench fecth
complains "no such command" "(did you mean 'fetch'?)"
runs 0 "help bench" "$BESTFIT" help bench
says "help bench" "bench fetch"
runs 0 "help bench fetch" "$BESTFIT" help bench fetch
says "help bench fetch" "--only NAME"
runs 0 "bench fetch --help" "$BESTFIT" bench fetch --help
says "bench fetch --help" "--only NAME"

# the manifests that come with bestfit
unset BESTFIT_FETCH_BASE
runs 3 "the manifests that come with bestfit" env BESTFIT_SHARE=/nowhere "$BESTFIT" bench fetch --offline --json
holds "18 datasets" test "$(grep -c '"workload"' out)" = 18
if [ -n "$real_data" ]; then
  BESTFIT_DATA=$real_data runs 0 "every file of the real datasets is as its manifest says" "$BESTFIT" bench fetch --offline
fi
finish
