import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { ChatEvent, RetryNotice } from '../../../clients/javascript/src/index.ts';
import { repository } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { startRelay } from '../../tcp-relay.ts';
import { installJavaScriptPackage } from './install-package.ts';
import { article, type Product, readSnippets, startProduct } from './product.ts';
import { makeStorage } from './storage.ts';

const execute = promisify(execFile);
type Package = typeof import('../../../clients/javascript/src/index.ts');
type Client = InstanceType<Package['ChatClient']>;

/** What was packed and installed from the package, against the running product. */
describe('the client for JavaScript', () => {
  const scope = suiteScope();
  let directory: string;
  let chaperone: Package;
  let product: Product;
  let admin: Client;
  let client: Client;
  let articleId: string;

  before(async () => {
    [directory, product] = await Promise.all([installJavaScriptPackage(scope), startProduct(scope)]);
    const file = join(directory, 'node_modules', '@chaperone', 'support', 'dist', 'index.js');
    chaperone = await import(pathToFileURL(file).href);
    admin = makeClient(product.admin);
    client = makeClient(product.backend);
    ({ articleId } = await admin.knowledgeBase.add({ ...article, metadata: { ...article.metadata, byUser: 'ada' } }));
  });

  const makeClient = (apiKey: string, more: object = {}) =>
    new chaperone.ChatClient({ apiKey, baseUrl: product.baseUrl, ...more });
  const ask = (more: object = {}) => ({ message: 'How do I reset my password?', userId: 'user_1', ...more });
  const runModule = async (text: string, env: NodeJS.ProcessEnv) => {
    const file = join(directory, `${crypto.randomUUID()}.mjs`);
    await writeFile(file, text);
    return (await execute(process.execPath, [file], { env: { PATH: process.env.PATH, ...env } })).stdout;
  };

  it('runs the snippet of the contract, and that of its README', async () => {
    const { javascript: documented } = readSnippets();
    const apiKey = await product.makeKey({ name: 'snippet', roles: ['member'] });
    const readme = await readFile(join(repository, 'clients', 'javascript', 'README.md'), 'utf8');
    const shown = /```ts\n(import .*?)```/s.exec(readme)?.[1] ?? assert.fail('the README has no snippet');
    assert.equal(shown, documented.replace('@ourplatform/sdk', '@chaperone/support'));
    for (const snippet of [documented, shown]) {
      const output = await runModule(snippet.replace('your_api_key', apiKey), { CHAPERONE_BASE_URL: product.baseUrl });
      assert.match(output, /choose Forgot Password/);
    }
  });

  it('holds a conversation, and hands it over', async () => {
    const first = await client.sendMessage(ask({ channel: 'chat', metadata: { user_email: 'a@example.com' } }));
    assert.match(first.answer, /choose Forgot Password/);
    assert.deepEqual([first.sources, first.escalated, first.status], [[articleId], false, 'active']);
    const named = [{ articleId, title: article.title, url: 'https://help.example.com/password' }];
    assert.deepEqual(first.sourceArticles, named);
    assert.ok(first.confidence >= 0.75 && !Number.isNaN(Date.parse(first.timestamp)));
    assert.ok(!('response' in first));
    const { conversationId } = first;
    const next = await client.sendMessage(ask({ message: 'And the password link?', conversationId }));
    assert.equal(next.conversationId, conversationId);
    const shown = await client.getConversation(conversationId);
    assert.deepEqual([shown.userId, shown.channel, shown.messageCount], ['user_1', 'chat', 4]);
    assert.deepEqual(shown.metadata, { user_email: 'a@example.com' });
    assert.deepEqual(shown.messages[1]?.sourceArticles, named);
    assert.deepEqual(shown.messages.map(({ sender, content }) => [sender, content]).slice(0, 2), [
      ['user', 'How do I reset my password?'],
      ['ai', first.answer],
    ]);
    const feedback = await client.submitFeedback({ conversationId, rating: 5, comment: 'Quick.' });
    assert.deepEqual([feedback.conversationId, feedback.rating], [conversationId, 5]);

    const escalated = await admin.escalate(conversationId, { assignedAgent: 'agent_1' });
    assert.deepEqual([escalated.status, escalated.reason, escalated.assignedAgent], ['escalated', 'manual', 'agent_1']);
    const { conversations, total } = await admin.listConversations({ assignedAgent: 'agent_1' });
    assert.deepEqual([total, conversations[0]?.conversationId, conversations[0]?.rating], [1, conversationId, 5]);
    assert.equal((await admin.updateConversation(conversationId, { status: 'active' })).status, 'active');
    assert.equal((await admin.resolve(conversationId)).status, 'resolved');
  });

  it('streams', async () => {
    const events: ChatEvent[] = [];
    for await (const event of client.streamMessage(ask())) events.push(event);
    const [begun] = events;
    const done = events.at(-1);
    assert.ok(begun?.type === 'message' && done?.type === 'done');
    assert.equal(done.response.conversationId, begun.conversationId);
    const told = events.map((event) => (event.type === 'delta' ? event.text : '')).join('');
    assert.ok(told.length > 0 && done.response.answer.startsWith(told), told);
    await assert.rejects(makeClient('nonsense').streamMessage(ask()).next(), { status: 401 });
    const controller = new AbortController();
    await assert.rejects(
      async () => {
        for await (const _ of client.streamMessage(ask(), { signal: controller.signal })) controller.abort();
      },
      { name: 'AbortError' },
    );
    for await (const { type } of client.streamMessage(ask())) if (type === 'message') break;
  });

  it('keeps the knowledge base', async () => {
    const { knowledgeBase } = admin;
    const added = await knowledgeBase.add({
      title: 'Lamps',
      content: 'A lamp blinks blue.',
      category: 'x',
      tags: ['lamp'],
    });
    assert.deepEqual([added.version, added.status, added.indexed], [1, 'published', true]);
    const changed = await knowledgeBase.update(added.articleId, { title: 'Our lamps', category: null });
    assert.equal(changed.version, 2);
    const shown = await knowledgeBase.get(added.articleId);
    assert.deepEqual([shown.title, shown.content, shown.category], ['Our lamps', 'A lamp blinks blue.', null]);
    assert.equal((await knowledgeBase.get(added.articleId, { version: 1 })).title, 'Lamps');
    assert.deepEqual((await knowledgeBase.get(articleId)).metadata, { ...article.metadata, byUser: 'ada' });
    const { versions } = await knowledgeBase.versions(added.articleId);
    assert.deepEqual(
      versions.map(({ version }) => version),
      [2, 1],
    );
    const listed = await knowledgeBase.list({ tag: 'lamp', limit: 1 });
    assert.deepEqual([listed.total, listed.articles[0]?.articleId], [1, added.articleId]);
    const found = await knowledgeBase.search('Why does the lmap blink?', { limit: 1 });
    assert.deepEqual([found.results[0]?.articleId, found.rankedBy], [added.articleId, 'words']);
    assert.deepEqual(await knowledgeBase.delete(added.articleId), { articleId: added.articleId, deleted: true });
    await assert.rejects(knowledgeBase.get(added.articleId), { name: 'NotFoundError', code: 'article_not_found' });
  });

  it('reads figures', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const period = { startDate: '2026-01-01', endDate: today };
    const { metrics, dailyBreakdown } = await admin.getAnalytics({ ...period, groupBy: 'day' });
    assert.ok((metrics.totalConversations ?? 0) > 0 && (dailyBreakdown?.[0]?.conversations ?? 0) > 0);
    const few = await admin.getAnalytics({ ...period, metrics: ['conversations', 'resolution_rate'] });
    assert.deepEqual(Object.keys(few.metrics).toSorted(), ['resolutionRate', 'totalConversations']);
  });

  it('throws typed errors', async () => {
    const { BadRequestError, AuthenticationError, PermissionDeniedError, NotFoundError, ConfigurationError } =
      chaperone;
    for (const [Class, status, code, request] of [
      [BadRequestError, 400, 'invalid_request', () => client.sendMessage({ message: 'Hello' })],
      [AuthenticationError, 401, 'invalid_credentials', () => makeClient('nonsense').sendMessage(ask())],
      [PermissionDeniedError, 403, 'role_required', () => client.listConversations()],
      [NotFoundError, 404, 'conversation_not_found', () => client.getConversation('conv_0/../x')],
    ] as const) {
      const error = await request().then(
        () => assert.fail('it was answered'),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof Class && error instanceof chaperone.ApiError, String(error));
      assert.deepEqual([error.status, error.code], [status, code]);
      assert.match(error.requestId ?? '', /^req_/);
      if (status === 400) assert.deepEqual([error.details.field, error.details.expected], ['user_id', 'string']);
    }
    for (const options of [{ apiKey: '' }, { apiKey: 'a b' }, { apiKey: 'a' }, { apiKey: 'a', baseUrl: 'ftp://a' }]) {
      assert.throws(() => new chaperone.ChatClient(options), ConfigurationError);
    }
  });

  it('tells of limits, and waits as long as Retry-After says', async () => {
    const apiKey = await product.makeKey({ name: 'few', roles: ['admin'], requests_per_hour: 2 });
    const limited = makeClient(apiKey, { maxRetryDelayMs: 0 });
    const use = async (): Promise<never> => {
      for (;;) await limited.knowledgeBase.list();
    };
    const error = await use().catch((thrown: unknown) => thrown);
    assert.ok(error instanceof chaperone.RateLimitError, String(error));
    assert.deepEqual([error.code, limited.rateLimit?.limit, limited.rateLimit?.remaining], ['limit_reached', 2, 0]);
    assert.ok(error.retryAfterMs !== undefined && error.retryAfterMs <= 3_600_000);
    const controller = new AbortController();
    const notices: RetryNotice[] = [];
    const onRetry = (notice: RetryNotice) => {
      notices.push(notice);
      controller.abort();
    };
    const patient = makeClient(apiKey, { maxRetryDelayMs: 2 * 3_600_000, onRetry });
    await assert.rejects(patient.knowledgeBase.list({}, { signal: controller.signal }), { name: 'AbortError' });
    const [notice] = notices;
    assert.ok(notice?.error instanceof chaperone.RateLimitError);
    assert.ok(notice.delayMs >= (notice.error.retryAfterMs ?? Infinity), JSON.stringify(notice));
  });

  it('is the visitor of a page with a public key, and the same one after a reload', async () => {
    const apiKey = await product.makeKey({ name: 'page', type: 'public', allowed_origins: ['*'] });
    const { storage } = makeStorage();
    const { conversationId } = await makeClient(apiKey, { storage }).sendMessage({ message: 'Hello' });
    const reloaded = await makeClient(apiKey, { storage }).getConversation(conversationId);
    assert.match(reloaded.userId, /^visitor_/);
    assert.deepEqual([reloaded.messages.length, reloaded.metadata, reloaded.costUsd], [2, undefined, undefined]);
    const stranger = makeClient(apiKey);
    await stranger.sendMessage({ message: 'Hello' });
    await assert.rejects(stranger.getConversation(conversationId), { name: 'NotFoundError' });
    await assert.rejects(stranger.knowledgeBase.list(), {
      name: 'PermissionDeniedError',
      code: 'public_key_not_allowed',
    });
  });

  it('sends a message again whose answer was lost, and it is there once', async () => {
    const relay = await startRelay({ after: scope.after }, product.stack.proxy.port);
    const notices: RetryNotice[] = [];
    const baseUrl = `http://127.0.0.1:${relay.port}`;
    const cut = makeClient(product.backend, { baseUrl, onRetry: (notice: RetryNotice) => notices.push(notice) });
    relay.loseNextAnswer();
    const { conversationId } = await cut.sendMessage(ask({ userId: 'user_cut' }));
    assert.equal(notices[0]?.error.name, 'ChatConnectionError');
    const { total } = await admin.listConversations({ userId: 'user_cut' });
    const { messages } = await client.getConversation(conversationId);
    assert.deepEqual([total, messages.map(({ sender }) => sender)], [1, ['user', 'ai']]);
    relay.loseNextAnswer();
    const stream = cut.streamMessage(ask({ userId: 'user_stream' }));
    const events: ChatEvent[] = [];
    for await (const event of stream) events.push(event);
    assert.deepEqual([events[0]?.type, events.at(-1)?.type], ['message', 'done']);
    assert.equal(notices.filter(({ error }) => error.name === 'ChatConnectionError').length, 2);
    const listed = await admin.listConversations({ userId: 'user_stream' });
    assert.deepEqual([listed.total, listed.conversations[0]?.messageCount], [1, 2]);
    await relay.close();
    await assert.rejects(cut.getConversation(conversationId, { maxRetries: 0 }), { name: 'ChatConnectionError' });
    await relay.open();
    assert.equal((await cut.getConversation(conversationId)).conversationId, conversationId);
  });

  it('has whole types', async () => {
    await copyFile(join(import.meta.dirname, 'sample.mts'), join(directory, 'sample.mts'));
    const flags = [
      '--strict',
      '--noEmit',
      '--exactOptionalPropertyTypes',
      '--module',
      'nodenext',
      '--target',
      'es2022',
    ];
    const lib = ['--lib', 'es2022,dom', '--types', ''];
    const compiler = join(repository, 'node_modules', '.bin', 'tsc');
    const problems = await execute(compiler, [...flags, ...lib, 'sample.mts'], { cwd: directory }).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
    assert.equal(problems, '');
  });
});
