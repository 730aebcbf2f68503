"""What stands in collection.json: titles, and which domains are related."""

from dataclasses import dataclass
from typing import Any, Callable


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
    relation: Callable[[str], Relation]
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


ENTRIES = {
    "dsads": Entry("body positions and persons, 19 activities, features", "activity recognition", dsads, True),
    "har_across": Entry("two data sets, six shared activities, features", "activity recognition", har_across, True),
    "digits": Entry("digits of several sets and conditions", "image recognition", digits, True),
    "sentiment": Entry("reviews, sentences and tweets, positive or negative", "text classification", sentiment, True),
    "pos": Entry("parts of speech in genres of English", "natural language processing", pos, True),
    "entity_matching": Entry("pairs of records, the same thing or not", "entity matching", entity_matching, True,
                             "1"),
}


def described(name: str, domains: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """collection.json; a domain of `domains` has name, rows and has_model."""
    entry = ENTRIES[name]
    full = []
    for domain in domains:
        relation = entry.relation(domain["name"])
        full.append({"name": domain["name"], "title": relation.title, "group": relation.group,
                     "origin": relation.origin, "stranger": relation.stranger, "rows": domain["rows"],
                     "has_model": domain["has_model"]})
    return {"bestfit_collection": 1, "name": name, "title": entry.title, "workload": entry.workload, **values,
            "headline": entry.headline, "metric": "accuracy", "f1": entry.positive, "domains": full}
