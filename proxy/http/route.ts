import type { IncomingMessage } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  ContextConfigDefault,
  FastifyContextConfig,
  FastifyRequest,
  FastifySchema,
  HTTPMethods,
  RawServerDefault,
  RouteGenericInterface,
} from 'fastify';
import type { ResolveFastifyReplyReturnType } from 'fastify/types/type-provider.js';
import type { SurfaceApp } from './surface.ts';
import './described.ts';

/** A declared route. It registers itself. */
export type Route<Context> = (app: SurfaceApp, context: Context) => void;

/** What `answer` gets: the caller, and the parts of the request, typed by the schema that has checked them. */
export type RouteRequest<Schema extends FastifySchema> = FastifyRequest<
  RouteGenericInterface,
  RawServerDefault,
  IncomingMessage,
  Schema,
  TypeBoxTypeProvider
>;

/** What `answer` returns: what the schema's `response` says, or a promise of it. */
export type RouteAnswer<Schema extends FastifySchema> = ResolveFastifyReplyReturnType<
  TypeBoxTypeProvider,
  Schema,
  RouteGenericInterface
>;

/**
 * Makes a surface's function that declares routes. The status of an answer is the one in the schema's `response`.
 *
 * @template Context what the routes work with
 */
export function makeRoute<Context>() {
  return <const Schema extends FastifySchema & { readonly response: object }>(
    method: HTTPMethods,
    url: string,
    schema: Schema,
    answer: (request: RouteRequest<Schema>, context: Context) => RouteAnswer<Schema>,
    config: FastifyContextConfig = {},
  ): Route<Context> => {
    const [status] = Object.keys(schema.response).map(Number);
    return (app, context) => {
      app.route<RouteGenericInterface, ContextConfigDefault, Schema>({
        method,
        url,
        schema,
        config,
        handler(request, { raw }) {
          raw.statusCode = status ?? 200;
          return answer(request, context);
        },
      });
    };
  };
}
