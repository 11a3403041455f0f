import { makeDocument } from '../../proxy/surfaces/docs/document.ts';
import { surfaceTable } from '../../proxy/surfaces/table.ts';

/** What the pages need of an OpenAPI document, as proxy/surfaces/docs/document.ts makes it. */
export interface OpenApi {
  readonly tags?: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly headers: Readonly<Record<string, { readonly description: string }>>;
  };
}

export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly (Parameter & { readonly $ref?: string })[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content?: Readonly<Record<string, Media>>;
        readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
      }
    >
  >;
  /** Who may, where not everyone. */
  readonly 'x-roles'?: string;
}

export interface Described {
  /** In capitals. */
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
}

export interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
}

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly example?: unknown;
}

/** Makes the document. Routes are registered on an application that serves nothing, so nothing of the rest is used. */
export async function readApiDocument(): Promise<OpenApi> {
  const context = { surfaces: surfaceTable } as Parameters<typeof makeDocument>[0];
  return JSON.parse(await makeDocument(context));
}

/** The codes with which an operation can be refused, by status. */
export function readRefusals({ responses }: Operation): readonly { readonly status: string; readonly code: string }[] {
  return Object.entries(responses).flatMap(([status, { description }]) =>
    /^[45]/.test(status) ? [...description.matchAll(/`(\w+)`/g)].map(([, code = '']) => ({ status, code })) : [],
  );
}
