/* Figures of others that the report sets beside ours: facts, with their source.
 *
 * The paper: "Benchmark of DNN Model Search at Deployment Time", SSDBM 2022, result tables in the authors' notebooks
 * (repository asu-cactus/Discovery_of_DL_Model_Version, commit 13e2591). What stands here was derived from those
 * tables: the regret and the Spearman correlation (bestfit/metrics.h, mean over targets) of the orders that each of
 * their columns would have given. tests/unit/test_benchmark_published.c derives them again where the tables are.
 *
 * The prototype: 119 targets in six collections, networks of an earlier program.
 */
#include "benchmark/results_internal.h"

#define ACTIVITY "activity", "activity recognition: DSADS, OPPORTUNITY, PAMAP2", "paper_activity.csv"
#define CIFAR "cifar10", "CIFAR-10 in five imbalanced groups", "paper_cifar10_groups.csv"
#define PAIRS "deepmatcher", "DeepMatcher, by F1", "paper_deepmatcher_serving.csv"

const bf__published bf__published_figures[] = {
    {ACTIVITY, "JSD", "jsd", false, false, 13, 156, 0.036396, 0.463963},
    {ACTIVITY, "L2", "l2", false, false, 13, 156, 0.028398, 0.418966},
    {ACTIVITY, "source accuracy", "source_accuracy", true, false, 13, 156, 0.317957, -0.054312},
    {ACTIVITY, "random", NULL, true, false, 13, 156, 0.280834, 0},
    {CIFAR, "adaptivity", "adaptivity", true, false, 5, 20, 0.17747, 0.059473},
    {CIFAR, "JSD", "jsd", false, false, 5, 20, 0.0921, -0.12},
    {CIFAR, "L2", "l2", false, false, 5, 20, 0.0921, 0},
    {CIFAR, "source accuracy", "source_accuracy", true, false, 5, 20, 0.03672, 0.56},
    {CIFAR, "random", NULL, true, false, 5, 20, 0.184635, 0},
    {PAIRS, "source F1", "source_f1_percent", true, true, 5, 20, 0.057627, 0.16},
    {PAIRS, "random", NULL, true, true, 5, 20, 0.231091, 0},
};
const size_t bf__n_published_figures = sizeof bf__published_figures / sizeof *bf__published_figures;

/* A strategy's figures in the six collections, in the order of part 6. */
#define SIX(strategy, family, r1, s1, r2, s2, r3, s3, r4, s4, r5, s5, r6, s6)             \
  {strategy, family, "sentiment", r1, s1}, {strategy, family, "pos", r2, s2},             \
      {strategy, family, "entity_matching", r3, s3}, {strategy, family, "dsads", r4, s4}, \
      {strategy, family, "har_across", r5, s5}, {                                         \
    strategy, family, "digits", r6, s6                                                    \
  }

/* clang-format off */
const bf__prototype bf__prototype_figures[] = {
    {"ridge", "learned", NULL, .024, .846},
    {"similarity-agreement", "combined", NULL, .030, .825},
    {"cell-jsd", "data", NULL, .032, .592},
    {"similarity", "data", NULL, .036, .655},
    {"centroid-distance", "data", NULL, .038, .586},
    {"hist-jsd", "data", NULL, .040, .553},
    {"mmd", "data", NULL, .041, .563},
    {"cot", "confidence", NULL, .047, .595},
    {"paper-l2-mixed", "paper", NULL, .061, .472},
    {"dawid-skene-full", "consensus", NULL, .068, .722},
    {"pair-agreement", "consensus", NULL, .103, .625},
    {"paper-jsd-mixed", "paper", NULL, .106, .387},
    {"majority", "consensus", NULL, .106, .604},
    {"paper-adaptivity-hindsight", "paper", NULL, .112, .365},
    {"atc", "confidence", NULL, .165, .385},
    {"source-accuracy", "baseline", NULL, .244, -.056},
    SIX("ridge", "learned", .0075, .90, .006, .90, .028, .54, .007, .935, .016, .94, .128, .68),
    SIX("similarity-agreement", "combined", .009, .88, .007, .90, .075, .43, .013, .92, .024, .94, .097, .69),
    SIX("majority", "consensus", .030, .80, .014, .84, .034, .54, .146, .58, .271, .14, .167, .69),
    SIX("dawid-skene-full", "consensus", .016, .83, .014, .84, .046, .42, .060, .87, .163, .55, .143, .70),
    SIX("atc", "confidence", .251, .17, .013, .82, .026, .36, .212, .29, .283, .10, .264, .40),
    SIX("cot", "confidence", .138, .45, .020, .61, .024, .50, .026, .82, .027, .59, .066, .56),
    SIX("hist-jsd", "data", .031, .47, .012, .65, .048, .06, .007, .83, .022, .68, .188, .39),
    SIX("paper-jsd-mixed", "paper", .014, .78, .008, .82, .120, -.06, .145, .19, .195, .03, .236, .25),
    SIX("paper-l2-mixed", "paper", .016, .68, .014, .64, .078, .02, .104, .32, .076, .49, .125, .50),
    SIX("paper-adaptivity-hindsight", "paper", .055, .65, .027, .48, .091, .07, .112, .49, .190, .13, .283, .22),
    SIX("source-accuracy", "baseline", .071, .14, .367, -.28, .028, .21, .328, -.04, .283, -.01, .284, -.26),
};
/* clang-format on */
const size_t bf__n_prototype_figures = sizeof bf__prototype_figures / sizeof *bf__prototype_figures;
