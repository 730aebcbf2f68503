# The demo and the C example, as a new user runs them: output, regret, report without a network. By data alone the first choice for EB Garamond is within 3
# points of the best model; for Comic Neue it is not (examples/typefaces/README.md says why), and must not get worse.
. "$(dirname "$0")/cli_helpers.sh"
: "${BESTFIT_SOURCE_DIR:?BESTFIT_SOURCE_DIR is not set}"
build=$(dirname "$BESTFIT")
demo=$BESTFIT_SOURCE_DIR/examples/typefaces

runs 0 "the demo" env BESTFIT="$BESTFIT" "$demo/demo" "$work/demo"
says "the demo" "18 models in"
says "the demo" "eb-garamond"
says "the demo" "comic-neue"
says "the demo" "why: "
sed -n 's/.*Regret \([0-9.]*\);.*/\1/p' "$work/out" >"$work/regrets"
holds "two regrets are printed" test "$(wc -l <"$work/regrets")" = 2
holds "the first choice for EB Garamond is within 3 points" awk 'NR == 1 { exit !($1 <= 0.03) }' "$work/regrets"
holds "the first choice for Comic Neue is within 5 points" awk 'NR == 2 { exit !($1 <= 0.05) }' "$work/regrets"
for page in eb-garamond comic-neue; do
  holds "$page.html is a page" grep -q '</html>' "$work/demo/$page.html"
  holds "$page.html loads nothing" sh -c "! grep -qE '(src|href)=\"https?:' '$work/demo/$page.html'"
done
runs 0 "the demo's repository" "$BESTFIT" fsck --repo "$work/demo/repository"

# The truth is not read by the search: without the table the ranking is the same.
cp -r "$demo" "$work/blind"
rm "$work/blind/truth.csv"
cp "$work/demo/eb-garamond.json" "$work/with"
runs 0 "a search without the table" "$BESTFIT" search "$work/blind/data/eb-garamond/images-idx3-ubyte.gz" --repo "$work/demo/repository" --top 0 --json
holds "the ranking is the same" sh -c "grep -E '\"(id|score)\"' '$work/with' >a; grep -E '\"(id|score)\"' '$work/out' >b; cmp a b"

runs 0 "the C example" "$build/examples/rank_models" "$work/demo/repository" "$demo/data/eb-garamond/images-idx3-ubyte.gz"
says "the C example" "1	typefaces/"
runs 3 "the C example without a repository" "$build/examples/rank_models" "$work/none" "$demo/data/eb-garamond/images-idx3-ubyte.gz"
complains "the C example without a repository" "no repository"
finish
