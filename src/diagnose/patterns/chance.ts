/** Probabilities of results that arise by chance. */

/** The probability of at least `hits` successes in `count` trials with this chance each. */
export function binomialTail(hits: number, count: number, chance: number): number {
  if (hits <= 0) return 1;
  if (hits > count || chance <= 0) return 0;
  if (chance >= 1) return 1;
  // Sums terms in logarithms, because single terms may underflow.
  let term = (count - hits) * Math.log1p(-chance) + hits * Math.log(chance) + logChoices(count, hits);
  let sum = 0;
  for (let i = hits; i <= count; i++) {
    sum += Math.exp(term);
    term += Math.log(((count - i) / (i + 1)) * (chance / (1 - chance)));
  }
  return Math.min(1, sum);
}

/**
 * The probability of drawing at least `hits` marked items among `count`, from a total of which `marked` are marked
 * (Fisher's exact test): how likely two equal samples differ this much, whatever the marked share is.
 */
export function hypergeometricTail(hits: number, count: number, marked: number, total: number): number {
  const least = Math.max(0, count + marked - total);
  const most = Math.min(count, marked);
  if (hits <= least) return 1;
  if (hits > most) return 0;
  let term = logChoices(marked, hits) + logChoices(total - marked, count - hits) - logChoices(total, count);
  let sum = 0;
  for (let i = hits; i <= most; i++) {
    const before = sum;
    sum += Math.exp(term);
    const ratio = ((marked - i) * (count - i)) / ((i + 1) * (total - marked - count + i + 1));
    // From here on each term is smaller than one that was too small to matter.
    if (sum === before && ratio <= 1) break;
    term += Math.log(ratio);
  }
  return Math.min(1, sum);
}

/** The logarithm of the number of ways to choose `k` of `n`. */
const logChoices = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k);

/** Stirling's series; accurate to the last digits from 10 on. */
function logFactorial(n: number): number {
  if (n < 10) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  const x = n + 1;
  return (
    (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5)
  );
}

/**
 * The probability that in a random order of `count` items and `others`, all of the first are among the lowest, with
 * only `below` of the others.
 */
export const allLowestByChance = (count: number, below: number, others: number): number =>
  Math.min(1, Math.exp(logChoices(below + count, count) - logChoices(others + count, count)));
