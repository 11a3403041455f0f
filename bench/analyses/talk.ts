import { Agent, request } from 'node:http';

export interface Talk {
  readonly port: number;
  readonly token: string;
  readonly connections: number;
  readonly seconds: number;
  /** How many calls a conversation has. */
  readonly turns: number;
  /** Of the conversations, so that those of two loads differ. */
  readonly name: string;
}

export interface Talked {
  readonly calls: number;
  readonly conversations: number;
  readonly perSecond: number;
}

type Message = { readonly role: string; readonly content: string };

const filler = 'What did the customer order, when did it leave, and where is it now? '.repeat(6);

/**
 * Leads conversations, each connection one after the other: every call has all messages so far, as chats do.
 *
 * @throws where a call fails
 */
export async function talk({ port, token, connections, seconds, turns, name }: Talk): Promise<Talked> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const startedAt = performance.now();
  const deadline = startedAt + seconds * 1_000;
  let calls = 0;
  let conversations = 0;
  const lead = async (connection: number) => {
    for (let number = 0; performance.now() < deadline; number += 1) {
      conversations += 1;
      const messages: Message[] = [];
      for (let turn = 0; turn < turns; turn += 1) {
        messages.push({ role: 'user', content: `${name} ${connection} ${number} ${turn}: ${filler}` });
        await send(agent, port, token, JSON.stringify({ model: 'gpt-4o-mini', messages }));
        calls += 1;
        messages.push({ role: 'assistant', content: `It is on its way. ${turn} ${filler}` });
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, connection) => lead(connection)));
  agent.destroy();
  return { calls, conversations, perSecond: (calls / (performance.now() - startedAt)) * 1_000 };
}

function send(agent: Agent, port: number, token: string, body: string): Promise<void> {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-user-id': 'bench@example.com',
  };
  return new Promise((resolve, reject) => {
    const asked = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/v1/chat/completions', headers });
    asked.on('error', reject);
    asked.on('response', (answer) => {
      answer.resume();
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`A call was answered with ${answer.statusCode}`));
      });
    });
    asked.end(body);
  });
}
