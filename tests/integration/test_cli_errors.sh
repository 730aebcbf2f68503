#!/usr/bin/env bash
# Bad input and misuse: the exit code, the place and the remedy, and a repository as it was.
. "$(dirname "$0")/cli_helpers.sh"
table train.csv 100 0
model m.onnx one

# error CODE MESSAGE COMMAND...: the whole of stderr
error() {
  local code=$1 message=$2
  shift 2
  runs "$code" "$message" "$@"
  if [ "$(cat err)" = "bestfit: error: $message" ]; then passed; else failed "not said as expected: $message"; fi
}

runs 2 "no command prints help on stderr" "$BESTFIT"
complains "no command" "usage: bestfit COMMAND"
error 2 "'serch' is not a command of bestfit (did you mean 'search'?); \`bestfit --help\` lists them" "$BESTFIT" serch
error 2 "\`bestfit search\` has no option --stratgy (did you mean --strategy?); \`bestfit help search\` lists them" \
  "$BESTFIT" search x.csv --stratgy mmd
error 2 "\`bestfit ls\` has no option -x; \`bestfit help ls\` lists them" "$BESTFIT" ls -x
error 2 "--top wants a whole number up to 4294967295, not 'many'" "$BESTFIT" search x.csv --top many
error 2 "--top wants a whole number up to 4294967295, not '-1'" "$BESTFIT" search x.csv --top -1
error 2 "--threshold wants a number above 0, not 'nan'" "$BESTFIT" search x.csv --threshold=nan
error 2 "--json takes no value" "$BESTFIT" ls --json=yes
error 2 "--strategy wants a value: --strategy NAME" "$BESTFIT" search x.csv --strategy
error 2 "an argument is missing; usage: bestfit compare SOURCE TARGET [options]" "$BESTFIT" compare a.csv
error 2 "too many arguments; usage: bestfit rm NAME[@VERSION] [options]" "$BESTFIT" rm a/b c/d

runs 3 "search without a repository" "$BESTFIT" search train.csv
complains "search without a repository: what to do" "bestfit add MODEL.onnx --data TRAINING --name owner/name"
holds "searching makes no repository" test ! -e repo
runs 2 "no name" "$BESTFIT" add m.onnx --data train.csv
complains "no name: what to do" "give --name owner/name"
printf -- '---\nlicense: mit\n---\n# A model\n' >nameless.md
error 2 'the card nameless.md has no name: write `name: owner/name` in its `bestfit:` block, or give --name owner/name' \
  "$BESTFIT" add m.onnx --data train.csv --card nameless.md
runs 2 "a name without an owner" "$BESTFIT" add m.onnx --data train.csv --name gait
runs 2 "two sources of a sketch" "$BESTFIT" add m.onnx --data train.csv --sketch x --name a/b
runs 2 "an accuracy above 1" "$BESTFIT" add m.onnx --name a/b --accuracy 93
runs 3 "no such model file" "$BESTFIT" add nothing.onnx --name a/b
: >empty.onnx
error 5 "empty.onnx is empty: give the model's .onnx file" "$BESTFIT" add empty.onnx --name a/b
error 5 "train.csv is no ONNX model: its first byte is 0x68, not 0x08; export the model to ONNX" "$BESTFIT" add train.csv --name a/b
printf 'version https://git-lfs.github.com/spec/v1\n' >lfs.onnx
error 5 "lfs.onnx is a Git LFS pointer, not the model: run \`git lfs pull\` first" "$BESTFIT" add lfs.onnx --name a/b
printf -- '---\nbestfit:\n  name: a/b\n  input:\n    kind: image\n---\n' >image.md
runs 7 "the card says image, the data are features" "$BESTFIT" add m.onnx --data train.csv --card image.md
complains "the card says image" "kind image"
printf -- '---\nbestfit: [unclosed\n---\n' >broken.md
runs 5 "a card that is no YAML" "$BESTFIT" add m.onnx --card broken.md
holds "nothing was added" test ! -s repo/bestfit.db

runs 0 "a first model" "$BESTFIT" add m.onnx --data train.csv --name lab/m
runs 3 "an unknown strategy" "$BESTFIT" search train.csv --strategy simlarity
complains "an unknown strategy: near names" "similarity"
runs 3 "no such data" "$BESTFIT" search nothing.csv
complains "no such data" "nothing.csv"
printf 'a,b\n1,2\n3\n4,5\n' >ragged.csv
runs 5 "ragged rows" "$BESTFIT" sketch ragged.csv
complains "ragged rows: the file" "ragged.csv"
holds "no half sketch is left" test ! -e ragged.csv.sketch
runs 2 "an option that does not fit" "$BESTFIT" sketch train.csv --format cvs
"$BESTFIT" sketch train.csv -o whole.sketch -q >/dev/null
head -c 300 whole.sketch >cut.sketch
runs 6 "a truncated sketch" "$BESTFIT" show cut.sketch
complains "a truncated sketch: the file" "cut.sketch"
runs 6 "a truncated sketch, as JSON" "$BESTFIT" search cut.sketch --json
complains "an error as JSON" '{"error":{"code":"corrupt","message":"'
holds "an error as JSON has a position" grep -Eq '"position":([0-9]+|null)}}' err
runs 2 "a usage error as JSON" "$BESTFIT" ls --jsn --json
complains "a usage error as JSON" '{"error":{"code":"invalid-argument"'
runs 5 "add --sketch of what is none" "$BESTFIT" add m.onnx --sketch train.csv --name a/b
printf 'u,v\n1,2\n3,4\n' >uv.csv
runs 14 "a model with other columns is not ranked" "$BESTFIT" search uv.csv
says "a model with other columns is skipped" "lab/m@1:"
printf 'height,width,weight\n' >norows.csv
runs 14 "a target without rows" "$BESTFIT" search norows.csv
runs 0 "after --, an option is an argument" "$BESTFIT" ls -- lab
runs 3 "after --, an option is an argument" "$BESTFIT" show -- --json

if [ -w /dev/full ]; then
  runs 10 "a full disk on standard output" sh -c '"$0" ls --json >/dev/full' "$BESTFIT"
  complains "a full disk on standard output" "standard output"
fi
runs 0 "a closed pipe is quiet" bash -c '"$0" strategies --json | head -1' "$BESTFIT"
holds "a closed pipe is quiet" test ! -s err
printf -- '---\nbestfit:\n  name: lab/esc\n---\n\033]0;title\007 red\n' >escape.md
model e.onnx e
if "$BESTFIT" add e.onnx --card escape.md -q >/dev/null 2>&1; then
  runs 0 "a card with escape sequences" "$BESTFIT" show lab/esc
  holds "no escape reaches the terminal" sh -c '! grep -q "$(printf "\033")" out'
fi
runs 0 "the repository is sound after all that" "$BESTFIT" fsck

runs 0 "--version" "$BESTFIT" --version
holds "--version" grep -Eqx 'bestfit [0-9]+\.[0-9]+\.[0-9]+' out
runs 0 "--help" "$BESTFIT" --help
for verb in search compare strategies add ls show rm fsck sketch help version; do
  holds "--help lists $verb" grep -Eq "^  $verb " out
done
for verb in search compare strategies add ls show rm fsck sketch; do
  "$BESTFIT" help "$verb" >a.txt
  "$BESTFIT" "$verb" --help >b.txt
  holds "help $verb is $verb --help" cmp a.txt b.txt
  holds "help $verb has an example" grep -q '^  bestfit ' a.txt
done
runs 2 "help on what is no command" "$BESTFIT" help serch
if [ -n "${BESTFIT_SOURCE_DIR:-}" ]; then
  "$BESTFIT" help --markdown >cli.md
  holds "docs/cli.md is what the program prints (bestfit help --markdown > docs/cli.md)" cmp cli.md "$BESTFIT_SOURCE_DIR/docs/cli.md"
fi
finish
