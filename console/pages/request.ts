import { html, nothing, type TemplateResult } from 'lit/html.js';
import { count, duration, money, relative } from '../data/format.ts';
import type { RequestStory } from '../data/requests.ts';
import { at, linkTo } from '../data/route.ts';
import { definePage, type View } from '../page.ts';
import { badge, stateBadge } from '../parts/badge.ts';
import { copyable } from '../parts/copy.ts';
import { showEmpty } from '../parts/empty.ts';
import { showFacts, showSection } from '../parts/facts.ts';
import { moment } from '../parts/moment.ts';
import { showSaid } from '../parts/said.ts';
import { showTiles } from '../parts/tiles.ts';
import { type Span, showWaterfall } from '../parts/waterfall.ts';

export const request = definePage<RequestStory>({
  path: '/requests/:id',
  title: 'Request',
  load: ({ api, params: { id = '' } }) => api.get<RequestStory>(`/v1/requests/${encodeURIComponent(id)}`),
  show: (call, view) => html`
    <p class="crumbs"><a href="#/requests">Requests</a></p>
    <p class="summary">${stateBadge(call.status)} <strong>${call.requested_model ?? call.model ?? call.operation}</strong>
      for ${call.user_id ?? 'nobody in particular'}, ${relative(call.started_at)} ${copyable(call.request_id, view)}</p>
    ${showTiles([
      {
        label: 'Cost',
        value: money(call.total_cost),
        note: call.total_cost === null ? 'the price is not known' : undefined,
      },
      { label: 'Took', value: duration(call.duration_ms), note: noteOfFirst(call) },
      {
        label: 'Input tokens',
        value: count(call.input_tokens),
        note: partNote(call.cached_input_tokens, 'from the provider’s cache'),
      },
      {
        label: 'Output tokens',
        value: count(call.output_tokens),
        note: partNote(call.reasoning_tokens, 'of reasoning'),
      },
    ])}
    <div class="halves">
      ${showSection('Who called', showCaller(call))} ${showSection('Which rules applied', showRules(call))}
      ${showSection('How it was answered', showAnswer(call))} ${showSection('What it used', showUsage(call))}
    </div>
    ${showSection('What was said', showContents(call, view))}`,
});

const noteOfFirst = ({ time_to_first_token_ms: first }: RequestStory) =>
  first === null ? undefined : `${duration(first)} to the first token`;

const partNote = (part: number | null, what: string) =>
  part === null || part === 0 ? undefined : `${count(part)} ${what}`;

function showCaller(call: RequestStory): TemplateResult {
  return showFacts([
    ['User', call.user_id && html`<a href=${linkTo('/requests', { user_id: call.user_id })}>${call.user_id}</a>`],
    ['Called at', moment(call.started_at)],
    [
      'Session',
      html`<a href=${linkTo('/requests', { session_id: call.session_id })}><code>${call.session_id}</code></a>`,
    ],
    ['Turn', call.turn_id && html`<code>${call.turn_id}</code>`],
    [
      'Conversation',
      call.conversation_id &&
        html`<a href=${linkTo(at('/conversations', call.conversation_id), { branch: call.branch_id ?? undefined })}>on ${call.branch_id}</a>`,
    ],
    ['Client', call.client && `${call.client} ${call.client_version ?? ''}`],
    ['Pod', call.namespace && `${call.namespace}/${call.workload ?? ''}`],
    ['End user', call.end_user],
    ['Safety identifier', call.safety_identifier],
  ]);
}

function showRules(call: RequestStory): TemplateResult {
  const model =
    call.model_alias === null ? call.requested_model : `${call.model_alias} stands for ${call.requested_model}`;
  return html`${showFacts([
    ['Operation', `${call.operation}${call.is_stream ? ', as a stream' : ''}`],
    ['Persona', call.persona && html`<a href=${at('#/personas', call.persona_id ?? '')}>${call.persona}</a>`],
    ['Model asked for', model],
    ['Optimization level', call.optimization_level],
    ['Service', call.service],
    ['Language', call.language],
    [
      'Guardrails',
      call.guardrail_hits.length > 0
        ? html`<span class="marks">${call.guardrail_hits.map((name) => badge(name, 'warn'))}</span>`
        : 'found nothing',
    ],
    ['Cache', call.cache && cacheSays[call.cache]],
  ])}
  <p class="small"><a href=${linkTo('/explain', explainQuery(call))}>Which rules would decide about such a call now?</a></p>`;
}

const cacheSays = {
  hit: 'answered it',
  miss: 'had no answer, so a provider was asked',
  bypass: 'was not for this call',
} as const;

const explainQuery = (call: RequestStory) => ({
  operation: call.operation,
  model: call.requested_model ?? undefined,
  user_id: call.user_id ?? undefined,
});

function showAnswer(call: RequestStory): TemplateResult {
  return html`${showWaterfall(spansOf(call))}
  ${showFacts([
    ['Provider', call.attempt_count === 0 ? 'none was asked' : call.provider],
    ['Key', call.binding && html`<code>${call.binding}</code>`],
    ['Model that answered', call.model],
    ['HTTP status', call.http_status],
    ['Error', call.error_code && html`<code>${call.error_code}</code>`],
    ['Response', call.response_id && html`<code>${call.response_id}</code>`],
    ['Follows', call.previous_response_id && html`<code>${call.previous_response_id}</code>`],
    [
      'Rating',
      call.rating &&
        `${call.rating.rating > 0 ? 'good' : 'bad'}${call.rating.feedback ? `: ${call.rating.feedback}` : ''}`,
    ],
  ])}`;
}

/** Failed attempts, then the wait for the answer, then the answer. */
function spansOf(call: RequestStory): Span[] {
  const spans: Span[] = [];
  let startMs = 0;
  for (const attempt of call.failed_attempts) {
    const note = html`${attempt.kind.replaceAll('_', ' ')}: ${attempt.reason}${attempt.http_status === null ? nothing : ` (${attempt.http_status})`}`;
    spans.push({ label: attempt.provider, startMs, ms: attempt.duration_ms, tone: 'bad', note });
    startMs += attempt.duration_ms;
  }
  const whole = call.duration_ms ?? startMs;
  const first = call.time_to_first_token_ms;
  const label = call.attempt_count === 0 ? 'Cache' : call.provider;
  if (first === null || first <= startMs) {
    const tone = call.status === 'failed' ? 'bad' : 'accent';
    return [...spans, { label, startMs, ms: Math.max(0, whole - startMs), tone, note: call.status }];
  }
  return [
    ...spans,
    { label, startMs, ms: first - startMs, tone: 'accent', note: 'to the first token' },
    { label, startMs: first, ms: Math.max(0, whole - first), tone: 'second', note: 'the answer' },
  ];
}

function showUsage(call: RequestStory): TemplateResult {
  const lost = call.failed_attempts.reduce((all, { total_cost }) => all + (total_cost ?? 0), 0);
  return showFacts([
    ['Input', count(call.input_tokens)],
    ['– read from cache', nonZero(call.cached_input_tokens)],
    ['– written to cache', nonZero(call.cache_write_tokens)],
    ['– audio', nonZero(call.input_audio_tokens)],
    ['Output', count(call.output_tokens)],
    ['– reasoning', nonZero(call.reasoning_tokens)],
    ['– audio', nonZero(call.output_audio_tokens)],
    ['Images', nonZero(call.images)],
    ['Audio', call.audio_seconds && `${call.audio_seconds} s`],
    ['Characters', nonZero(call.characters)],
    ['Cost', call.total_cost === null ? 'not known' : money(call.total_cost)],
    ['– of failed attempts', lost > 0 ? money(lost) : undefined],
    ['Cost that the cache avoided', call.avoided_cost === null ? undefined : money(call.avoided_cost)],
  ]);
}

const nonZero = (value: number | null) => (value === null || value === 0 ? undefined : count(value));

/** Contents come only where somebody asks for them. */
function showContents(call: RequestStory, view: View): TemplateResult {
  const loaded = view.state<RequestStory['contents'] | undefined>('contents', undefined);
  if (loaded.value === undefined) {
    if (!view.me.stores_contents)
      return showEmpty('Contents are not kept', 'spec.storage.contents of the Organization is None.');
    const load = () =>
      view.act(async () => {
        const story = await view.api.get<RequestStory>(`/v1/requests/${call.request_id}`, { contents: true });
        loaded.set(story.contents);
      });
    return html`<p>Contents are sealed. They are opened only when you ask for them.</p>
      <button type="button" ?disabled=${view.isBusy} @click=${load}>Show what was said</button>`;
  }
  if (loaded.value === null)
    return showEmpty(
      'Nothing is kept of this call',
      'It was made while contents were not stored, or their time is over.',
    );
  const { input, output } = loaded.value;
  return html`<h3>Asked</h3>${showSaid('The request', input, 'asked')}
    <h3>Answered</h3>${output ? showSaid('The answer', output, 'answered') : html`<p class="muted">No answer is kept.</p>`}`;
}
