import type { Body } from './json.ts';

/** Carries an operation to a provider that speaks another API than the client, and its answers back. */
export interface Translation {
  /**
   * Makes the provider's body from the client's. A number may be a `JSON.rawJSON`, which has its exact spelling.
   *
   * @param provider the provider's name, for errors
   * @throws {ProxyError} `invalid_request` with the field that cannot be carried
   */
  ask(body: Body, provider: string): Body;
  /** Whether the provider takes OpenAI's option for the usage of a stream. */
  readonly takesUsageOption: boolean;
  /** Makes the client's whole answer. The provider's is JSON with a status of success; numbers may be `JSON.rawJSON`. */
  answer(answer: Body): Body;
  /** Makes the client's error from the provider's. */
  error(error: Body, status: number): Body;
  /** Opens the translation of one stream. */
  stream(): EventTranslation;
}

/** Translates the events of one stream. */
export interface EventTranslation {
  /** @returns the client's events, as text; empty where there are none yet */
  event(name: string, data: string): string;
  /** The stream has ended cleanly. */
  end(): string;
}
