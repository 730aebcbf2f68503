# What a repository learns from its own labelled domains: expected accuracies, explanations, F1, the vote of all models.
. "$(dirname "$0")/cli_helpers.sh"
faces=$BESTFIT_SOURCE_DIR/examples/typefaces
data_of() { echo "$faces/data/$1"; }
add_face() {
  "$BESTFIT" add "$faces/models/$1.onnx" --data "$(data_of "$1")/train-images-idx3-ubyte.gz" --label "$(data_of "$1")/train-labels.txt" \
    --validation "$(data_of "$1")/valid-images-idx3-ubyte.gz" --validation-label "$(data_of "$1")/valid-labels.txt" --keep-validation "${@:2}" >/dev/null 2>&1
}
target=$(data_of eb-garamond)/images-idx3-ubyte.gz
mapfile -t names < <(basename -s .onnx "$faces"/models/*.onnx)
for name in "${names[@]:0:3}"; do add_face "$name" || echo "add failed"; done

# ---- too little experience ----
runs 0 "three labelled domains" "$BESTFIT" search "$target" --json
says "three are too few to learn from" '"strategy": "similarity-agreement"'
says "nothing is expected then" '"expected_accuracy": null'
runs 14 "stage-1 with three" "$BESTFIT" search "$target" --strategy stage-1
runs 14 "the vote with three" "$BESTFIT" predict --ensemble "$target" -o vote.csv
complains "the vote: what it takes" "8 labelled domains"
holds "nothing is written" test ! -e vote.csv
learnt=repo/cache/experience-image-accuracy-0.bin
holds "and nothing is kept" test ! -e repo/cache
for name in "${names[@]:3:2}"; do add_face "$name" || echo "add failed"; done
holds "add has learnt" test -s $learnt
cp -r repo other && rm -r other/cache
add_face "${names[5]}" --repo other --no-experience || echo "add failed"
holds "add --no-experience has not" test ! -e other/cache
cp $learnt before
runs 0 "five labelled domains" "$BESTFIT" search "$target" --json
says "five: the first stage" '"strategy": "stage-1"'
holds "what add has learnt is what the search needs" cmp $learnt before
holds "and it was not written again" test ! $learnt -nt before

# ---- enough ----
for name in "${names[@]:5:5}"; do add_face "$name" || echo "add failed"; done
runs 0 "ten labelled domains" "$BESTFIT" search "$target" --json
says "ten: both stages" '"strategy": "auto"'
says "ten" '"labelled_domains": 10'
says "ninety pairs" '"pairs": 90'
first=$(sed -n 's/^ *"id": "\(typefaces\/[^"]*\)".*/\1/p' out | head -1)
within=$("$BESTFIT" evaluate "$first" "$target" --label "$(data_of eb-garamond)/labels.txt" --json | sed -n 's/^  "accuracy": \([0-9.e-]*\),*$/\1/p')
holds "the interval of the first holds its accuracy ($within)" awk -v a="$within" '
  /"interval": \[/ { getline low; getline high; sub(/,/, "", low); exit } END { exit !(a >= low + 0 && a <= high + 0) }' out
cp out first.json
runs 0 "again" "$BESTFIT" search "$target" --json
holds "the same answer" sh -c 'sed "/timing_ms/,\$d" first.json >a; sed "/timing_ms/,\$d" out >b; cmp a b'
printf x >>$learnt
runs 0 "with a damaged file of what was learnt" "$BESTFIT" search "$target" --json
holds "still the same answer" sh -c 'sed "/timing_ms/,\$d" out >b; cmp a b'
runs 0 "a domain left out" "$BESTFIT" search "$target" --exclude-domain "${names[0]}" --json
says "a domain left out" '"labelled_domains": 9'

# ---- explanations ----
runs 0 "explain the first" "$BESTFIT" search "$target" --explain "$first"
for heading in "place 1 of 10 by auto" "what speaks for it" "its data against the target" "which models agree with it" "what the estimate rests on" \
  "nearest to these data its accuracy was"; do
  says "explain: $heading" "$heading"
done
runs 0 "explain as JSON" "$BESTFIT" search "$target" --explain "$first" --json
says "explain as JSON" '"rests_on": ['
runs 3 "explain what is not there" "$BESTFIT" search "$target" --explain lab/none
complains "explain what is not there" "no model 'lab/none' took part"

# ---- F1 ----
runs 0 "macro-F1" "$BESTFIT" search "$target" --metric macro-f1 --json
says "macro-F1" '"metric": "macro-f1"'
says "macro-F1" '"expected_macro_f1": 0'
runs 14 "F1 of which class?" "$BESTFIT" search "$target" --metric f1
complains "F1 of which class?" "F1 of which class"
runs 0 "F1 of one class" "$BESTFIT" search "$target" --metric f1 --positive A --json
says "F1 of one class" '"expected_f1": 0'
runs 2 "no such metric" "$BESTFIT" search "$target" --metric auc
complains "no such metric" "use accuracy, macro-f1 or f1"
runs 2 "a class without F1" "$BESTFIT" search "$target" --positive A

# ---- agreement on the line ----
runs 0 "aline from what the models did on the same labelled rows" "$BESTFIT" search "$target" --strategy aline --json
says "aline" '"strategy": "aline"'

# ---- the vote ----
runs 0 "the vote of all" "$BESTFIT" predict --ensemble "$target" -o vote.csv --json
says "the vote" '"models": 10'
right=$(paste -d , <(tail -n +2 vote.csv) "$(data_of eb-garamond)/labels.txt" | tr -d '"' | awk -F, '{ n++; r += $2 == $3 } END { print r / n }')
holds "the vote is right at least as often as 0.03 below the first place ($right, $within)" awk -v a="$right" -v b="$within" 'BEGIN { exit !(a >= b - 0.03) }'
runs 2 "the vote takes no model" "$BESTFIT" predict --ensemble "$first" "$target"
runs 2 "the vote is written as CSV" "$BESTFIT" predict --ensemble "$target" -o vote.npy
runs 0 "the repository is whole" "$BESTFIT" fsck
runs 0 "what was learnt is freed" "$BESTFIT" fsck --gc
holds "what was learnt is freed" test ! -e $learnt
finish
