import type { Task } from './task.ts';
import { analyzeConversation } from './tasks/analyze-conversation.ts';
import { deliverWebhook } from './tasks/deliver-webhook.ts';
import { indexKnowledge } from './tasks/index-knowledge.ts';
import { judgeTextsTask } from './tasks/judge-texts.ts';
import { settleCalls } from './tasks/settle-calls.ts';

/** What is done for organizations, by the name that a job gives. A task is a file in tasks/ and a line here. */
export const tasks: Readonly<Record<string, Task>> = {
  'analyze-conversation': analyzeConversation,
  'deliver-webhook': deliverWebhook,
  'index-knowledge': indexKnowledge,
  'judge-texts': judgeTextsTask,
  'settle-calls': settleCalls,
};
