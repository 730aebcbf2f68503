"""What stands in collection.json: titles, and which domains are related."""

from dataclasses import dataclass
from typing import Any, Callable

from activity import POSITIONS
from data_folders import Data
from digits import CONDITIONS, OTHERS
from pictures import CAMERAS, GROUPS, STYLES
from words import AIRLINES, GENRES, MAGELLAN, PAIR_SETS, REVIEWS


@dataclass
class Relation:
    """What a report must know of a domain.

    Targets of one group share persons, texts or records, so that their errors are drawn together; models of one origin
    are relatives, which the variant "relatives out" takes away. A stranger has no relative in the collection.
    """

    title: str
    group: str
    origin: str
    stranger: bool = False


@dataclass
class Entry:
    """A collection."""

    title: str
    workload: str
    kind: str
    relation: Callable[[str], Relation]
    needs: dict[str, list[str]]     # of each domain the datasets that it is made of
    headline: bool = False      # enters the macro-average
    positive: str | None = None     # name of the class whose F1 is of interest, too


def words(name: str) -> str:
    """A domain's name as words."""
    return name.replace("_", " ")


def dsads(name: str) -> Relation:
    """Position and pair of persons: torso0 is worn by the persons 1 and 2."""
    pair = int(name[-1])
    persons = f"persons {2 * pair + 1} and {2 * pair + 2}"
    return Relation(f"{words(name[:-1])}, {persons}", persons, name[:-1])


def har_across(name: str) -> Relation:
    """MotionSense in triples of persons; positions of DSADS, worn by the same eight."""
    if name.startswith("ds_"):
        return Relation(f"DSADS, {words(name[3:])}", "DSADS persons", "dsads")
    first = 3 * int(name[2:]) + 1
    persons = f"MotionSense persons {first} to {first + 2}"
    return Relation(persons, persons, "motionsense")


def digits(name: str) -> Relation:
    """All forms of MNIST are of the same writers."""
    strangers = {"kannada": "Kannada digits", "notmnist": "letters A to J"}
    if name in strangers:
        return Relation(strangers[name], name, name, True)
    if name.startswith("mnist"):
        title = "MNIST-M, over photographs" if name == "mnistm" else f"MNIST, {name[6:]}"
        return Relation(title, "MNIST", "mnist")
    return Relation(name, name, name)


def sentiment(name: str) -> Relation:
    """Each kind of review by itself; the short texts together."""
    if name.startswith("s_"):
        return Relation(f"short texts, {name[2:]}", "short texts", "short texts")
    return Relation(f"reviews, {words(name)}", name, name)


def pos(name: str) -> Relation:
    """Genres by their treebank."""
    bank, _, genre = name.partition("_")
    return Relation(f"{bank.upper()}, {genre}" if genre else bank.upper(), bank, bank)


def entity_matching(name: str) -> Relation:
    """Pairs by the family of sets that they come from; two that share a catalogue are one group."""
    if name.startswith("m_"):
        return Relation(f"Magellan, {name[2:]}", name, "magellan")
    if name in ("cameras", "computers", "shoes"):
        return Relation(f"WDC, {name}", "wdc", "wdc")
    shared = [catalogue for catalogue in ("dblp", "amazon") if catalogue in name]
    return Relation(f"DeepMatcher, {words(name)}", shared[0] if shared else name, "deepmatcher")


def cifar_groups(name: str) -> Relation:
    """Unlike shares of the same classes, of images that no other has."""
    return Relation(f"CIFAR-10, group {name[5:]}", name, name)


def office_caltech(name: str) -> Relation:
    """The same objects stood before the two cameras."""
    place = "office" if name in ("dslr", "webcam") else name
    return Relation(name, place, place)


def alone(name: str) -> Relation:
    """No relatives but the collection."""
    return Relation(words(name), name, name)


def of(dataset: str, names: list[str]) -> dict[str, list[str]]:
    """All domains of one dataset."""
    return {name: [dataset] for name in names}


WORN = of("har-dsads", [f"{position}{pair}" for position in POSITIONS for pair in range(4)])
MNIST = {name: ["digits-mnist", "digits-mnist-m"] for name in CONDITIONS}

ENTRIES = {
    "dsads": Entry("body positions and persons, 19 activities, features", "activity recognition", "features",
                   dsads, WORN, True),
    "har_across": Entry(
        "two data sets, six shared activities, features", "activity recognition", "features", har_across,
        {**of("har-motionsense", [f"ms{triple}" for triple in range(8)]),
         **of("har-dsads", [f"ds_{position}" for position in POSITIONS])}, True),
    "digits": Entry(
        "digits of several sets and conditions", "image recognition", "image", digits,
        {**MNIST, **{name: [paths[0].split("/")[0]] for name, paths in OTHERS.items()}}, True),
    "sentiment": Entry(
        "reviews, sentences and tweets, positive or negative", "text classification", "text", sentiment,
        {**of("sentiment_fdu_mtl", REVIEWS), **of("sentiment_short", ["s_amazon", "s_imdb", "s_airline"])}, True),
    "pos": Entry("parts of speech in genres of English", "natural language processing", "tagged", pos,
                 of("ud_english", GENRES), True),
    "entity_matching": Entry(
        "pairs of records, the same thing or not", "entity matching", "pair", entity_matching,
        {**{name: [folder] for name, folder in PAIR_SETS.items()}, **of("em_magellan784", list(MAGELLAN))}, True, "1"),
    "dsads_windows": Entry("body positions and persons, 19 activities, raw windows", "activity recognition", "series",
                           dsads, WORN),
    "pacs": Entry("seven things in four styles of picture", "image recognition", "image", alone,
                  of("images-pacs", STYLES)),
    "cifar_groups": Entry("CIFAR-10 in five groups that differ in their shares of the classes", "image recognition",
                          "image", cifar_groups, of("images-cifar10", [f"group{g}" for g in range(GROUPS)])),
    "office_caltech": Entry("ten things before four cameras, visual words", "image recognition", "features",
                            office_caltech, of("images-officecaltech10", CAMERAS)),
    "ner": Entry("named entities; accuracy is that of tokens, of which about two thirds are no entity",
                 "natural language processing", "tagged", alone,
                 of("ner_crossner", ["politics", "science", "music", "literature"])),
    "airlines": Entry("tweets to six airlines; four fifths are negative, from 55 % to 89 % an airline",
                      "text classification", "text", alone, of("sentiment_short", AIRLINES)),
}


def datasets(name: str) -> list[str]:
    """All that a collection is made of."""
    return list(dict.fromkeys(dataset for needed in ENTRIES[name].needs.values() for dataset in needed))


def missing(name: str, data: Data) -> list[dict[str, str]]:
    """Domains that cannot be had, why, and what gets them."""
    found = []
    for domain, needed in ENTRIES[name].needs.items():
        absent = [dataset for dataset in needed if not data.has(dataset)]
        if absent:
            only = "".join(f" --only {dataset}" for dataset in absent)
            found.append({"domain": domain, "why": f"the dataset {' and '.join(absent)} is not there",
                          "get": f"bestfit bench fetch{only}"})
    return found


def described(name: str, domains: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """collection.json; a domain of `domains` has a name, and what is to be said besides."""
    entry = ENTRIES[name]
    full = []
    for domain in domains:
        relation = entry.relation(domain["name"])
        full.append({"name": domain["name"], "title": relation.title, "group": relation.group,
                     "origin": relation.origin, "stranger": relation.stranger, **domain})
    return {"bestfit_collection": 1, "name": name, "title": entry.title, "workload": entry.workload,
            "kind": entry.kind, **values, "datasets": datasets(name), "headline": entry.headline,
            "metric": "accuracy", "f1": entry.positive, "domains": full}
