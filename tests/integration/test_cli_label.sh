# bestfit label: rows that are asked, answers typed and from a file, files that are no answers, what is kept.
. "$(dirname "$0")/cli_helpers.sh"
models=$BESTFIT_SOURCE_DIR/tests/models
typefaces=$BESTFIT_SOURCE_DIR/examples/typefaces
target=$typefaces/data/comic-neue/images-idx3-ubyte.gz
for name in lato ocr-a klee-one dancing-script; do
  data=$typefaces/data/$name
  runs 0 "add $name" "$BESTFIT" add "$typefaces/models/$name.onnx" --data "$data/train-images-idx3-ubyte.gz" --label "$data/train-labels.txt" \
    --no-experience --validation "$data/valid-images-idx3-ubyte.gz" --validation-label "$data/valid-labels.txt"
done
number() { sed -n "s/^ *\"$1\": \([^,]*\),*\$/\1/p" "$work/out" | head -n 1; }
is() { holds "$1" test "$2" = "$3"; }
# answered FILE: the rows printed to out with their true labels (row 0 of the data is line 1 of the labels)
answered() {
  awk -F , 'NR == FNR { truth[NR - 1] = $0; next } FNR == 1 { print "row,label"; next } { print $1 "," truth[$1] }' \
    "$typefaces/data/comic-neue/labels.txt" out >"$1"
}

# ---- asking elsewhere ----
runs 0 "search offers it" "$BESTFIT" search "$target"
says "search offers it" "a few labels can decide between the first places: bestfit label $target"
runs 0 "not where nothing was run" "$BESTFIT" search "$target" --data-only
hides "not where nothing was run" "bestfit label"
runs 0 "not where another rule was asked for" "$BESTFIT" search "$target" --strategy confidence
hides "not where another rule was asked for" "bestfit label"
runs 0 "before any answer" "$BESTFIT" label "$target" --json
is "no answers" "$(number answers)" 0
is "not settled" "$(number settled)" false
is "the belief without experience" "$(number belief)" '"similarity-agreement"'
is "nothing is written" "$(ls ./*.answers.csv 2>/dev/null | wc -l)" 0
first=$(number chosen)
runs 0 "rows to ask as CSV" "$BESTFIT" label "$target" --ask 40
says "its header" "row,label,content"
is "as many as asked for" "$(wc -l <out)" 41
is "no row twice" "$(tail -n +2 out | cut -d , -f 1 | sort -u | wc -l)" 40
cp out asked.csv
runs 0 "the same rows again" "$BESTFIT" label "$target" --ask 40
holds "the same rows again" cmp out asked.csv
answered forty.csv
runs 0 "the answers come back" "$BESTFIT" label "$target" --answers forty.csv --json
is "all are taken" "$(number answers)" 40
says "how right advice was" '"settled_right_percent"'
chosen=$(number chosen | tr -d '"')
cp out forty.json
for id in lato ocr-a klee-one dancing-script; do
  runs 0 "truth of $id" "$BESTFIT" evaluate "typefaces/$id" "$target" --label "$typefaces/data/comic-neue/labels.txt" --json
  printf '%s %s\n' "$(number accuracy)" "typefaces/$id" >>truth
done
sort -rn truth >sorted
holds "the model chosen is within two points of the best" awk -v id="$chosen" 'NR == 1 { best = $1 } $2 == id { found = best - $1 <= 0.02 } END { exit !found }' sorted
runs 0 "in words" "$BESTFIT" label "$target" --answers forty.csv --batch
says "in words" "after 40 answers"
says "in words" "$chosen@1"
runs 0 "rows that are answered are not asked again" "$BESTFIT" label "$target" --answers forty.csv --ask 40
holds "rows that are answered are not asked again" sh -c 'cut -d , -f 1 forty.csv | sort >a; tail -n +2 out | cut -d , -f 1 | sort >b; test -z "$(comm -12 a b)"'
cp forty.csv before.csv

# ---- typing ----
label=$(sed -n 2p forty.csv | cut -d , -f 2)
runs 0 "typed answers" sh -c 'printf "?\nnonsense\n\n  %s  \ns\nq\n" "$1" | "$0" label "$2" --answers typed.csv' "$BESTFIT" "$label" "$target"
says "what is no class" "'nonsense' is none of the classes"
says "the row asked" "$(sed -n 2p forty.csv | sed 's/^\([0-9]*\),.*/row \1/')"
says "after it" "after 1 answer"
says "what to take" "to take: $(printf %s "$first" | tr -d '"')@1"
is "the file has the answer and the row skipped" "$(wc -l <typed.csv)" 3
is "the answer" "$(sed -n 2p typed.csv)" "$(sed -n 2p forty.csv)"
holds "the skipped row has no label" sh -c 'sed -n 3p typed.csv | grep -Eq "^[0-9]+,$"'
runs 0 "it goes on where it ended, and ends with the input" sh -c 'printf "%s" "$1" | "$0" label "$2" --answers typed.csv' "$BESTFIT" "$label" "$target"
complains "it goes on where it ended" "answers are kept in typed.csv (2 there already)"
says "an answer without a line end counts" "after 2 answers"
is "one line more" "$(wc -l <typed.csv)" 4
runs 0 "a skipped row is not asked again" "$BESTFIT" label "$target" --answers typed.csv --ask 500
holds "a skipped row is not asked again" sh -c '! grep -q "^$(sed -n 3p typed.csv | cut -d , -f 1)," out'
runs 0 "the budget" sh -c 'yes "$1" | "$0" label "$2" --answers budget.csv --budget 3' "$BESTFIT" "$label" "$target"
says "the budget" "the budget of 3 answers is used up"
is "the budget" "$(wc -l <budget.csv)" 4
runs 0 "without a name the answers are kept beside one" sh -c 'echo "$1" | "$0" label "$2"' "$BESTFIT" "$label" "$target"
is "its file" "$(wc -l <images-idx3-ubyte.gz.answers.csv)" 2
runs 0 "an annotation tool's columns stay" sh -c 'printf "id,label,row\r\n7,%s,%s" "$1" "$2" >tool.csv; echo "$1" | "$0" label "$3" --answers tool.csv --budget 2' \
  "$BESTFIT" "$label" "$(sed -n 3p forty.csv | cut -d , -f 1)" "$target"
is "three columns each line" "$(grep -c '^[^,]*,[^,]*,[^,]*$' tool.csv)" 3
runs 0 "and are read again" "$BESTFIT" label "$target" --answers tool.csv --json
is "and are read again" "$(number answers)" 2

# ---- files that are no answers: said, and nothing is lost ----
refuses() { # CODE NAME TEXT WORDS
  printf "$3" >bad.csv
  cp bad.csv kept.csv
  runs "$1" "$2" "$BESTFIT" label "$target" --answers bad.csv --batch
  complains "$2" "$4"
  runs "$1" "$2, typing" sh -c 'echo "$1" | "$0" label "$2" --answers bad.csv' "$BESTFIT" "$label" "$target"
  holds "$2: the file is as it was" cmp bad.csv kept.csv
}
refuses 7 "a class that no model has" "row,label\n3,A\n4,unicorn\n" "line 3: no model has the class 'unicorn'; they have 0, 1"
refuses 7 "a row that is not there" "row,label\n3,A\n99999,A\n" "line 3: the data have no row 99999; their rows are 0 to "
refuses 5 "a row answered twice" "row,label\n3,A\n4,B\n3,B\n" "row 3 is answered twice, 'A' in line 2 and 'B' in line 4"
refuses 5 "not CSV" "\211PNG and so on" "is no file of answers"
refuses 5 "zero bytes" "row,label\n3,A\0\n" "zero bytes"
refuses 5 "a row that is no number" "row,label\n-3,A\n" "'-3' is no number of a row"
refuses 5 "a quote that is not closed" 'row,label\n3,"A\n' "a quote is not closed"
refuses 5 "columns that differ" "row,label\n3,A,7\n" "3 columns, the first line has 2"
runs 0 "a file of nothing" sh -c ': >empty.csv; "$0" label "$1" --answers empty.csv --json' "$BESTFIT" "$target"
runs 3 "no such file" "$BESTFIT" label "$target" --answers none.csv --batch
runs 2 "a sketch" sh -c '"$0" sketch "$1" -o t.sketch -q && "$0" label t.sketch' "$BESTFIT" "$target"
runs 2 "answers into the data" "$BESTFIT" label "$target" --answers "$target"
runs 2 "another metric" "$BESTFIT" label "$target" --metric recall
runs 14 "F1 of a class that is not there" "$BESTFIT" label "$target" --metric f1 --positive unicorn --json
runs 0 "F1" "$BESTFIT" label "$target" --metric f1 --positive A --answers forty.csv --json
is "F1" "$(number metric)" '"f1"'
runs 9 "a file that cannot be written" sh -c 'echo "$1" | "$0" label "$2" --answers .' "$BESTFIT" "$label" "$target"
holds "what was given is as it was" cmp forty.csv before.csv

# ---- rows of the sample alone ----
runs 0 "answers to rows outside of the sample" "$BESTFIT" label "$target" --sample 50 --answers forty.csv --json
complains "they are counted" "not in the sample of 50 rows"
is "they do not count" "$(($(number answers) + $(number answers_outside_the_sample)))" 40

# ---- the report ----
runs 0 "a report with thumbnails" "$BESTFIT" label "$target" --answers forty.csv --ask 5 --report page.html
holds "rows to label" grep -q "<h2>Rows to label</h2>" page.html
holds "their pictures" sh -c "test \"\$(sed -n '/Rows to label/,/<.section>/p' page.html | grep -c '<img')\" = 5"
holds "rows labelled" sh -c "test \"\$(sed -n '/Rows labelled/,/<.section>/p' page.html | grep -c '<strong>')\" = 40"
runs 4 "no report over the answers" "$BESTFIT" label "$target" --answers forty.csv --batch --report forty.csv

# ---- other kinds ----
labelled train.csv 300 0
labelled valid.csv 200 0
labelled lyon.csv 150 0.3
cut -d , -f 1-3 lyon.csv >target.csv
model m.onnx one
export BESTFIT_REPO=$work/tables
runs 0 "a model of tables" "$BESTFIT" add m.onnx --data train.csv --label verdict --validation valid.csv --name lab/a --classes no,yes
runs 14 "one model alone" "$BESTFIT" label target.csv --json
complains "one model alone" "there is only one"
model n.onnx two
runs 0 "another" "$BESTFIT" add n.onnx --data lyon.csv --label verdict --validation lyon.csv --name lab/b --classes yes,no
runs 0 "columns are shown" "$BESTFIT" label target.csv --ask 2
says "columns are shown" "height = "
runs 0 "by number" sh -c 'printf "3\n2\nq\n" | "$0" label target.csv' "$BESTFIT"
says "by number" "'3' is none of the classes"
is "by number" "$(sed -n 2p target.csv.answers.csv | cut -d , -f 2)" yes
finish
