/** How two reviewers have decided about the same items. */
export interface AgreementTable {
  readonly bothApprove: number;
  readonly bothReject: number;
  /** Only the first approves. */
  readonly onlyOne: number;
  readonly onlyOther: number;
}

/** How far two reviewers agree beyond chance. */
export interface Kappa {
  readonly items: number;
  /** The share of items about which they agree. */
  readonly observed: number;
  /** The share that chance alone would make. */
  readonly expected: number;
  /** From -1 to 1. Null where both have always decided the same, which chance explains as well. */
  readonly kappa: number | null;
  /** Of 95 %. Null as `kappa`. */
  readonly interval: readonly [number, number] | null;
}

const z95 = 1.959963984540054;

/**
 * Cohen's kappa with its large-sample interval.
 *
 * @see Cohen, J. (1960). A coefficient of agreement for nominal scales. https://doi.org/10.1177/001316446002000104
 * @see Fleiss, J. L., Cohen, J. and Everitt, B. S. (1969). Large sample standard errors of kappa and weighted kappa.
 *   https://doi.org/10.1037/h0028106
 */
export function cohensKappa({ bothApprove, bothReject, onlyOne, onlyOther }: AgreementTable): Kappa {
  const items = bothApprove + bothReject + onlyOne + onlyOther;
  if (items === 0) return { items, observed: 0, expected: 0, kappa: null, interval: null };
  const [yy, nn, yn, ny] = [bothApprove / items, bothReject / items, onlyOne / items, onlyOther / items];
  const [one, other] = [yy + yn, yy + ny];
  const observed = yy + nn;
  const expected = one * other + (1 - one) * (1 - other);
  // Both have always decided the same, which may be off from one by rounding.
  if (one === other && (bothApprove === items || bothReject === items)) {
    return { items, observed, expected, kappa: null, interval: null };
  }
  const kappa = (observed - expected) / (1 - expected);
  const rest = 1 - kappa;
  const onDiagonal = yy * (1 - (one + other) * rest) ** 2 + nn * (1 - (2 - one - other) * rest) ** 2;
  const offDiagonal = rest ** 2 * (yn * (other + 1 - one) ** 2 + ny * (1 - other + one) ** 2);
  const variance = (onDiagonal + offDiagonal - (kappa - expected * rest) ** 2) / (items * (1 - expected) ** 2);
  const margin = z95 * Math.sqrt(Math.max(0, variance));
  return { items, observed, expected, kappa, interval: [Math.max(-1, kappa - margin), Math.min(1, kappa + margin)] };
}

/**
 * Krippendorff's alpha of all items that two reviewers have seen, whoever they were. Null without variation.
 *
 * @see Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. https://repository.upenn.edu/asc_papers/43
 */
export function krippendorffsAlpha(tables: readonly AgreementTable[]): number | null {
  const sum = (of: (table: AgreementTable) => number) => tables.reduce((total, table) => total + of(table), 0);
  const disagreements = sum(({ onlyOne, onlyOther }) => onlyOne + onlyOther);
  const approvals = 2 * sum(({ bothApprove }) => bothApprove) + disagreements;
  const rejections = 2 * sum(({ bothReject }) => bothReject) + disagreements;
  if (approvals === 0 || rejections === 0) return null;
  return 1 - ((approvals + rejections - 1) * disagreements) / (approvals * rejections);
}
