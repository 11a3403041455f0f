import { type Static, Type } from 'typebox';
import { listEntries, type ShownEntry } from '../../governance/audit.ts';
import { page, paging } from '../../http/paging.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { route } from './route.ts';

const kinds = ['resource', 'api', 'refusal', 'revocation', 'cut'] as const;

const Entry = Type.Object(
  {
    seq: Type.Integer({ description: 'Its number in the log, without gaps from 1.' }),
    at: Timestamp,
    kind: Type.Enum([...kinds], {
      description:
        'resource: somebody changed a Kubernetes resource; api: a caller changed something; refusal: a request was refused; revocation: tokens became invalid; cut: entries that were older than spec.audit.retention were removed.',
    }),
    action: Nullable(Type.String(), 'What was done, such as `changed`.'),
    subject: Nullable(Type.String(), 'What it was done to, such as `Organization/acme`.'),
    code: Nullable(Type.String(), 'Of a refusal: the error code.'),
    actor: Type.Object(
      {},
      {
        additionalProperties: true,
        description:
          'Who: `user` and `roles` of a caller, or `managers`, the field managers of a resource, and `requesters`, who asked the API server. Of an erased user, it is a pseudonym.',
      },
    ),
    changes: Type.Array(
      Type.Object(
        { field: Type.String(), before: Type.Optional(Type.Unknown()), after: Type.Optional(Type.Unknown()) },
        { description: 'A field that changed. Long texts, and the texts of personas, are digests.' },
      ),
    ),
    details: Type.Object({}, { additionalProperties: true, description: 'Everything else that the entry has.' }),
    entry: Type.String({ description: 'The text that the hash covers, with pseudonyms in place of users.' }),
    hash: Type.String({ description: 'SHA-256 of the former entry’s hash and of `entry`, in hexadecimal digits.' }),
  },
  {
    example: {
      seq: 42,
      at: '2026-06-01T12:00:00.000Z',
      kind: 'refusal',
      action: null,
      subject: null,
      code: 'limit_reached',
      actor: { user: 'user@example.com', roles: ['member'] },
      changes: [],
      details: { status: 429, rule: { kind: 'limit', name: 'calls' }, route: 'POST /v1/responses', count: 1 },
      entry: '{"at": "2026-06-01T12:00:00.000Z", "seq": 42, "kind": "refusal"}',
      hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    },
  },
);

/** `GET /v1/audit`: who changed what, and every refusal with its rule. */
export const audit = route(
  'GET',
  '/audit',
  {
    tags: ['Audit'],
    summary: 'List the audit log',
    description:
      'Who changed what, and every refusal with its rule, the newest first. Entries are chained by their hashes, so that nobody can change them unseen.',
    querystring: Type.Object({
      since: Type.Optional(
        Type.String({ maxLength: 40, description: 'The first moment, such as 2027-01-31T12:00:00Z.' }),
      ),
      until: Type.Optional(Type.String({ maxLength: 40, description: 'The moment after the last.' })),
      kind: Type.Optional(Type.Enum([...kinds])),
      code: Type.Optional(Type.String({ maxLength: 63, description: 'Only refusals with this error code.' })),
      actor: Type.Optional(
        Type.String({ maxLength: 255, description: 'A user’s id, a field manager, or who asked the API server.' }),
      ),
      subject: Type.Optional(
        Type.String({ maxLength: 512, description: 'Such as `Organization/acme`; with a `/` at its end, all below.' }),
      ),
      ...paging,
    }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: 'admin',
    response: { 200: Type.Object({ entries: Type.Array(Entry), ...page }) },
  },
  async ({ caller, query: { limit, offset, ...question } }, context) => {
    const { items, total } = await listEntries(context, caller, question, { limit, offset });
    return { entries: items.map(show), total, limit, offset };
  },
);

function show({ seq, fields, entry, hash }: ShownEntry): Static<typeof Entry> {
  const { id: _, seq: __, organization: ___, at, kind, action, subject, code, actor, changes, ...details } = fields;
  return {
    seq,
    at: String(at),
    kind: kinds.find((one) => one === kind) ?? 'api',
    action: textOf(action),
    subject: textOf(subject),
    code: textOf(code),
    actor: typeof actor === 'object' && actor !== null ? actor : {},
    changes: Array.isArray(changes) ? changes : [],
    details,
    entry,
    hash: hash.toString('hex'),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
