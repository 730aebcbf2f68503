#!/usr/bin/env bash
# add, ls, show, rm, fsck, sketch: what they print, keep and end with.
. "$(dirname "$0")/cli_helpers.sh"
table train.csv 300 0
model m.onnx one

runs 0 "add with data and flags" "$BESTFIT" add m.onnx --data train.csv --name lab/gait --license apache-2.0 \
  --tag walk --tag sensor --accuracy 0.93 --domain summer --classes up,down --save-card saved.md
says "add" "lab/gait@1"
says "add prints rows" "300 rows of kind features"
runs 0 "the saved card" cat saved.md
says "the saved card" "lab/gait"
says "the saved card has the licence" "apache-2.0"

runs 4 "adding the very same again" "$BESTFIT" add m.onnx --data train.csv --card saved.md
model m.onnx two
runs 4 "--new where the name exists" "$BESTFIT" add m.onnx --data train.csv --card saved.md --new
runs 0 "a next version, as JSON" "$BESTFIT" add m.onnx --data train.csv --card saved.md --json
says "a next version" '"version": 2'
says "JSON names the model's hash" "$(sha256sum m.onnx | cut -c1-64)"

cp saved.md plain.md
sed -i 's#lab/gait#lab/plain#' plain.md
model plain.onnx three
runs 0 "a card beside the model is found" "$BESTFIT" add plain.onnx
complains "the card found is named" "plain.md"
complains "no data is a warning" "unranked"

runs 0 "ls" "$BESTFIT" ls
says "ls shows the latest" "lab/gait@2"
hides "ls hides old versions" "lab/gait@1"
says "ls says who cannot be ranked" "no sketch"
runs 0 "ls --all-versions" "$BESTFIT" ls --all-versions
says "ls --all-versions" "lab/gait@1"
runs 0 "ls with a part of a name" "$BESTFIT" ls plai
hides "ls with a part of a name" "lab/gait"
runs 0 "ls with a shell pattern" "$BESTFIT" ls '*/ga*'
says "ls with a shell pattern" "lab/gait@2"
hides "ls with a shell pattern" "lab/plain"
runs 0 "ls --json" "$BESTFIT" ls --json
says "ls --json" '"source_accuracy": 0.93'
says "ls --json: unknown sketch is null" '"sketch": null'

runs 0 "show a model" "$BESTFIT" show lab/gait
for text in "domain     summer" "walk" "0.93" "height" "versions   1 2" "kind       features"; do says "show a model" "$text"; done
runs 0 "show a version" "$BESTFIT" show lab/gait@1 --json
says "show a version" '"version": 1'
runs 0 "show the card" "$BESTFIT" show lab/gait --card
says "show the card" "---"
runs 3 "show what is not there" "$BESTFIT" show lab/gaid
complains "show what is not there: near name" "lab/gait"

runs 0 "sketch with a default name" "$BESTFIT" sketch train.csv
says "sketch with a default name" "train.csv.sketch: 300 rows"
holds "the sketch is there" test -s train.csv.sketch
runs 0 "sketch to standard output" "$BESTFIT" sketch train.csv -o -
holds "the same bytes" cmp out train.csv.sketch
runs 0 "sketch as JSON" "$BESTFIT" sketch train.csv -o again.sketch --json --threads 1
says "the sketch's hash is SHA-256" "$(sha256sum train.csv.sketch | cut -c1-64)"
runs 0 "show a sketch" "$BESTFIT" show train.csv.sketch
says "show a sketch" "median"
says "show a sketch" "weight"
runs 0 "show a sketch as JSON" "$BESTFIT" show train.csv.sketch --json
says "show a sketch as JSON" '"rows": 300'
runs 4 "data are not replaced by their sketch" "$BESTFIT" sketch train.csv -o saved.md
complains "data are not replaced" "is no sketch"
printf 'height,activity\n1,a\n2,b\n3,a\n' >labelled.csv
runs 0 "sketch with labels" "$BESTFIT" sketch labelled.csv --label activity -o l.sketch
runs 0 "show labels" "$BESTFIT" show l.sketch --json
says "labels are counted" '"a": 2'
hides "the label is no column" '"activity"'

model s.onnx four
runs 0 "add a sketch made elsewhere" "$BESTFIT" add s.onnx --sketch train.csv.sketch --name lab/remote
model p.onnx piped
runs 0 "add from a pipe" sh -c '"$0" sketch train.csv -o - | ("$0" add p.onnx --sketch - --name lab/piped)' "$BESTFIT"

runs 0 "rm of a version" "$BESTFIT" rm lab/gait@1
runs 3 "the version is gone" "$BESTFIT" show lab/gait@1
runs 0 "rm of a model, as JSON" "$BESTFIT" rm lab/plain --json
says "rm --json" '"versions": 1'
runs 3 "rm of what is not there" "$BESTFIT" rm lab/plain

runs 0 "fsck of a sound repository" "$BESTFIT" fsck
says "fsck" "clean: 3 models"
runs 0 "fsck as JSON" "$BESTFIT" fsck --json
says "fsck as JSON" '"clean": true'
blob=$(sha256sum s.onnx | cut -c1-64)
victim=$(find repo/blobs -name "*${blob#??}*" | head -1)
chmod u+w "$victim"
printf 'damaged' >"$victim"
runs 6 "fsck finds a damaged blob" "$BESTFIT" fsck
says "fsck finds a damaged blob" "1 damaged"
rm -f "$victim"
runs 6 "fsck finds a missing blob" "$BESTFIT" fsck --json
says "fsck finds a missing blob" '"missing": 1'
runs 0 "the model without its file can be removed" "$BESTFIT" rm lab/remote
runs 0 "fsck --gc after that" "$BESTFIT" fsck --gc

unset BESTFIT_REPO
model d.onnx five
runs 0 "the default repository" "$BESTFIT" add d.onnx --name lab/default -q
holds "the default repository is under XDG_DATA_HOME" test -s share/bestfit/bestfit.db
runs 0 "--repo names another" "$BESTFIT" ls --repo repo
hides "--repo names another" "lab/default"
finish
