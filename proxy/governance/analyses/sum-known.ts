/**
 * The sum of what several calls used or cost; null where a part is not known. Sums of dollars have at most 12 places,
 * which floats alone would not keep to.
 */
export function sumKnown(parts: readonly (number | null)[]): number | null {
  const known = parts.filter((part) => part !== null);
  if (known.length < parts.length) return null;
  return Number(known.reduce((total, part) => total + part, 0).toFixed(12));
}
