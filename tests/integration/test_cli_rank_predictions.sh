#!/usr/bin/env bash
# bestfit rank-predictions: tables and arrays, the truth scored and never used, trust, gaps, bad input.
. "$(dirname "$0")/cli_helpers.sh"

# 300 items of 3 classes; good, fair, poor by skill, gappy as fair with every fifth answer missing, one that is silent
awk 'BEGIN {
  print "id,good,fair,fair2,poor,gappy,silent,label"
  s = 7
  split("cat dog owl", name, " ")
  for (i = 0; i < 300; i++) {
    t = i % 3
    line = "item" i
    for (m = 0; m < 5; m++) {
      s = (s * 16807) % 2147483647; u = s / 2147483647
      s = (s * 16807) % 2147483647; v = s / 2147483647
      skill = m == 0 ? 0.9 : m == 3 ? 0.2 : 0.6
      k = u < skill ? t : int(v * 3)
      line = line "," (m == 4 && i % 5 == 0 ? (i % 2 ? "" : -1) : name[k + 1])
    }
    print line ",," name[t + 1]
  }
}' >answers.csv

runs 0 "a table" "$BESTFIT" rank-predictions answers.csv --drop id --truth label
says "a table: heading" "300 items of 3 classes, 5 models, by consensus-mix"
says "a table: the best is first" "   1  good"
says "a table: a gap is told" "answered only 80.0 % of the items"
says "a table: trust" "trust: high"
says "a table: truth" "against the truth of 300 items: accuracy of the chosen good"
says "a table: the silent one is not ranked" "silent: none of its outputs is an answer"
runs 0 "json" "$BESTFIT" rank-predictions answers.csv --drop id --truth label --json
field() { /usr/bin/python3 -c "import json,sys; v=json.load(open('out'))
for k in sys.argv[1].split('.'): v=v[int(k)] if isinstance(v,list) else v[k]
print(v)" "$1"; }
equals() { if [ "$(field "$2")" = "$3" ]; then passed; else failed "$1: $2 is $(field "$2"), not $3"; fi; }
equals "json" models.0.id good
equals "json" truth.best good
equals "json" truth.chosen good
equals "json" truth.regret 0.0
equals "json" skipped.0.id silent
equals "json" trust.grade high
equals "json" models.4.id poor
cp out with-truth
runs 0 "without truth" "$BESTFIT" rank-predictions answers.csv --drop id,label --json
equals "without truth" truth None
holds "the truth is not used" /usr/bin/python3 -c "
import json
a, b = (json.load(open(f)) for f in ('with-truth', 'out'))
assert [(m['id'], m['score'], m['measures']) for m in a['models']] == [(m['id'], m['score'], m['measures']) for m in b['models']]"
sed 's/,cat$/,x/' answers.csv >foreign.csv
runs 0 "a truth that nobody names" "$BESTFIT" rank-predictions foreign.csv --drop id --truth label --json
equals "a truth that nobody names" classes 3
runs 0 "one thread gives the same" "$BESTFIT" rank-predictions answers.csv --drop id --truth label --json --threads 1
holds "one thread gives the same: values" /usr/bin/python3 -c "
import json
a, b = (json.load(open(f)) for f in ('with-truth', 'out'))
assert a['models'] == b['models'] and a['truth'] == b['truth']"
for rule in pair-agreement majority rank-one dawid-skene dawid-skene-full laf coda-prior; do
  runs 0 "by $rule" "$BESTFIT" rank-predictions answers.csv --drop id --truth label -s $rule --json
  equals "by $rule" models.0.id good
  equals "by $rule" strategy $rule
done

# integers, written as programs write them beside missing ones
sed '1!s/cat/0/g; 1!s/dog/1.0/g; 1!s/owl/2/g' answers.csv >numbers.csv
runs 0 "integers" "$BESTFIT" rank-predictions numbers.csv --drop id --truth label --json
equals "integers" classes 3
equals "integers" models.0.id good

# soft predictions
/usr/bin/python3 - <<'PY' || exit 77
import numpy as np
r = np.random.RandomState(1)
y = np.arange(400) % 4
z = r.normal(size=(6, 400, 4))
for m in range(6):
    z[m, np.arange(400), y] += 3 - 0.5 * m
np.save("logits.npy", z.astype("float32"))
p = np.exp(z); p /= p.sum(-1, keepdims=True)
np.save("probabilities.npy", p)
np.save("flat.npy", z[0])
np.save("whole.npy", y)
open("truth.txt", "w").write("\n".join(map(str, y)) + "\n")
open("named.txt", "w").write("\n".join("abcd"[k] for k in y) + "\n")
open("short.txt", "w").write("0\n1\n")
open("cut.npy", "wb").write(open("logits.npy", "rb").read()[:-50])
PY
runs 0 "logits" "$BESTFIT" rank-predictions logits.npy --truth truth.txt --json
equals "logits" truth.regret 0.0
equals "logits" models.0.id 0
says "logits: energy applies" '"energy"'
runs 0 "probabilities and names" "$BESTFIT" rank-predictions probabilities.npy --truth named.txt --classes a,b,c,d \
  --models one,two,three,four,five,six --json
equals "probabilities and names" models.0.id one
hides "probabilities have no energy" '"energy"'
runs 0 "truth of an array" "$BESTFIT" rank-predictions logits.npy --truth whole.npy -s confidence --json
equals "truth of an array" truth.items 400

# what is wrong, and where
runs 2 "a column of identifiers" "$BESTFIT" rank-predictions answers.csv --truth label
complains "a column of identifiers" 'column "id" has another value in every row'
runs 2 "no such truth" "$BESTFIT" rank-predictions answers.csv --truth lable
complains "no such truth" '"lable" is not a column'
runs 12 "a rule that needs labels" "$BESTFIT" rank-predictions answers.csv --drop id,label -s atc
complains "a rule that needs labels" "outputs and validation data"
runs 3 "no such rule" "$BESTFIT" rank-predictions answers.csv --drop id,label -s majorty
complains "no such rule" "majority"
runs 3 "no such file" "$BESTFIT" rank-predictions nothing.csv
printf 'a,b\nx,y\nx,y,z\n' >ragged.csv
runs 5 "a ragged row" "$BESTFIT" rank-predictions ragged.csv
complains "a ragged row" "line 3"
runs 5 "a cut array" "$BESTFIT" rank-predictions cut.npy
complains "a cut array" "it was cut"
runs 7 "two dimensions" "$BESTFIT" rank-predictions flat.npy
complains "two dimensions" "models, items, classes"
runs 7 "too few labels" "$BESTFIT" rank-predictions logits.npy --truth short.txt
runs 7 "too few names" "$BESTFIT" rank-predictions logits.npy --models a,b
printf 'a,b\n,\n-1,-1\n' >silent.csv
runs 14 "no answer at all" "$BESTFIT" rank-predictions silent.csv
runs 12 "search by an estimator, from sketches" "$BESTFIT" compare answers.csv answers.csv -m atc
complains "search by an estimator" "outputs and validation data"
runs 0 "strategies" "$BESTFIT" strategies
says "strategies: estimators" "dawid-skene-full"
finish
