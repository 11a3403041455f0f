import { ProxyError } from '../../error.ts';

/** What a call prefers, where the Organization's aliases name a model for it. */
export type OptimizationLevel = 'quality' | 'balanced' | 'speed';

const levels: readonly OptimizationLevel[] = ['quality', 'balanced', 'speed'];

/** Reads the header X-Optimization-Level. @throws {ProxyError} `invalid_header` */
export function readOptimizationLevel(value: string | readonly string[] | undefined): OptimizationLevel | undefined {
  if (value === undefined) return undefined;
  const stated = String(value).trim().toLowerCase();
  if (stated === '') return undefined;
  const level = levels.find((one) => one === stated);
  if (level) return level;
  const param = 'X-Optimization-Level';
  throw new ProxyError('invalid_header', { param, message: `${param} must be quality, balanced or speed` });
}
