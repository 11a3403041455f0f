import { type Static, Type } from 'typebox';
import { getRequest, type RequestStory, readContents, type ShownContents } from '../../../governance/requests/story.ts';
import { Nullable, Timestamp } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { dollars, exampleListed, listed, showListed } from './fields.ts';

const Count = (description: string) => Nullable(Type.Integer(), description);

const Said = Type.Object({
  text: Type.String({ description: 'The body, at most the first 200,000 bytes of it.' }),
  bytes: Type.Integer({ description: 'Of the whole body.' }),
  is_cut: Type.Boolean(),
});

const Attempt = Type.Object({
  provider: Type.String(),
  kind: Type.String({ description: 'What the failure meant for the next attempt, such as `rate_limited`.' }),
  reason: Type.String({ description: 'The provider’s error code, else ours.' }),
  http_status: Nullable(Type.Integer()),
  duration_ms: Type.Integer(),
  input_tokens: Count('Null where the provider reported none.'),
  output_tokens: Count('Null where the provider reported none.'),
  total_cost: Nullable(Type.Number(), 'US dollars; null where it is not known.'),
});

const Story = Type.Object(
  {
    ...listed,
    turn_id: Nullable(Type.String()),
    binding: Nullable(Type.String(), 'The ApiKeyBinding of the key that was used, as `namespace/name`.'),
    optimization_level: Nullable(Type.String()),
    service: Nullable(Type.String()),
    language: Nullable(Type.String()),
    safety_identifier: Nullable(Type.String()),
    end_user: Nullable(Type.String(), 'The body’s `user`.'),
    response_id: Nullable(Type.String()),
    previous_response_id: Nullable(Type.String()),
    cached_input_tokens: Count('The part of the input that was read from the provider’s cache.'),
    cache_write_tokens: Count('The part of the input that was written to the provider’s cache.'),
    reasoning_tokens: Count('The part of the output that is reasoning.'),
    input_audio_tokens: Count('The part of the input that is audio.'),
    output_audio_tokens: Count('The part of the output that is audio.'),
    images: Count('Generated images.'),
    audio_seconds: Nullable(Type.Number(), 'The length of the input audio.'),
    characters: Count('The length of the text that was spoken.'),
    avoided_cost: Nullable(Type.Number(), 'US dollars that a provider would have billed for a hit of the cache.'),
    failed_attempts: Type.Array(Attempt, { description: 'Those before the one that answered, in order.' }),
    rating: Nullable(
      Type.Object({ rating: Type.Integer({ enum: [1, -1] }), feedback: Nullable(Type.String()), rated_at: Timestamp }),
    ),
    contents: Nullable(
      Type.Object({ input: Said, output: Nullable(Said, 'Null where there was none, or it was too large.') }),
      'What was asked and answered. Null where it is not kept, or was not asked for.',
    ),
  },
  {
    example: {
      ...exampleListed,
      ...{ turn_id: null, binding: 'web/openai', optimization_level: null, service: null, language: null },
      ...{ safety_identifier: null, end_user: null, response_id: 'chatcmpl-abc123', previous_response_id: null },
      ...{ cached_input_tokens: 0, cache_write_tokens: null, reasoning_tokens: 0, input_audio_tokens: null },
      ...{ output_audio_tokens: null, images: null, audio_seconds: null, characters: null, avoided_cost: null },
      ...{ failed_attempts: [], rating: null, contents: null },
    },
  },
);

/** `GET /v1/requests/{id}` */
export const requestStory = route(
  'GET',
  '/requests/:id',
  {
    tags: ['Requests'],
    summary: 'Get a recorded call',
    description:
      'Who made it, what it met, what it used and what it cost. Your own, or, for an analyst, reviewer or admin, any of the organization.',
    params: Type.Object({ id: Type.String({ maxLength: 64, description: 'As in X-Request-ID.' }) }),
    querystring: Type.Object({
      contents: Type.Boolean({ default: false, description: 'Whether what was asked and answered is wanted.' }),
    }),
    problems: ['request_not_found', 'records_pending', 'store_unavailable'],
    response: { 200: Story },
  },
  async ({ caller, params: { id }, query: { contents } }, context) => {
    const story = await getRequest(context, caller, id);
    return show(story, contents ? await readContents(context, story) : undefined);
  },
);

function show(story: RequestStory, contents: ShownContents | undefined): Static<typeof Story> {
  const { rating } = story;
  return {
    ...showListed(story),
    ...{ turn_id: story.turnId, binding: story.binding, optimization_level: story.optimizationLevel },
    ...{ service: story.service, language: story.language, safety_identifier: story.safetyIdentifier },
    ...{ end_user: story.endUser, response_id: story.responseId, previous_response_id: story.previousResponseId },
    ...{ cached_input_tokens: story.cachedInputTokens, cache_write_tokens: story.cacheWriteTokens },
    ...{ reasoning_tokens: story.reasoningTokens, input_audio_tokens: story.inputAudioTokens },
    ...{ output_audio_tokens: story.outputAudioTokens, images: story.images, audio_seconds: story.audioSeconds },
    ...{ characters: story.characters, avoided_cost: dollars(story.avoidedCostUsd) },
    failed_attempts: (story.attempts ?? []).map(({ provider, kind, reason, http_status, duration_ms, ...used }) => ({
      ...{ provider, kind, reason, http_status, duration_ms },
      ...{ input_tokens: used.input_tokens ?? null, output_tokens: used.output_tokens ?? null },
      total_cost: dollars(used.cost_usd ?? null),
    })),
    rating: rating && { rating: rating.rating, feedback: rating.feedback, rated_at: rating.ratedAt },
    contents: contents
      ? { input: showSaid(contents.input), output: contents.output && showSaid(contents.output) }
      : null,
  };
}

function showSaid({ text, bytes, isCut }: ShownContents['input']): Static<typeof Said> {
  return { text, bytes, is_cut: isCut };
}
