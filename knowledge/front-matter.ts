import { type Document, LineCounter, parseDocument } from 'yaml';
import { findUnstorable } from '../database/storable.ts';
import type { SealedArticle } from './article.ts';

/** What is wrong with an article's file. */
export interface ArticleProblem {
  /** Of the front matter. Absent: it is about the whole file. */
  readonly field?: string;
  /** From 1. */
  readonly line?: number;
  readonly reason: string;
}

export type ArticleFile =
  | {
      readonly article: SealedArticle;
      /** The organization that it names. Undefined: none. */
      readonly organization: string | undefined;
    }
  | { readonly problems: readonly [ArticleProblem, ...ArticleProblem[]] };

const most = { title: 500, content: 500_000, category: 200, tag: 100, tags: 100 };

type Check = (value: unknown) => string | undefined;

const text =
  (length: number): Check =>
  (value) =>
    typeof value === 'string' && value.trim() !== '' && value.length <= length
      ? undefined
      : `must be a text of 1 to ${length} characters`;

/** The fields of a front matter, with what each has to be: as `POST /api/v1/knowledge-base` takes them. */
const fields: Readonly<Record<string, Check>> = {
  title: text(most.title),
  category: text(most.category),
  tags: (value) =>
    Array.isArray(value) && value.length <= most.tags && value.every((tag) => text(most.tag)(tag) === undefined)
      ? undefined
      : `must be a list of at most ${most.tags} texts of 1 to ${most.tag} characters`,
  status: (value) => (value === 'draft' || value === 'published' ? undefined : 'must be draft or published'),
  language: (value) =>
    typeof value === 'string' && /^[a-z]{2}$/.test(value) ? undefined : 'must be an ISO 639-1 code, such as en',
  metadata: (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'must be an object',
  organization: text(63),
};

/**
 * Reads an article from a Markdown file: its front matter is YAML between two lines of `---`, as static site generators
 * have it.
 */
export function readArticleFile(file: string): ArticleFile {
  const [, front, content] = /^\ufeff?---[ \t]*\r?\n([\s\S]*?)^---[ \t]*(?:\r?\n|$)([\s\S]*)$/m.exec(file) ?? [];
  if (!/^\ufeff?---[ \t]*\r?$/m.test(file.split('\n', 1)[0] ?? '') || front === undefined || content === undefined) {
    return { problems: [{ line: 1, reason: 'must begin with a front matter: YAML between two lines of ---' }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(front, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) return { problems: [{ line: lines.linePos(error.pos[0]).line + 1, reason: error.message }] };
  const value = valueIn(document);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problems: [{ line: 2, reason: 'the front matter must have fields, such as title' }] };
  }
  const stated = new Map(Object.entries(value));
  const lineOf = (field: string) => 1 + Math.max(1, front.split('\n').findIndex((line) => line.startsWith(field)) + 1);
  const problems: ArticleProblem[] = [];
  for (const [field, given] of stated) {
    const check = Object.hasOwn(fields, field) ? fields[field] : undefined;
    const reason = check ? (check(given) ?? findUnstorable(given)?.reason) : `is no field; there are ${names}`;
    if (reason !== undefined) problems.push({ field, line: lineOf(field), reason });
  }
  if (!stated.has('title')) problems.push({ field: 'title', line: 1, reason: 'is required' });
  const body = content.trim();
  if (body === '') problems.push({ reason: 'has no text below its front matter' });
  if (body.length > most.content) problems.push({ reason: `must have at most ${most.content} characters` });
  const [first, ...rest] = problems;
  if (first) return { problems: [first, ...rest] };
  const {
    title,
    category = null,
    tags = [],
    status = 'published',
    language = 'en',
    metadata = {},
    organization,
  } = value as Partial<SealedArticle> & { readonly organization?: string };
  return { article: { title: title ?? '', content: body, category, tags, status, language, metadata }, organization };
}

/** Undefined where aliases would make a small text a large value. */
function valueIn(parsed: Document): unknown {
  try {
    return parsed.toJS() ?? {};
  } catch {
    return undefined;
  }
}

const names = Object.keys(fields).join(', ');
