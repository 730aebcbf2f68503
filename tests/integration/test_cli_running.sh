# Running models from the command line: add with validation rows, predict, evaluate, search by what the models say, and models that misbehave.
. "$(dirname "$0")/cli_helpers.sh"
models=$BESTFIT_SOURCE_DIR/tests/models
labelled train.csv 400 0
labelled valid.csv 300 0
labelled lyon.csv 200 0.3
cut -d , -f 1-3 lyon.csv >target.csv
model m.onnx one

# ---- add: calibration and kept rows ----
runs 0 "add with validation rows" "$BESTFIT" add m.onnx --data train.csv --label verdict --validation valid.csv --keep-validation \
  --name lab/right --classes no,yes
says "add with validation rows" "valid   accuracy 0.9000"
runs 0 "show" "$BESTFIT" show lab/right --json
says "show: the calibration" '"temperature"'
says "show: the measured accuracy is stored" '"source_accuracy": 0.9'
model n.onnx two
runs 0 "a second model: experience of the first and on its rows" "$BESTFIT" add n.onnx --data lyon.csv --label verdict --validation lyon.csv --keep-validation \
  --name lab/lyon --classes no,yes
says "experience" "experience of 3 pairs"
model o.onnx three
runs 0 "classes the wrong way round: found out" "$BESTFIT" add o.onnx --data train.csv --label verdict --validation valid.csv --name lab/liar \
  --classes yes,no --accuracy 0.99
says "what is measured counts" "valid   accuracy 0.1000"
complains "the card's claim is named" "the card says accuracy 0.990, on the 300 validation items it is 0.100"
runs 7 "classes that no label has" "$BESTFIT" add o.onnx --data train.csv --label verdict --validation valid.csv --name lab/x --classes cat,dog
complains "both sides are named" "'cat'"
runs 7 "another number of classes" "$BESTFIT" add o.onnx --data train.csv --label verdict --name lab/x --classes a,b,c
runs 7 "a column that the model needs is not there" sh -c 'cut -d , -f 1,2,4 train.csv >two.csv; "$0" add o.onnx --data two.csv --label verdict --name lab/x --classes no,yes' "$BESTFIT"
runs 7 "validation rows without labels" "$BESTFIT" add o.onnx --data target.csv --validation target.csv --name lab/x --classes no,yes
complains "validation rows without labels" "the validation rows have no labels"
runs 0 "the repository is whole" "$BESTFIT" fsck

# ---- evaluate, predict ----
runs 0 "evaluate" "$BESTFIT" evaluate lab/right valid.csv --label verdict
says "evaluate" "accuracy           0.9000   (95 %: 0.8608 to 0.9291)"
says "evaluate: per class" "yes"
runs 0 "evaluate as JSON" "$BESTFIT" evaluate lab/right valid.csv --label verdict --json
says "evaluate as JSON" '"accuracy": 0.9'
says "evaluate as JSON" '"confusion"'
runs 7 "evaluate without labels" "$BESTFIT" evaluate lab/right target.csv
runs 0 "predict to standard output" "$BESTFIT" predict lab/right target.csv
says "predict: the header" 'row,label,confidence,"no","yes"'
holds "predict: a line a row" test "$(wc -l <out)" = 201
cp out told.csv
runs 0 "show the card" sh -c '"$0" show lab/right --card >card.md' "$BESTFIT"
runs 0 "predict from the file itself" "$BESTFIT" predict m.onnx target.csv --card card.md
holds "the same answers" sh -c 'cut -d , -f 1,2 out >a; cut -d , -f 1,2 told.csv >b; cmp a b'
runs 3 "a file without a card" "$BESTFIT" predict m.onnx target.csv
runs 0 "predict to CSV" "$BESTFIT" predict lab/right target.csv -o told2.csv
says "predict to CSV" "told2.csv: 200 predictions of 2 classes"
holds "the same lines" cmp told.csv told2.csv
runs 0 "predict to Parquet" "$BESTFIT" predict lab/right target.csv -o told.parquet
runs 0 "the Parquet file is read" "$BESTFIT" sketch told.parquet --label label -o told.sketch
says "its rows" "200 rows"
runs 0 "predict to .npy" "$BESTFIT" predict lab/right target.csv -o told.npy
runs 0 "the .npy file is read" "$BESTFIT" sketch told.npy -o npy.sketch
says "its rows" "200 rows of kind features"
runs 2 "another ending" "$BESTFIT" predict lab/right target.csv -o told.xlsx
runs 4 "predict over its input" "$BESTFIT" predict lab/right target.csv -o target.csv
runs 3 "no such model" "$BESTFIT" predict lab/none target.csv

# ---- search ----
runs 0 "search runs the models" "$BESTFIT" search target.csv --json
says "search" '"strategy": "similarity-agreement"'
says "search" '"data_only": false'
says "search" '"sample_rows": 200'
runs 0 "by data alone" "$BESTFIT" search target.csv --data-only --json
says "by data alone" '"data_only": true'
runs 0 "a confidence strategy" "$BESTFIT" search target.csv --strategy confidence --sample 50 --json
says "a smaller sample" '"sample_rows": 50'
runs 0 "a calibrated one" "$BESTFIT" search target.csv --strategy doc --json
says "a calibrated one" '"strategy": "doc"'
runs 0 "every estimator" "$BESTFIT" search target.csv --measures all --json
says "every estimator" '"dawid-skene'
runs 0 "only the nearest two" "$BESTFIT" search target.csv --candidates 2
says "only the nearest two" "not run: number 3 by similarity, and 2 were to be run"
runs 0 "a sketch is searched by data" sh -c '"$0" sketch target.csv -o t.sketch -q && "$0" search t.sketch --json' "$BESTFIT"
says "a sketch is searched by data" '"strategy": "similarity"'
runs 2 "a sketch cannot be run" "$BESTFIT" search t.sketch --strategy confidence
runs 2 "data only, by outputs" "$BESTFIT" search target.csv --data-only --strategy confidence

# ---- models that misbehave: stored without running, skipped by the search with a reason ----
for hostile in hostile_loop hostile_memory_run hostile_operator hostile_nan; do
  runs 0 "store $hostile" "$BESTFIT" add "$models/$hostile.onnx" --data train.csv --label verdict --name "evil/$hostile" --classes no,yes --no-run
done
runs 0 "the search goes on" "$BESTFIT" search target.csv --budget 8 --json
says "the search goes on" '"id": "lab/right"'
for hostile in hostile_loop hostile_memory_run hostile_operator; do
  holds "$hostile is skipped" sh -c "sed -n '/\"skipped\"/,\$p' out | grep -q evil/$hostile"
done
holds "its reason is told" grep -q "it could not be run" out
runs 5 "a model cut short is refused" sh -c 'head -c 60 m.onnx >cut.onnx; "$0" add cut.onnx --data train.csv --label verdict --name lab/cut --classes no,yes' "$BESTFIT"
finish
