import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fisherTwoSided,
  normalQuantile,
  normalTwoSided,
  studentQuantile,
  studentTwoSided,
} from '../../../../../proxy/governance/insights/fairness/distributions.ts';

const near = (actual: number, expected: number, what: string, relative = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${what}: ${actual}, not ${expected}`);

/** From scipy 1.17: 2 * norm.sf(z), 2 * t.sf(x, degrees), norm.ppf, t.ppf, fisher_exact. */
test('probabilities are those of scipy', () => {
  near(normalTwoSided(0.5), 0.6170750774519738, 'z of 0.5');
  near(normalTwoSided(1.959963984540054), 0.05, 'z of 1.96');
  near(normalTwoSided(6), 1.973175290075396e-9, 'z of 6');
  near(normalTwoSided(20), 5.507248237212467e-89, 'z of 20');
  assert.equal(normalTwoSided(0), 1);
  near(studentTwoSided(2, 1), 0.29516723530086653, 't of 2 by 1');
  near(studentTwoSided(2.5, 10.5), 0.030426272641088575, 't of 2.5 by 10.5');
  near(studentTwoSided(-2, 1e6), 0.04550053385131924, 't of -2 by a million');
  near(normalQuantile(0.05), 1.959963984540054, 'the normal quantile');
  near(studentQuantile(0.05, 4), 2.7764451051977987, 'the quantile by 4');
  near(studentQuantile(0.01, 29), 2.756385903670605, 'the quantile by 29', 1e-8);
  near(fisherTwoSided({ having: 1, of: 10 }, { having: 11, of: 14 }), 0.002759456185220091, 'Fisher’s test');
});
