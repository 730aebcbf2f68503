#!/usr/bin/env bash
# What must not happen silently: data overwritten, options unheeded, a repository that cannot be written, full disks.
. "$(dirname "$0")/cli_helpers.sh"
table train.csv 300 0
table target.csv 200 0.1
model m.onnx one
"$BESTFIT" add m.onnx --data train.csv --name lab/m -q >/dev/null

for option in "--seed 0" "--partition-size 0" "--threshold 0" "--threshold -1"; do
  # shellcheck disable=SC2086
  runs 2 "$option is refused" "$BESTFIT" compare train.csv target.csv $option
done
complains "a number above 0 is asked for" "--threshold wants a number above 0, not '-1'"
runs 2 "a seed of 0 is refused for a sketch" "$BESTFIT" sketch train.csv -o s.sketch --seed 0
complains "a whole number from 1 is asked for" "--seed wants a whole number from 1, not '0'"

cp target.csv keep.csv
runs 4 "a report does not replace the target" "$BESTFIT" search target.csv --report target.csv
complains "a report does not replace the target" "target.csv is an input"
ln -s target.csv link.html
runs 4 "nor through a link" "$BESTFIT" search target.csv --report link.html
cp train.csv other.html
runs 4 "a report does not replace another file" "$BESTFIT" search target.csv --report other.html
complains "a report does not replace another file" "is no report of bestfit"
runs 4 "it is refused before the data are read" "$BESTFIT" search nothing.csv --report other.html
holds "the other file is as it was" cmp train.csv other.html
holds "the target is as it was" cmp target.csv keep.csv
runs 0 "a report" "$BESTFIT" search target.csv --report page.html
runs 0 "a report replaces a report" "$BESTFIT" search target.csv --report page.html
printf -- '---\nbestfit:\n  name: lab/card\n---\n# A model\n' >card.md
cp card.md card.old
model card.onnx two
cp card.onnx card.bin
runs 4 "a saved card does not replace the card given" "$BESTFIT" add card.bin --card card.md --save-card card.md
runs 4 "nor the card beside the model" "$BESTFIT" add card.onnx --save-card card.md
runs 4 "nor the model" "$BESTFIT" add card.onnx --save-card card.onnx
runs 4 "nor the data" "$BESTFIT" add card.onnx --data train.csv --save-card train.csv
runs 4 "nor another file" "$BESTFIT" add card.onnx --save-card keep.csv
complains "nor another file" "keep.csv exists and is no model card"
holds "the card is as it was" cmp card.md card.old
runs 3 "nothing was added" "$BESTFIT" show lab/card
runs 0 "a new card is written" "$BESTFIT" add card.onnx --save-card new.md
model card.onnx three
runs 0 "a card replaces a card" "$BESTFIT" add card.onnx --save-card new.md
runs 4 "a sketch does not replace its data" "$BESTFIT" sketch train.csv -o train.csv

runs 10 "a file that may not grow is an error" bash -c 'ulimit -f 1; "$0" sketch train.csv -o limited.sketch' "$BESTFIT"
complains "a file that may not grow is an error" "limited.sketch"
holds "nothing is left of it" sh -c '! ls limited.sketch*'

# a repository that one may only read; root may write everywhere, so it becomes somebody else
reader=""
if [ "$(id -u)" = 0 ]; then reader="setpriv --reuid=65534 --regid=65534 --clear-groups"; fi
chmod -R a-w,a+rX repo . 2>/dev/null
# shellcheck disable=SC2086
if $reader sh -c '"$0" --version && test -r repo/bestfit.db && test ! -w repo/bestfit.db' "$BESTFIT" >/dev/null 2>&1; then
  chmod u+w . out err
  for arguments in "ls" "show lab/m" "search target.csv" "compare lab/m target.csv" "fsck"; do
    runs 0 "$arguments where one may only read" $reader "$BESTFIT" $arguments
  done
  runs 0 "the model is listed" $reader "$BESTFIT" ls
  says "the model is listed" "lab/m@1"
  if $reader "$BESTFIT" rm lab/m >out 2>err; then failed "rm where one may only read"; else passed; fi
else
  printf 'skipped: no other user can run the program\n'
fi
chmod -R u+w repo .

: >repo/blobs/tmp/0123456789abcdef
: >repo/blobs/tmp/fedcba9876543210
touch -d '2 hours ago' repo/blobs/tmp/fedcba9876543210
runs 0 "fsck --gc" "$BESTFIT" fsck --gc
says "what is kept is said" "kept: younger than an hour"
holds "and is kept" test -e repo/blobs/tmp/0123456789abcdef
holds "what is old is freed" test ! -e repo/blobs/tmp/fedcba9876543210

i=0
while [ $i -lt 12 ]; do
  i=$((i + 1))
  model "x$i.onnx" "x$i"
  "$BESTFIT" add "x$i.onnx" --data train.csv --name "many/m$i" -q >/dev/null
done
runs 0 "JSON gives all places" "$BESTFIT" search target.csv --data-only --json
holds "JSON gives all places" sh -c 'test "$(grep -Ec "\"rank\": [0-9]+,\$" out)" = 13'
runs 0 "JSON heeds --top" "$BESTFIT" search target.csv --json --top 2
holds "JSON heeds --top" sh -c 'test "$(grep -Ec "\"rank\": [0-9]+,\$" out)" = 2'
runs 0 "text gives ten places" "$BESTFIT" search target.csv --data-only
says "text gives ten places" "and 3 more (--top 0)"
says "text tells where the other reasons are" "reasons for the other places: --report FILE or --json"
hides "no minus zero" "-0 "
holds "no line ends in a blank" sh -c '! grep -q " $" out'

cut -d, -f1,2 target.csv >two.csv
runs 7 "compare of other columns" "$BESTFIT" compare train.csv two.csv
complains "compare of other columns: which" "the target (two.csv) has no column 'weight', which the source (train.csv) has"
complains "compare of other columns: what to do" "--columns or --drop"
printf '\000\000\010\003\000\000\000\001\000\000\000\001\000\000\000\002\005\377' >pixels-idx3-ubyte
runs 7 "compare of other kinds" "$BESTFIT" compare train.csv pixels-idx3-ubyte
complains "compare of other kinds" "the source (train.csv) is of kind features and the target (pixels-idx3-ubyte) of kind image"
runs 2 "--raw of a model" "$BESTFIT" compare lab/m target.csv --raw
complains "--raw of a model" "but no rows"

runs 2 "pixels outside the range" "$BESTFIT" search target.csv --range 1
complains "options are called as on the command line" "the option --range (range_max) does not fit the format csv"
printf 'activity\nwalk\nrun\n' >windows.csv
printf '\000\000\010\002\000\000\000\002\000\000\000\001\001\002' >rows-idx2-ubyte
runs 7 "labels with a heading" "$BESTFIT" sketch rows-idx2-ubyte --label windows.csv -o l.sketch
complains "labels with a heading" "the label file windows.csv has 3 labels, but the data have 2 rows: each row needs one, one label a line, no heading: is line 1 a heading?"
runs 0 "no row meets the condition" "$BESTFIT" sketch train.csv --where 'height > 100' -o none.sketch
complains "no row meets the condition" "train.csv: no row meets the condition --where"
"$BESTFIT" sketch train.csv -o whole.sketch -q >/dev/null
head -c 5 whole.sketch >cut.sketch
runs 6 "five bytes of a sketch" "$BESTFIT" show cut.sketch
complains "five bytes of a sketch" "cut.sketch is a sketch cut after 5 bytes"
printf 'height,width,weight\n1,2,3\n' >one.csv
runs 0 "one row" "$BESTFIT" search one.csv
says "one row" "1 row of kind"
runs 14 "no model can be ranked" "$BESTFIT" search two.csv
says "the answer is printed all the same" "not ranked"
finish
