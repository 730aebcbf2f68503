# The report's parts for words, pairs, tagged sentences and windows: the right words and numbers, whole markup, nothing of
# the data as markup.
. "$(dirname "$0")/cli_helpers.sh"

# balanced PAGE: what is opened is closed (the scripts at the end left out), and each plot has its block
balanced() {
  local tag page
  page=$(sed '/^<script>/,$d' "$1")
  for tag in section figure figcaption table thead tbody tr details div ul p; do
    test "$(grep -oE "<$tag[ >]" <<<"$page" | wc -l)" = "$(grep -oF "</$tag>" <<<"$page" | wc -l)" || return 1
  done
  test "$(grep -o 'class="plot"' "$1" | wc -l)" = "$(grep -o 'data-plot="plot-' "$1" | wc -l)"
}
# plots PAGE: how many there are
plots() { grep -o 'class="plot"' "$1" | wc -l; }
repeat() { # repeat N TEXT
  local i
  for ((i = 0; i < $1; i++)); do printf '%b\n' "$2"; done
}
add() { # add NAME DATA OPTIONS...
  local name=$1 data=$2
  shift 2
  model "$name.onnx" "$name"
  runs 0 "a model: $name" "$BESTFIT" add "$name.onnx" --no-run --name "lab/$name" --data "$data" --min-count 1 "$@"
}

# texts: sharp, camera and lens are a third each; the target has sharp 50 %, camera 40 %, zebra 10 %
export BESTFIT_REPO=$work/texts
repeat 10 'sharp camera lens' >near.txt
repeat 10 'novel plot hero' >far.txt
{ repeat 8 'sharp camera' && repeat 2 'sharp zebra'; } >target.txt
add near near.txt --format lines --kind text
add far far.txt --format lines --kind text
runs 0 "a report of texts" "$BESTFIT" search target.txt --format lines --kind text --min-count 1 --report texts.html
holds "it is whole" balanced texts.html
holds "what the target is" grep -qF '10 rows of kind text, 20 words.' texts.html
holds "shares of both models in the heading" grep -qF "Words: 10 % of the target&#39;s are not among those kept of the best model&#39;s data, 100 % not among the worst" texts.html
holds "what the best never saw" grep -qF "best: lab/near: at least 10 % of the target&#39;s words are words that the model never saw: most of all zebra (10 %)" texts.html
holds "a word of the target alone" grep -qF '<tr><th scope="row">zebra</th><td class="number">10.000 %</td><td class="number">never</td></tr>' texts.html
holds "a word of the model alone" grep -qF '<tr><th scope="row">lens</th><td class="number">never</td><td class="number">33.333 %</td></tr>' texts.html
holds "a word of both" grep -qF '<tr><th scope="row">sharp</th><td class="number">50.000 %</td><td class="number">33.333 %</td></tr>' texts.html
holds "bars to both sides" grep -qF '"signed":-33.33333' texts.html
holds "two plots" test "$(plots texts.html)" = 2
holds "how much there is" grep -qF '<td class="number">10</td><td class="number">20</td><td class="number">2.0</td><td class="number">3</td>' texts.html
holds "no section without content" sh -c '! grep -q "columns whose means" texts.html'
{ seq 1 12 | sed 's/.*/sharp camera lens zebra/' && echo 'sharp zebra quagga'; } >rare.txt
runs 0 "with rare words dropped" "$BESTFIT" search rare.txt --format lines --kind text --report rare.html
holds "a dropped word is not shown" sh -c '! grep -q quagga rare.html'

# columns of strings: words that hold markup
export BESTFIT_REPO=$work/strings
{ echo 'size,colour' && repeat 20 '1,red' && repeat 20 '2,<img src=x onerror=alert(1)>'; } >strings.csv
{ echo 'size,colour' && repeat 20 '1,red' && repeat 20 '3,</script><script>alert(2)</script>'; } >hostile.csv
add strings strings.csv
runs 0 "a report of hostile words" "$BESTFIT" search hostile.csv --min-count 1 --report hostile.html
holds "it is whole too" balanced hostile.html
holds "they are there" grep -qF 'colour=&lt;/script&gt;&lt;script&gt;alert(2)' hostile.html
holds "and no markup" sh -c '! grep -qF "<img src=x" hostile.html && ! grep -qF "<script>alert" hostile.html'
holds "nor in the plots' data" grep -qF 'colour=\u003c/script>' hostile.html

# tagged sentences
export BESTFIT_REPO=$work/tagged
repeat 6 'Dogs\tNOUN\nbark\tVERB\nloudly\tADV\n' >near.tags
repeat 6 'Ships\tNOUN\nsail\tVERB\n' >far.tags
repeat 4 'Dogs\tNOUN\nsail\tVERB\nslowly\tADV\nhome\tADV\n' >target.tags
add near near.tags --format token-tag
add far far.tags --format token-tag
runs 0 "a report of sentences" "$BESTFIT" search target.tags --format token-tag --min-count 1 --report tagged.html
holds "it is whole as well" balanced tagged.html
holds "sentences, tokens, their ratio, words" grep -qF '<td class="number">4</td><td class="number">16</td><td class="number">4.0</td><td class="number">16</td>' tagged.html
holds "and of a model" grep -qF '<td class="number">6</td><td class="number">18</td><td class="number">3.0</td>' tagged.html

# pairs: sixteen plots of similarities beside those of words
export BESTFIT_REPO=$work/pairs
repeat 20 'COL name VAL acme saw \tCOL name VAL acme saw \t1' >same.txt
repeat 20 'COL name VAL acme saw \tCOL name VAL iron nail 7 \t0' >other.txt
repeat 20 'COL name VAL acme drill \tCOL name VAL acme drill \t1' >pairs.txt
add same same.txt
add other other.txt
runs 0 "a report of pairs" "$BESTFIT" search pairs.txt --strategy hist-jsd --min-count 1 --report pairs.html
holds "it is whole again" balanced pairs.html
holds "2 plots of words, 16 of similarities" test "$(plots pairs.html)" = 18
holds "a similarity with its means" grep -qF 'words (words.jaccard): target mean 1, best 1, worst 0' pairs.html
holds "how many differ" grep -qF 'Pairs: 0 of the 16 similarities differ clearly from the best model&#39;s pairs, ' pairs.html
holds "no column of the projection" sh -c '! grep -q "text\.[0-9]" pairs.html'

# windows: two channels; the target's first is 8 where the near model's is 8, the far one's 0
export BESTFIT_REPO=$work/windows
windows() { # windows LEVEL SWING: 40 windows of 16 steps
  awk -v level="$1" -v swing="$2" 'BEGIN {
    for (i = 0; i < 40; i++) {
      a = b = ""
      for (t = 0; t < 16; t++) { a = a (t ? "," : "") level + i % 5 / 10 + (t % 2 ? swing : -swing); b = b (t ? "," : "") (t + i) % 4 }
      printf "{\"a\":[%s],\"b\":[%s]}\n", a, b
    }
  }'
}
windows 8 1 >near.jsonl
windows 0 3 >far.jsonl
windows 8 2 >target.jsonl
add near near.jsonl --kind series
add far far.jsonl --kind series
runs 0 "a report of windows" "$BESTFIT" search target.jsonl --kind series --min-count 1 --report windows.html
holds "it is whole once more" balanced windows.html
holds "what the windows are" grep -qF '40 rows of kind series, windows of 2 channels and 16 steps' windows.html
holds "two plots a channel" test "$(grep -c 'Channel [01]: ' windows.html)" -ge 4
# a swing of s at every second step is all in the last band: its power is s^2
holds "power" grep -qF 'Channel 0: power 4 in the target, 1 in the best model&#39;s windows, 9 in the worst&#39;s' windows.html
holds "in its band" grep -qF '"band":8,"power":4.0' windows.html
holds "the unexcited band" grep -qF '"band":1,"power":0.0' windows.html
finish
