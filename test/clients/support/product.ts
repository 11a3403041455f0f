import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';

/** The running product, with what clients of its support desk need. */
export interface Product {
  readonly stack: Stack;
  /** Where clients find it. */
  readonly baseUrl: string;
  /** Tokens of an admin and of an application's backend. */
  readonly admin: string;
  readonly backend: string;
  /** Makes a key, a secret one if nothing else is said. */
  makeKey(fields: Readonly<Record<string, unknown>>): Promise<string>;
}

/** An article that the sandbox answers from. */
export const article = {
  title: 'Password Reset Guide',
  content: 'To reset your password, choose Forgot Password on the login page. We send a link to your address.',
  metadata: { last_updated: 'today', url: 'https://help.example.com/password' },
};

export async function startProduct(scope: Scope): Promise<Product> {
  const stack = await startStack(scope, { ownProcess: true });
  const admin = await stack.sign({ user: 'ada', roles: ['admin'] });
  const backend = await stack.sign({ roles: ['member'] });
  return {
    ...{ stack, admin, backend, baseUrl: new URL(stack.baseUrl).origin },
    async makeKey(fields) {
      const answer = await fetch(`${stack.baseUrl}/keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'secret', ...fields }),
      });
      const made = (await answer.json()) as { key: string };
      assert.equal(answer.status, 201, JSON.stringify(made));
      return made.key;
    },
  };
}

/** The snippets of contract 2 that show the clients, as they are there. */
export function readSnippets(): { readonly javascript: string; readonly python: string } {
  const text = readFileSync(join(import.meta.dirname, 'snippets.md'), 'utf8');
  const [javascript = '', python = ''] = [...text.matchAll(/```\w+\n(.*?)```/gs)].map(([, code]) => code);
  return { javascript, python };
}
