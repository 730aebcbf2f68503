# Texts, pairs, tagged sentences and windows on the command line; merge, --like, --min-count.
. "$(dirname "$0")/cli_helpers.sh"
for i in 1 2 3 4 5 6 7 8; do
  printf 'pos\tthe camera takes sharp pictures number %s\nneg\tthe lens broke after a week\n' "$i"
done >camera.txt
for i in 1 2 3 4 5 6 7 8; do printf 'pos\tthe novel tells a moving story chapter %s\nneg\tthe plot bored me to sleep\n' "$i"; done >books.txt
runs 0 "a sketch of texts" "$BESTFIT" sketch camera.txt --format label-text -o camera.sketch
says "a sketch of texts" "16 rows of kind text"
runs 0 "another" "$BESTFIT" sketch books.txt --format label-text -o books.sketch
runs 0 "merge" "$BESTFIT" merge camera.sketch books.sketch -o both.sketch
says "merge" "32 rows of kind text"
runs 0 "merge the other way" "$BESTFIT" merge books.sketch camera.sketch -o htob.sketch
holds "merging commutes" cmp both.sketch htob.sketch
runs 2 "merge without an output" "$BESTFIT" merge camera.sketch books.sketch
complains "merge without an output" "-o FILE"
runs 2 "merge of data" "$BESTFIT" merge camera.txt books.sketch -o x.sketch
complains "merge of data" "is no sketch"
printf 'a,b\n1,2\n3,4\n' >numbers.csv
runs 0 "numbers" "$BESTFIT" sketch numbers.csv -o numbers.sketch
runs 7 "merge of two kinds" "$BESTFIT" merge camera.sketch numbers.sketch -o x.sketch
complains "merge of two kinds" "numbers.sketch"

runs 0 "words on raw rows" "$BESTFIT" compare --raw camera.txt books.txt --format label-text
says "words on raw rows" "paper-word-jsd"
hides "words on raw rows" "paper-l2lsh"
runs 0 "a word measure" "$BESTFIT" compare camera.sketch books.sketch -m word-jsd --json
says "a word measure" '"word-jsd"'
runs 0 "few words" "$BESTFIT" sketch camera.txt --format label-text --min-count 9 -o few.sketch
holds "rare words are dropped" sh -c '! grep -aq pictures few.sketch && grep -aq pictures camera.sketch'

printf '\010\001model' >model.onnx
runs 0 "a model of texts" "$BESTFIT" add model.onnx --no-run --name lab/camera --sketch camera.sketch
printf '\010\001other' >other.onnx
runs 0 "another model" "$BESTFIT" add other.onnx --no-run --name lab/books --sketch books.sketch
printf 'a sharp camera\nthe lens takes pictures\nsharp pictures\n' >new.txt
runs 0 "a search by words" "$BESTFIT" search new.txt --format lines --kind text --report words.html --json
says "a search by words" '"kind": "text"'
holds "the nearer comes first" sh -c 'grep -m 1 "\"id\"" out | grep -q lab/camera'
holds "the report is a page" grep -q '</html>' words.html

printf 'COL name VAL acme saw \tCOL name VAL saw by acme \t1\nCOL name VAL hammer \tCOL name VAL nail \t0\n' >pairs.txt
runs 0 "pairs" "$BESTFIT" sketch pairs.txt -o pairs.sketch
says "pairs" "2 rows of kind pair"
printf '1\tDogs\tdog\tNOUN\tNNS\t_\t2\tnsubj\t_\t_\n2\tbark\tbark\tVERB\tVBP\t_\t0\troot\t_\t_\n\n' >s.conllu
runs 0 "tagged sentences" "$BESTFIT" sketch s.conllu --tags xpos -o s.sketch
says "tagged sentences" "1 row of kind tagged"

printf 'x,y,z\n1,2,3\n4,5,6\n7,8,8\n' >wide.csv
printf 'y,x\n2,1\n5,4\n9,7\n' >narrow.csv
runs 0 "the model's columns" "$BESTFIT" sketch narrow.csv -o narrow.sketch
runs 0 "a sketch like it" "$BESTFIT" sketch wide.csv --like narrow.sketch -o like.sketch
says "a sketch like it" "3 rows"
runs 0 "its columns" "$BESTFIT" show like.sketch --json
hides "its columns" '"z"'
finish
