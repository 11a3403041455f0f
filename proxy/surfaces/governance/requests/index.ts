import { requestList } from './list.ts';
import { requestStory } from './story.ts';

/** `/v1/requests`: the recorded calls, one by one. */
export const requestRoutes = [requestList, requestStory];
