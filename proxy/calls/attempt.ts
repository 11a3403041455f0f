import type { Readable } from 'node:stream';
import type { Operation } from '../operations/operation.ts';
import type { Body } from '../providers/json.ts';
import { formatOf, type ProviderTable } from '../providers/table.ts';
import type { WireFormat } from '../providers/wire-format.ts';
import type { Persona, RoutedKey } from '../snapshot/snapshot.ts';
import { makeUpstreamBody, type ReadBody } from './admit/body.ts';
import type { BodyEdit } from './models/body-edit.ts';
import { sentModel } from './route/sent-model.ts';

/** One request to a provider for a call. */
export interface Attempt {
  readonly key: RoutedKey;
  /** How the key's provider is asked, and how it answers. */
  readonly format: WireFormat;
  /** What the provider calls the model. */
  readonly model: string | undefined;
  readonly body: string | Buffer | Readable;
  /** All headers for the provider. Absent: those of the call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether we asked for the usage, so the client must not see it. */
  readonly hideUsage: boolean;
  /** Called when the provider has taken the body. */
  readonly onTaken?: () => void;
}

/** A request whose body is JSON. */
export interface JsonAttempt extends Attempt {
  readonly body: string | Buffer;
}

/** An admitted call with a JSON body, from which each attempt's body is made. */
export interface AttemptSource {
  readonly rawBody: Buffer;
  readonly asked: ReadBody;
  /** With the persona applied, and what rules about models changed. */
  readonly body: Body;
  /** What rules about models change, after the persona. Absent: nothing. */
  readonly edits?: readonly BodyEdit[] | undefined;
  readonly operation: Operation;
  readonly persona: Persona | undefined;
  readonly model: string | undefined;
  /** Fields that get another value, as a budget has it. Absent: none. */
  readonly changes?: Body | undefined;
}

/**
 * Makes the request to the provider of a key.
 *
 * @throws {ProxyError} `invalid_request` where the provider does not offer the operation
 */
export function makeAttempt(
  providers: ProviderTable,
  { rawBody, asked, body, operation, persona, model, edits, changes: stated }: AttemptSource,
  key: RoutedKey,
  mayAskForUsage: boolean,
): JsonAttempt {
  const format = formatOf(providers, key.provider, operation.name);
  const providerModel = sentModel(key, model);
  const changes = providerModel === model ? stated : { ...stated, model: providerModel };
  const { name, type } = key.provider;
  const boundField = type === 'compatible' && operation.name === 'chat' ? 'max_tokens' : undefined;
  const options = { mayAskForUsage, edits, changes, boundField, provider: name } as const;
  const sent = makeUpstreamBody(rawBody, asked, body, operation, format, persona, options);
  return { key, format, model: providerModel, body: sent.body, hideUsage: sent.hideUsage };
}
