import { ProxyError } from '../error.ts';
import type { Body } from './json.ts';

/** Refuses what a provider's API cannot say. */
export class Carrier {
  readonly #provider: string;
  /** The API, as people call it. */
  readonly #api: string;

  constructor(provider: string, api: string) {
    this.#provider = provider;
    this.#api = api;
  }

  /** @throws {ProxyError} always */
  refuse(param: string, reason = 'cannot be carried to it'): never {
    const message = `${param}: the provider ${this.#provider} speaks ${this.#api}, and this ${reason}`;
    throw new ProxyError('invalid_request', { param, message });
  }

  /**
   * Refuses every field with a value that is not known.
   *
   * @param known names of the fields that are carried, or that mean nothing to the provider
   * @param path where the object is, with a dot; empty at the top
   */
  onlyKnown(object: Body, known: ReadonlySet<string>, path = ''): void {
    for (const name in object) {
      if (known.has(name) || isAbsent(object[name])) continue;
      this.refuse(path + name);
    }
  }
}

/** Null, and what says nothing: an empty list or object. */
export function isAbsent(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && !JSON.isRawJSON(value) && Object.keys(value).length === 0;
}
