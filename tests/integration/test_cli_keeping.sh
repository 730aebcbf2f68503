#!/usr/bin/env bash
# tag, alias, edit, log, ls with conditions, export, import, completion, manual pages: what they print, keep and end with.
. "$(dirname "$0")/cli_helpers.sh"
export USER=ada
table train.csv 300 0
table lyon.csv 200 3
model m.onnx one
model n.onnx two
cat >gait.md <<'EOF'
---
license: mit
tags: [walk, sensor]
bestfit:
  name: lab/gait
  domain: summer
  source_accuracy: 0.9
---

# Gait

Recognises how people walk from a barometer, in Göteborg.
EOF
runs 0 "add" "$BESTFIT" add m.onnx --data train.csv --card gait.md --metric f1=0.5 --metric auc=0.75
runs 0 "add a second version" "$BESTFIT" add n.onnx --data train.csv --card gait.md
runs 0 "add another" "$BESTFIT" add m.onnx --data lyon.csv --name lab/air --accuracy 0.6
runs 2 "a metric that is no number" "$BESTFIT" add m.onnx --name lab/x --metric f1=high
complains "a metric that is no number" "name=number"

# ---- tags
runs 0 "tag" "$BESTFIT" tag lab/gait@1 site=lyon reviewed
says "tag" "lab/gait@1: 2 tags set, 0 removed"
runs 0 "tags are printed" "$BESTFIT" tag lab/gait@1
says "tags are printed" "site=lyon"
runs 0 "a value is replaced and a key removed" "$BESTFIT" tag lab/gait@1 site=paris --remove reviewed --json
says "tags as JSON" '"site=paris"'
hides "tags as JSON" 'reviewed'
runs 3 "a tag that is not there" "$BESTFIT" tag lab/gait@1 --remove reviewed
runs 2 "a tag that cannot be" "$BESTFIT" tag lab/gait@1 =x
runs 3 "a model that is not there" "$BESTFIT" tag lab/gaid x
complains "a model that is not there" "did you mean lab/gait"

# ---- aliases
runs 0 "alias" "$BESTFIT" alias lab/gait@1 production
says "alias" "lab/gait@production is version 1"
runs 0 "show by alias" "$BESTFIT" show lab/gait@production
for text in "version    1," "aliases    production" "tags       walk,sensor,site=paris" "metric     f1 0.5" "history" "by ada"; do says "show by alias" "$text"; done
runs 4 "rm of what an alias points to" "$BESTFIT" rm lab/gait@1
complains "rm of what an alias points to" 'lab/gait@1 has the alias production; `bestfit alias lab/gait production --remove` drops it'
runs 4 "rm of the whole model" "$BESTFIT" rm lab/gait
runs 0 "an alias moves" "$BESTFIT" alias lab/gait production
says "an alias moves" "is version 2; it was 1"
runs 0 "aliases are listed" "$BESTFIT" alias lab/gait --json
says "aliases are listed" '"production": 2'
runs 0 "compare by alias" "$BESTFIT" compare lab/gait@production lab/air@latest
runs 0 "an alias is removed" "$BESTFIT" alias lab/gait production --remove
says "an alias is removed" "removed; it was version 2"
runs 3 "an alias that is not there" "$BESTFIT" show lab/gait@production
complains "an alias that is not there" "has no alias production"
runs 2 "a number is no alias" "$BESTFIT" alias lab/gait 7
runs 0 "alias again" "$BESTFIT" alias lab/gait@1 production

# ---- edit
runs 0 "edit" "$BESTFIT" edit lab/gait@1 --license apache-2.0 --tag walk --tag slow --accuracy 0.75 --metric f1=0.625
says "edit says that the number stays" "the version number stays"
runs 0 "the card is new" "$BESTFIT" show lab/gait@1 --card
says "the card is new" "license: apache-2.0"
says "its text is not" "in Göteborg"
runs 0 "what is read from it follows" "$BESTFIT" show lab/gait@1 --json
for text in '"license": "apache-2.0"' '"source_accuracy": 0.75' '"f1": 0.625' '"slow"' '"site=paris"'; do says "what is read from it follows" "$text"; done
hides "a tag that left the card" '"sensor"'
runs 0 "an edit that changes nothing" "$BESTFIT" edit lab/gait@1 --license apache-2.0
complains "an edit that changes nothing" "nothing was changed"
runs 2 "edit without a terminal" "$BESTFIT" edit lab/gait
complains "edit without a terminal" "nothing to change"
sed 's#lab/gait#lab/other#' gait.md >other.md
runs 7 "a card with another name" "$BESTFIT" edit lab/gait --card other.md
printf 'no card: [' >broken.md
runs 5 "a card that cannot be read" sh -c 'printf -- "---\nlicense: [\n---\n" >broken.md; "$0" edit lab/gait --card broken.md' "$BESTFIT"
if command -v script >/dev/null; then
  printf '#!/bin/sh\nsed -i "s/mit/bsd-3-clause/" "$1"\n' >editor
  chmod +x editor
  runs 0 "edit in an editor" script -qec "EDITOR=./editor '$BESTFIT' edit lab/gait@2" /dev/null
  runs 0 "what the editor wrote" "$BESTFIT" show lab/gait@2
  says "what the editor wrote" "license    bsd-3-clause"
fi

# ---- log
runs 0 "log" "$BESTFIT" log lab/gait
for text in "edit" "ada" "production: 1" "site=lyon, reviewed" "license apache-2.0"; do says "log" "$text"; done
hides "log of one model" "lab/air"
runs 0 "log as JSON" "$BESTFIT" log --top 1 --json
says "log as JSON" '"who": "ada"'
runs 0 "hashes of both cards" "$BESTFIT" log lab/gait --json
says "hashes of both cards" "card $(sha256sum gait.md | cut -c1-64) -> "

# ---- ls
runs 0 "ls --filter" "$BESTFIT" ls --all-versions --filter "tags.site = 'paris' and metrics.accuracy > 0.7 and task = 'classification'"
says "ls --filter" "lab/gait@1"
hides "ls --filter" "lab/gait@2"
runs 0 "a filter that names alias looks at all versions" "$BESTFIT" ls --filter "alias = 'production'"
says "a filter that names alias" "lab/gait@1"
runs 2 "a filter that cannot be read" "$BESTFIT" ls --filter "licence = 'mit'" --json
complains "a filter that cannot be read" '"position":0'
complains "a filter that cannot be read" 'did you mean license?'
runs 0 "ls --search" "$BESTFIT" ls --search "goteborg baro*"
says "ls --search" "lab/gait@2"
hides "ls --search" "lab/air"
runs 0 "ls --sort and --columns" "$BESTFIT" ls -a --sort=-accuracy,version --columns model,metrics.f1,tags.site,alias
holds "sorted by falling accuracy" sh -c 'test "$(awk "NR > 1 { printf \"%s \", \$1 }" out)" = "lab/gait@2 lab/gait@1 lab/air@1 "'
says "a column of a metric" "0.625"
runs 2 "a column that is not there" "$BESTFIT" ls --columns modle
complains "a column that is not there" "did you mean model?"
runs 2 "an order that is not there" "$BESTFIT" ls --sort size,acuracy
complains "an order that is not there" "character 6"
runs 0 "search --filter" "$BESTFIT" search lyon.csv --filter "alias = 'production'" --json
says "search --filter" '"version": 1'
hides "search --filter" '"lab/air"'
runs 3 "search with a filter that nothing meets" "$BESTFIT" search lyon.csv --filter "rows > 1000"
runs 2 "search with a filter that cannot be read" "$BESTFIT" search lyon.csv --filter "rows > '1'"

# ---- export, import
runs 0 "export" "$BESTFIT" export lab/gait@production -o one.bestfit
says "export" "one.bestfit: lab/gait@1"
runs 0 "export again" "$BESTFIT" export lab/gait@1 -o two.bestfit --json
holds "equal versions give equal bytes" cmp one.bestfit two.bestfit
runs 4 "a file that is no bundle is not replaced" "$BESTFIT" export lab/gait -o gait.md
runs 0 "import elsewhere" "$BESTFIT" import one.bestfit --repo other
says "import elsewhere" "lab/gait@1: imported, from lab/gait@1"
runs 0 "all came along" "$BESTFIT" show lab/gait@production --repo other --json
for text in '"f1": 0.625' '"site=paris"' '"license": "apache-2.0"' '"rows": 300'; do says "all came along" "$text"; done
runs 4 "import of the same again" "$BESTFIT" import one.bestfit --repo other
runs 0 "import under another name" "$BESTFIT" import one.bestfit --as ours/walk
runs 0 "its card says so" "$BESTFIT" show ours/walk --card
says "its card says so" "name: ours/walk"
head -c 900 one.bestfit >cut.bestfit
runs 5 "a bundle that was cut" "$BESTFIT" import cut.bestfit
runs 5 "a file that is no bundle" "$BESTFIT" import gait.md
runs 0 "log of an import" "$BESTFIT" log ours/walk
says "log of an import" "from lab/gait@1"

# ---- files, calibration and validation rows
golden=$BESTFIT_SOURCE_DIR/tests/golden/data/bundle-v2.bestfit
runs 0 "import of a bundle with files" "$BESTFIT" import "$golden" --repo files
runs 0 "show of files" "$BESTFIT" show lab/mood --repo files
for text in "with file  data/weights.bin, 4 B, sha256 e00e5eb9" "with file  vocab.txt, 10 B" "calibrated accuracy 0.75, macro-F1 0.7333, temperature 1.5, on 4 items" "validation 3 of 4 rows kept (text, "; do says "show of files" "$text"; done
hides "show of files" "experience"
runs 0 "show of files as JSON" "$BESTFIT" show lab/mood --json --repo files
for text in '"name": "data/weights.bin"' '"temperature": 1.5' '"rows": 3' '"rows_seen": 4' '"as_model": 0'; do says "show of files as JSON" "$text"; done
runs 0 "show of a model without files" "$BESTFIT" show lab/gait
for text in "with file" "calibrated" "validation"; do hides "show of a model without files" "$text"; done
runs 0 "show of a model without files as JSON" "$BESTFIT" show lab/gait --json
for text in '"files": []' '"calibration": null' '"validation": null'; do says "show of a model without files as JSON" "$text"; done
runs 0 "export of files" "$BESTFIT" export lab/mood -o mood.bestfit --repo files
runs 0 "import of files again" "$BESTFIT" import mood.bestfit --as ours/mood --repo files
runs 0 "show of the copy" "$BESTFIT" show ours/mood --repo files
says "show of the copy" "with file  data/weights.bin, 4 B, sha256 e00e5eb9"
python3 - files/bestfit.db <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("INSERT INTO experience VALUES (1, 1, 4, 0.75, 0.5, NULL)")
db.execute("INSERT INTO experience VALUES (2, 1, 4, 0.5, NULL, NULL)")
db.execute("INSERT INTO audit (time, who, action, name, version, detail) VALUES ('2026-11-25T00:00:00Z', 'ada', 'experience', 'lab/mood', 1, '2 rows: lab/mood@1 on lab/mood@1')")
db.commit()
END
runs 0 "show of experience" "$BESTFIT" show lab/mood --repo files
says "show of experience" "experience ran on the rows of 2 versions; 1 ran on its rows"
runs 0 "log of experience" "$BESTFIT" log lab/mood --repo files
says "log of experience" "2 rows: lab/mood@1 on lab/mood@1"
runs 0 "a removed version takes its experience along" "$BESTFIT" rm ours/mood --repo files
runs 0 "show of less experience" "$BESTFIT" show lab/mood --repo files
says "show of less experience" "experience ran on the rows of 1 version; 1 ran on its rows"
runs 0 "fsck of files" "$BESTFIT" fsck --repo files
chmod u+w files/blobs/sha256/e0/e00e5eb9*
printf 'x' >>"$(echo files/blobs/sha256/e0/e00e5eb9*)"
runs 6 "fsck of a damaged file" "$BESTFIT" fsck --repo files
says "fsck of a damaged file" "lab/mood@1 (file) is damaged"

# ---- fsck
runs 0 "fsck" "$BESTFIT" fsck --json
says "fsck" '"index_ok": true'
runs 0 "fsck --gc" "$BESTFIT" fsck --gc
runs 0 "nothing is left over" "$BESTFIT" fsck
hides "nothing is left over" "unreferenced"

# ---- completion and manual pages
runs 0 "names that complete a word" "$BESTFIT" __complete models lab/gait@
says "names that complete a word" "lab/gait@production"
says "names that complete a word" "lab/gait@2"
runs 0 "no repository: silence" "$BESTFIT" __complete models --repo nowhere
holds "no repository: silence" test ! -s out -a ! -e nowhere
runs 0 "the hidden verb is hidden" "$BESTFIT" --help
hides "the hidden verb is hidden" "__complete"
for shell in bash zsh fish; do
  runs 0 "completion $shell" "$BESTFIT" completion $shell
  says "completion $shell" "similarity"
  says "completion $shell" "exclude-domain"
  if command -v $shell >/dev/null; then holds "$shell reads it" $shell -n out; fi
done
runs 2 "completion for another shell" "$BESTFIT" completion tcsh
cat >complete.bash <<'EOF'
bestfit() { "$BESTFIT" "$@"; }
source <(bestfit completion bash)
COMP_LINE=$1 COMP_POINT=${#1}
_bestfit
printf '%s\n' "${COMPREPLY[@]}"
EOF
runs 0 "bash completes a verb" bash complete.bash "bestfit exp"
says "bash completes a verb" "export"
runs 0 "bash completes an option" bash complete.bash "bestfit ls --fil"
says "bash completes an option" "--filter"
runs 0 "bash completes a strategy" bash complete.bash "bestfit search x --strategy=sim"
says "bash completes a strategy" "similarity"
runs 0 "bash completes a name" bash complete.bash "bestfit show lab/g"
says "bash completes a name" "lab/gait"
runs 0 "bash completes an alias, without what it has cut off" bash complete.bash "bestfit show lab/gait@p"
says "bash completes an alias" "production"
hides "bash completes an alias" "lab/gait@"
for verb in "" search ls help; do
  runs 0 "manual page of '$verb'" "$BESTFIT" help $verb --man
  says "manual page of '$verb'" ".SH NAME"
  cp out page.1
  if command -v groff >/dev/null; then
    runs 0 "groff reads it" groff -ww -man -Tutf8 -Kutf8 -z page.1
    holds "groff has nothing to say" test ! -s err
  fi
  if command -v mandoc >/dev/null; then holds "mandoc finds no error" mandoc -T lint -W error page.1; fi
done
finish
