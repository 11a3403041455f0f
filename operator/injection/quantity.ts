const shape = /^(\d{1,12}(?:\.\d{1,9})?)([munkMGTPE]|[KMGTPE]i)?$/;

const units: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, Ti: 1024 ** 4, Pi: 1024 ** 5, Ei: 1024 ** 6 },
};

/**
 * Returns the text if it is a Kubernetes quantity, else undefined.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function parseQuantity(text: string): string | undefined {
  return shape.test(text) ? text : undefined;
}

/** A quantity in bytes, as an integer. @throws {RangeError} where the text is not a quantity */
export function bytesOf(quantity: string): number {
  const [, number, unit] = shape.exec(quantity) ?? [];
  if (number === undefined) throw new RangeError(`"${quantity}" is not a quantity such as 5Gi`);
  return Math.floor(Number(number) * (unit === undefined ? 1 : (units[unit] ?? 1)));
}
