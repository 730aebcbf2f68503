# The demo and the C example, as a new user runs them: output, regret, report without a network. The first choice for both families is within 3 points of
# the best model, and the truth that the demo measures is that of the training script.
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
holds "the first choice for Comic Neue is within 3 points" awk 'NR == 2 { exit !($1 <= 0.03) }' "$work/regrets"
for target in eb-garamond comic-neue; do
  holds "the accuracies on $target are those of the training script" awk -v target="$target" -F '[, ]' '
    FNR == NR { if ($1 == target) said[$2] = $3; next }
    { n++; d = $2 - said[$1]; if (d > 0.0001 || d < -0.0001) exit 1 } END { exit n != 18 }' "$demo/truth.csv" "$work/demo/$target.truth"
done
for page in eb-garamond comic-neue; do
  holds "$page.html is a page" grep -q '</html>' "$work/demo/$page.html"
  holds "$page.html loads nothing" sh -c "! grep -qE '(src|href)=\"https?:' '$work/demo/$page.html'"
done
runs 0 "the demo's repository" "$BESTFIT" fsck --repo "$work/demo/repository"

# The truth is not read by the search: without the labels and the table the ranking is the same.
mkdir -p "$work/blind/data/eb-garamond"
cp "$demo/data/eb-garamond/images-idx3-ubyte.gz" "$work/blind/data/eb-garamond"
cp "$work/demo/eb-garamond.json" "$work/with"
runs 0 "a search without the labels" "$BESTFIT" search "$work/blind/data/eb-garamond/images-idx3-ubyte.gz" --repo "$work/demo/repository" --top 0 --json
holds "the ranking is the same" sh -c "grep -E '\"(id|score)\"' '$work/with' >a; grep -E '\"(id|score)\"' '$work/out' >b; cmp a b"

runs 0 "the C example" "$build/examples/rank_models" "$work/demo/repository" "$demo/data/eb-garamond/images-idx3-ubyte.gz"
says "the C example" "1	typefaces/"
runs 3 "the C example without a repository" "$build/examples/rank_models" "$work/none" "$demo/data/eb-garamond/images-idx3-ubyte.gz"
complains "the C example without a repository" "no repository"
finish
