import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Logger } from 'pino';
import type { Audit } from '../audit/audit.ts';
import type { Pipeline } from '../calls/pipeline.ts';
import type { StallWatch } from '../calls/receive/stall-watch.ts';
import type { Metrics } from '../calls/settle/metrics.ts';
import type { InFlight } from '../in-flight.ts';
import type { Operation } from '../operations/operation.ts';
import type { Store } from '../store.ts';
import type { Envelope } from './envelope.ts';
import type { RatePrefix, RatesOf } from './rates/request-rates.ts';

/**
 * An API that clients speak. Its module has only this description; `register` imports the rest, so that a surface that
 * nobody asks for is not loaded.
 *
 * @template Context what its routes work with
 */
export interface Surface<Context> {
  readonly name: string;
  /**
   * The paths that it serves, with everything below them, such as `/api/v1/sessions`. `:id` stands for any segment. Of
   * two surfaces, the one with the longer matching path gets a request.
   */
  readonly paths: readonly string[];
  /**
   * A header that clients of this API alone send. With it, the surface has these paths too, before any other that has
   * them: what another vendor calls the same must not answer.
   */
  readonly marked?: MarkedPaths<Context>;
  readonly envelope: Envelope;
  /** Whether none of its paths needs a credential. A single route says `config: { anonymous: true }`. */
  readonly isAnonymous?: true;
  /** Whether its requests may lack a user where the organization requires one of calls: not every contract has one. */
  readonly mayLackUser?: true;
  /**
   * Whether its requests count by the organization's tier. Then every answer has headers about it, which begin like this.
   */
  readonly countsRequests?: RatePrefix;
  /** Whether a refusal of a request that cannot be read names every field that is wrong, in `details.fields`. */
  readonly namesEveryField?: true;
  /** Whether a POST with the header `Idempotency-Key` runs once, and its answer is given again. */
  readonly answersOnce?: true;
  /** The governed calls, which come directly from node:http and not through its routes. */
  readonly calls?: SurfaceCalls;
  /** Adds its routes. The kit has already added authentication, bodies, validation and errors. */
  readonly register: (app: SurfaceApp, context: Context) => Promise<void>;
  /** The groups of its operations in the OpenAPI document, in order. */
  readonly tags?: readonly { readonly name: string; readonly description: string }[];
  /** The part of the OpenAPI document for what it answers without routes: operations by path and method. */
  readonly describe?: () => Promise<Readonly<Record<string, object>>>;
}

export interface MarkedPaths<Context> {
  readonly header: string;
  readonly paths: readonly string[];
  /** Adds the routes there. The OpenAPI document describes those of the other surface. */
  readonly register: (app: SurfaceApp, context: Context) => Promise<void>;
}

/** The governed calls of a surface. */
export interface SurfaceCalls {
  /** Where their paths are below, such as `/v1`. */
  readonly prefix: string;
  readonly operations: readonly Operation[];
  /** Checks the headers of a call before its body is read. @throws {ProxyError} */
  readonly checkHeaders?: (headers: IncomingHttpHeaders) => void;
}

/** What the kit works with. */
export interface KitContext {
  readonly pipeline: Pick<Pipeline, 'authenticate'>;
  readonly inFlight: InFlight;
  readonly stalls: StallWatch;
  readonly audit: Pick<Audit, 'refused'>;
  readonly rates: RatesOf;
  /** Keeps the answers to requests with an `Idempotency-Key`. */
  readonly store: Pick<Store, 'run'>;
  readonly metrics: Pick<Metrics, 'refused'>;
  readonly log: Logger;
}

/** A surface's own Fastify. Handlers know the types of what their TypeBox schemas have checked. */
export type SurfaceApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
