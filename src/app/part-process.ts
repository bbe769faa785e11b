import { serveParent } from '../processes/serve-parent.ts';
import type { PartProcessReply, PartProcessRequest } from './part-answers.ts';

const answers = import('./part-answers.ts'); // while the watchdog's thread starts
answers.catch(() => {}); // met by who asks

serveParent<PartProcessRequest, PartProcessReply>(
  async request => (await answers).answer(request),
  async () => (await answers).end(),
);
