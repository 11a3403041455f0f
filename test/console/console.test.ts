import { before, describe } from 'node:test';
import { skip } from '../chromium.ts';
import { suiteScope } from '../scope.ts';
import { type Stage, startStage } from './stage.ts';
import { walkFailures } from './walks/failures.ts';
import { walkLooks } from './walks/looks.ts';
import { walkPages } from './walks/pages.ts';
import { walkSafety } from './walks/safety.ts';
import { walkSigningIn } from './walks/signing-in.ts';

/** The console in a real browser, over a real product with a history. One browser and one product for all. */
describe('somebody at the console', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  before(async () => {
    stage = await startStage(scope);
  });
  const current = () => stage;
  walkSigningIn(current);
  walkPages(current);
  walkFailures(current);
  walkSafety(current);
  walkLooks(current);
});
