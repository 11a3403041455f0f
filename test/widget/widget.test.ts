import { before, describe } from 'node:test';
import { skip } from '../chromium.ts';
import { suiteScope } from '../scope.ts';
import { type Stage, startStage } from './stage.ts';
import { walkAccessibility } from './walks/accessibility.ts';
import { walkConversations } from './walks/conversation.ts';
import { walkFailures } from './walks/failures.ts';
import { walkPages } from './walks/pages.ts';
import { walkSafety } from './walks/safety.ts';

/** The chat on web pages, in a real browser, under a strict Content-Security-Policy. One browser and one product for all. */
describe('a visitor of a page with the widget', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  before(async () => {
    stage = await startStage(scope);
  });
  const current = () => stage;
  walkConversations(current);
  walkFailures(current);
  walkSafety(current);
  walkPages(current);
  walkAccessibility(current);
});
