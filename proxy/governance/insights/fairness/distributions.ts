/** Probabilities of the normal, Student's t, and the hypergeometric distribution. */

const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** The natural logarithm of the gamma function, for positive numbers (Lanczos, with g = 7 and nine terms). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const base = x - 1 + 7.5;
  const sum = lanczos.reduce((total, term, at) => (at === 0 ? term : total + term / (x - 1 + at)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(sum);
}

const precision = 1e-15;
const tiny = 1e-300;

/**
 * The regularised incomplete beta function, by its continued fraction (Lentz's method).
 *
 * @see https://dlmf.nist.gov/8.17#v
 */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
  );
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < precision) break;
  }
  return front * fraction;
}

/** The probability of a t at least as far from zero as this one. */
export function studentTwoSided(t: number, degrees: number): number {
  if (!Number.isFinite(t)) return 0;
  return incompleteBeta(degrees / 2, 0.5, degrees / (degrees + t * t));
}

/** The probability of a normal deviate at least as far from zero. */
export function normalTwoSided(z: number): number {
  return upperGammaOfHalf((z * z) / 2);
}

/** The t that is exceeded on either side with a probability of `alpha` in all. */
export function studentQuantile(alpha: number, degrees: number): number {
  return invert((t) => studentTwoSided(t, degrees), alpha);
}

/** The normal deviate that is exceeded on either side with a probability of `alpha` in all. */
export function normalQuantile(alpha: number): number {
  return invert(normalTwoSided, alpha);
}

/** Where a falling function has this value. */
function invert(falling: (x: number) => number, value: number): number {
  let [low, high] = [0, 1];
  while (falling(high) > value) high *= 2;
  for (let step = 0; step < 100 && high - low > 1e-14 * high; step += 1) {
    const middle = (low + high) / 2;
    if (falling(middle) > value) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The regularised upper incomplete gamma function of one half: by its series near zero, else by its continued fraction.
 *
 * @see https://dlmf.nist.gov/8.9#i and https://dlmf.nist.gov/8.7#E1
 */
function upperGammaOfHalf(x: number): number {
  const front = Math.exp(-x) * Math.sqrt(x / Math.PI);
  if (x < 1.5) {
    let term = 2;
    let sum = term;
    for (let n = 1; term > sum * precision; n += 1) {
      term *= x / (n + 0.5);
      sum += term;
    }
    return 1 - front * sum;
  }
  let b = x + 0.5;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n <= 10_000; n += 1) {
    const a = -n * (n - 0.5);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < precision) break;
  }
  return front * fraction;
}

/**
 * Fisher's exact test of two shares, on both sides: the probability of all tables that are no likelier than this one.
 *
 * @param one of so many, how many have it; likewise `other`
 */
export function fisherTwoSided(one: Count, other: Count): number {
  const having = one.having + other.having;
  const all = one.of + other.of;
  const logChoose = (n: number, k: number) => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  const logOf = (k: number) => logChoose(one.of, k) + logChoose(other.of, having - k) - logChoose(all, having);
  const own = logOf(one.having);
  let total = 0;
  for (let k = Math.max(0, having - other.of); k <= Math.min(having, one.of); k += 1) {
    const probability = logOf(k);
    if (probability <= own + 1e-7) total += Math.exp(probability);
  }
  return Math.min(1, total);
}

/** Of so many, how many have something. */
export interface Count {
  readonly having: number;
  readonly of: number;
}
