import type { Me, Page } from './page.ts';
import { analyses } from './pages/analyses.ts';
import { article } from './pages/article.ts';
import { audit } from './pages/audit.ts';
import { conversation } from './pages/conversation.ts';
import { conversations } from './pages/conversations.ts';
import { explain } from './pages/explain.ts';
import { guardrails } from './pages/guardrails.ts';
import { jobs } from './pages/jobs.ts';
import { knowledge } from './pages/knowledge.ts';
import { limits } from './pages/limits.ts';
import { overview } from './pages/overview.ts';
import { persona } from './pages/persona.ts';
import { personas } from './pages/personas.ts';
import { request } from './pages/request.ts';
import { requests } from './pages/requests.ts';
import { review } from './pages/review.ts';
import { reviews } from './pages/reviews.ts';
import { sessions } from './pages/sessions.ts';
import { simulate } from './pages/simulate.ts';
import { webhook } from './pages/webhook.ts';
import { webhooks } from './pages/webhooks.ts';

/** All pages. A new one needs a line here, and one below if it is in the navigation. */
export const pages: readonly Page[] = [
  ...[overview, requests, request, sessions, conversations, conversation],
  ...[personas, persona, limits, guardrails, explain, simulate],
  ...[knowledge, article, analyses, reviews, review],
  ...[webhooks, webhook, jobs, audit],
];

export interface NavigationGroup {
  readonly title: string;
  readonly items: readonly { readonly path: string; readonly label: string }[];
}

export const navigation: readonly NavigationGroup[] = [
  {
    title: 'Usage',
    items: [
      { path: '/', label: 'Overview' },
      { path: '/requests', label: 'Requests' },
      { path: '/sessions', label: 'Sessions' },
      { path: '/conversations', label: 'Conversations' },
    ],
  },
  {
    title: 'Rules',
    items: [
      { path: '/limits', label: 'Limits and budgets' },
      { path: '/personas', label: 'Personas' },
      { path: '/guardrails', label: 'Guardrail hits' },
      { path: '/explain', label: 'Explain a call' },
      { path: '/simulate', label: 'Simulate a change' },
    ],
  },
  {
    title: 'Content',
    items: [
      { path: '/knowledge', label: 'Knowledge base' },
      { path: '/analyses', label: 'Analyses' },
      { path: '/reviews', label: 'Review queue' },
    ],
  },
  {
    title: 'Operations',
    items: [
      { path: '/webhooks', label: 'Webhooks' },
      { path: '/jobs', label: 'Jobs' },
      { path: '/audit', label: 'Audit log' },
    ],
  },
];

/** Whether somebody may see a page. The API decides by itself; this spares a click that it would refuse. */
export function maySee({ roles }: Me, page: Pick<Page, 'roles'>): boolean {
  return !page.roles || roles.includes('admin') || page.roles.some((role) => roles.includes(role));
}
