import { html, nothing, type TemplateResult } from 'lit/html.js';
import { showMarkdown } from '../../widget/view/markdown.ts';
import { type Analysis, type Message, type OpenConversation, orderBranches } from '../data/conversations.ts';
import { count, money, relative } from '../data/format.ts';
import { problemOf } from '../data/problem.ts';
import { at, linkTo } from '../data/route.ts';
import { definePage, type View } from '../page.ts';
import { stateBadge } from '../parts/badge.ts';
import { copyable } from '../parts/copy.ts';
import { showEmpty } from '../parts/empty.ts';
import { showSection } from '../parts/facts.ts';
import { moment } from '../parts/moment.ts';
import { styled } from '../parts/styled.ts';
import { showTiles } from '../parts/tiles.ts';

interface Data {
  readonly conversation: OpenConversation;
  /** The latest of the branch. Null: nobody has asked for one. */
  readonly analysis: Analysis | null;
}

export const conversation = definePage<Data>({
  path: '/conversations/:id',
  title: 'Conversation',
  refreshMs: ({ analysis }) => (isUnderWay(analysis) ? 2_000 : undefined),
  async load({ api, params: { id = '' }, query: { branch } }) {
    const branchId = branch ?? 'main';
    const analysisPath = `/api/analyses/${encodeURIComponent(id)}/${encodeURIComponent(branchId)}`;
    const [conversation, analysis] = await Promise.all([
      api.get<OpenConversation>(`/api/conversations/${encodeURIComponent(id)}`, { branch: branchId }),
      api.get<Analysis>(analysisPath).catch((error: unknown) => {
        if (problemOf(error).code === 'analysis_not_found' || problemOf(error).status === 404) return null;
        throw error;
      }),
    ]);
    return { conversation, analysis };
  },
  show: ({ conversation, analysis }, view) => html`
    <p class="crumbs"><a href="#/conversations">Conversations</a></p>
    <p class="summary">With ${conversation.user ?? 'nobody in particular'}, last call ${relative(conversation.lastCallAt)} ${copyable(conversation.conversationId, view)}</p>
    ${showTiles([
      { label: 'Calls', value: count(conversation.calls) },
      { label: 'Branches', value: count(conversation.branches) },
      { label: 'Tokens', value: count(conversation.totalTokens) },
      { label: 'Spend', value: money(conversation.costUsd) },
    ])}
    <div class="aside">
      ${showSection(`What was said on ${conversation.branchId}`, showMessages(conversation), html`<a href=${linkTo('/requests', { conversation_id: conversation.conversationId })}>Its requests</a>`)}
      <div class="page">
        ${showSection('Branches', showTree(conversation))} ${showSection('Analysis', showAnalysis(conversation, analysis, view))}
      </div>
    </div>`,
});

function showTree({ tree, conversationId, branchId, isWhole }: OpenConversation): TemplateResult {
  return html`<ul class="tree">
      ${orderBranches(tree).map(
        ({ branch, depth }) => html`<li ${styled({ 'padding-inline-start': `${depth * 18}px` })}>
          <a href=${linkTo(at('/conversations', conversationId), { branch: branch.branchId })} aria-current=${branch.branchId === branchId ? 'true' : nothing}>
            <span class="strong">${branch.branchId}</span>
            <span class="muted">${count(branch.messageCount)} ${branch.messageCount === 1 ? 'message' : 'messages'}, ${relative(branch.lastCallAt)}</span>
          </a>
        </li>`,
      )}
    </ul>
    ${isWhole ? nothing : html`<p class="muted small">Only the branches of the newest 2,000 calls are here.</p>`}`;
}

function showMessages({ messages, missingCalls, omittedCalls }: OpenConversation): TemplateResult {
  const said = messages ?? [];
  if (said.length === 0) {
    return showEmpty(
      'Nothing can be read here',
      missingCalls > 0 ? 'Contents of these calls are not stored.' : nothing,
    );
  }
  return html`${omittedCalls > 0 ? html`<p class="muted small">${count(omittedCalls)} earlier calls are left out.</p>` : nothing}
    ${missingCalls > 0 ? html`<p class="muted small">${count(missingCalls)} calls have no stored contents.</p>` : nothing}
    <ol class="words">${said.map(showMessage)}</ol>`;
}

function showMessage({ role, text, requestId, at: when }: Message): TemplateResult {
  return html`<li class=${role === 'tool' ? 'other' : role}>
    <span class="role">${role}<br /><a class="plain small" href=${at('#/requests', requestId)}>${moment(when)}</a></span>
    <div class="text">${text}</div>
  </li>`;
}

const templates = [
  ['summary', 'Summary'],
  ['technical', 'Technical'],
  ['security_audit', 'Security audit'],
] as const;

function showAnalysis(
  { conversationId, branchId }: OpenConversation,
  analysis: Analysis | null,
  view: View,
): TemplateResult {
  const template = view.state<string>('template', 'summary');
  const ask = () =>
    view.act(async () => {
      if (analysis === null || analysis.status === 'failed')
        await view.api.send('POST', '/api/analyses', { conversationId, branchId, template: template.value });
      else
        await view.api.send('POST', `/api/analyses/${conversationId}/${encodeURIComponent(branchId)}/regenerate`, {
          template: template.value,
        });
      await view.reload();
    }, 'The analysis is queued');
  return html`${
    analysis === null
      ? html`<p class="muted">Nobody has asked for an analysis of this branch.</p>`
      : html`<p class="summary">${stateBadge(analysis.status)} ${analysis.template} <span class="muted">${relative(analysis.createdAt)}</span></p>
            ${analysis.error ? html`<p class="bad">${analysis.error.message} <code>${analysis.error.code}</code></p>` : nothing}
            ${analysis.content === null ? nothing : html`<div class="prose">${showMarkdown(analysis.content)}</div>`}
            ${analysis.metadata ? html`<p class="muted small">By ${analysis.metadata.model}, ${count(analysis.metadata.calls)} calls, ${money(analysis.metadata.costUsd)}</p>` : nothing}`
  }
    <div class="row">
      <select aria-label="Kind of analysis" @change=${(event: Event) => event.target instanceof HTMLSelectElement && template.set(event.target.value)}>
        ${templates.map(([value, label]) => html`<option value=${value} ?selected=${value === template.value}>${label}</option>`)}
      </select>
      <button type="button" ?disabled=${view.isBusy || isUnderWay(analysis)} @click=${ask}>${analysis === null ? 'Analyze' : 'Analyze anew'}</button>
    </div>`;
}

function isUnderWay(analysis: Analysis | null): boolean {
  return analysis?.status === 'pending' || analysis?.status === 'processing';
}
