import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { ProviderError } from './provider-error.ts';

interface Bounds {
  minimum?: number;
  maximum?: number;
}

/**
 * Reads the fields of a request body, and refuses a wrong type with OpenAI's message. `null` means absent, as at
 * OpenAI. Unread fields are not checked, since OpenAI's parameters grow faster than a stand-in.
 */
export class Fields {
  readonly #object: JsonObject;
  readonly #prefix: string;

  constructor(object: JsonObject, prefix = '') {
    this.#object = object;
    this.#prefix = prefix;
  }

  path(name: string): string {
    return this.#prefix === '' ? name : `${this.#prefix}.${name}`;
  }

  value(name: string): JsonValue {
    return (Object.hasOwn(this.#object, name) ? this.#object[name] : null) ?? null;
  }

  string(name: string): string | null {
    const value = this.value(name);
    if (value === null || typeof value === 'string') return value;
    throw wrongType(this.path(name), 'a string', value);
  }

  requiredString(name: string): string {
    return this.string(name) ?? fail(missing(this.path(name)));
  }

  boolean(name: string): boolean | null {
    const value = this.value(name);
    if (value === null || typeof value === 'boolean') return value;
    throw wrongType(this.path(name), 'a boolean', value);
  }

  number(name: string, bounds: Bounds = {}): number | null {
    const value = this.value(name);
    if (value === null) return null;
    if (typeof value !== 'number') throw wrongType(this.path(name), 'a decimal', value);
    return within(this.path(name), 'decimal', value, bounds);
  }

  integer(name: string, bounds: Bounds = {}): number | null {
    const value = this.value(name);
    if (value === null) return null;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(this.path(name), 'an integer', value);
    return within(this.path(name), 'integer', value, bounds);
  }

  choice<const Choice extends string>(name: string, choices: readonly Choice[]): Choice | null {
    const value = this.string(name);
    if (value === null) return null;
    const chosen = choices.find((choice) => choice === value);
    if (chosen !== undefined) return chosen;
    const supported = choices.map((choice) => `'${choice}'`).join(', ');
    const message = `Invalid value: '${value}'. Supported values are: ${supported}.`;
    throw new ProviderError(message, { param: this.path(name), code: 'invalid_value' });
  }

  object(name: string): JsonObject | null {
    const value = this.value(name);
    if (value === null || isJsonObject(value)) return value;
    throw wrongType(this.path(name), 'an object', value);
  }

  nested(name: string): Fields | null {
    const object = this.object(name);
    return object && new Fields(object, this.path(name));
  }

  /** @param limits of the number of objects; absent: none */
  objects(name: string, limits: { notEmpty?: true; maximum?: number } = {}): JsonObject[] | null {
    const value = this.value(name);
    if (value === null) return null;
    if (!Array.isArray(value)) throw wrongType(this.path(name), 'an array of objects', value);
    if (limits.notEmpty && value.length === 0) throw tooShort(this.path(name));
    if (value.length > (limits.maximum ?? Infinity)) throw tooLong(this.path(name), value.length, limits.maximum);
    return value.map((element, index) => {
      if (isJsonObject(element)) return element;
      throw wrongType(`${this.path(name)}[${index}]`, 'an object', element);
    });
  }

  /** At most 16 pairs of strings, with values of up to 512 characters: OpenAI's limits for `metadata`. */
  metadata(): JsonObject | null {
    const metadata = this.object('metadata');
    if (metadata === null) return null;
    const entries = Object.entries(metadata);
    if (entries.length > 16) {
      throw new ProviderError(
        `Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with ${entries.length} properties instead.`,
        { param: 'metadata', code: 'object_above_max_properties' },
      );
    }
    for (const [name, value] of entries) {
      if (typeof value !== 'string') throw wrongType(`metadata.${name}`, 'a string', value);
      if (value.length > 512) {
        throw new ProviderError(
          `Invalid 'metadata.${name}': string too long. Expected a string with maximum length 512, but got a string with length ${value.length} instead.`,
          { param: `metadata.${name}`, code: 'string_above_max_length' },
        );
      }
    }
    return metadata;
  }
}

export function wrongType(path: string, expected: string, value: JsonValue): ProviderError {
  const message = `Invalid type for '${path}': expected ${expected}, but got ${describe(value)} instead.`;
  return new ProviderError(message, { param: path, code: 'invalid_type' });
}

export function missing(path: string): ProviderError {
  return new ProviderError(`Missing required parameter: '${path}'.`, {
    param: path,
    code: 'missing_required_parameter',
  });
}

/** For a parameter that the model does not support. */
export function unsupported(path: string): ProviderError {
  return new ProviderError(`Unsupported parameter: '${path}' is not supported with this model.`, {
    param: path,
    code: 'unsupported_parameter',
  });
}

function within(path: string, kind: 'decimal' | 'integer', value: number, { minimum, maximum }: Bounds): number {
  const refuse = (side: 'below minimum' | 'above maximum', sign: string, bound: number): never => {
    const message = `Invalid '${path}': ${kind} ${side} value. Expected a value ${sign} ${bound}, but got ${value} instead.`;
    const code = `${kind}_${side === 'below minimum' ? 'below_min' : 'above_max'}_value`;
    throw new ProviderError(message, { param: path, code });
  };
  if (minimum !== undefined && value < minimum) refuse('below minimum', '>=', minimum);
  if (maximum !== undefined && value > maximum) refuse('above maximum', '<=', maximum);
  return value;
}

function tooShort(path: string): ProviderError {
  const message = `Invalid '${path}': empty array. Expected an array with minimum length 1, but got an empty array instead.`;
  return new ProviderError(message, { param: path, code: 'empty_array' });
}

function tooLong(path: string, length: number, maximum: number | undefined): ProviderError {
  const message = `Invalid '${path}': array too long. Expected an array with maximum length ${maximum}, but got an array with length ${length} instead.`;
  return new ProviderError(message, { param: path, code: 'array_above_max_length' });
}

function describe(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function fail(error: ProviderError): never {
  throw error;
}
