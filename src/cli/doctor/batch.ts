import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import { connectContainer } from '../../azure/connect-blobs.ts';
import { connectQueue } from '../../azure/work-queue.ts';
import { batchStorageConnection, type Connection, hostQueuesConnection } from '../../config/connection.ts';
import type { Settings } from '../../config/settings.ts';
import { ConfigurationError } from '../../core/errors.ts';
import { parsePlace } from '../../core/job-storage.ts';
import { CHUNKS_QUEUE } from '../../core/work-queue.ts';
import { type Check, type Finding, fail, failure, ok, warn } from './check.ts';

/** What batch jobs need: their container, the queue of chunks, and the containers that templates name. Nothing is written: what is tried cannot succeed. */
export function checkBatch(settings: Settings): Check {
  return {
    name: 'batch jobs',
    async run(signal) {
      const storage = batchStorageConnection(settings);
      const jobs = await connectContainer(storage, settings.BATCH_CONTAINER);
      const templates = () => checkTemplates(settings, storage, jobs, signal);
      return [...(await checkContainer(jobs, storage, templates, signal)), ...(await checkQueues(settings, signal))];
    },
  };
}

async function checkContainer(
  jobs: ContainerClient,
  { kind }: Connection,
  templates: () => Promise<Finding[]>,
  signal: AbortSignal,
): Promise<Finding[]> {
  const where = `container ${jobs.containerName} of batch jobs`;
  try {
    await jobs.listBlobsFlat({ abortSignal: signal }).byPage({ maxPageSize: 1 }).next();
    await tryWriting(jobs, signal);
    return [ok(`${where} can be read and written`), ...(await templates())];
  } catch (thrown) {
    if (statusOf(thrown) === 403) return [{ ...failure(where, thrown), fix: WRITER }];
    if (statusOf(thrown) !== 404) return [failure(`${where} cannot be read`, thrown)];
    if (kind === 'connection-string') return [ok(`${where} is not there yet: the first job makes it`)];
    const fix = 'The deployment makes it (`azd provision`); or set BATCH_CONTAINER and BatchStorage.';
    return [warn(`${where} is not there`, fix)];
  }
}

const WRITER = 'Give the identity Storage Blob Data Contributor on that container; roles take some minutes to arrive.';
const READER = 'Give the identity Storage Blob Data Reader on that container; roles take some minutes to arrive.';
const SENDER =
  'Give the identity Storage Queue Data Contributor on the storage of the host; roles take some minutes to arrive.';

/** Asks for a write that no blob's ETag can let through: who may write is told that, and nobody else. */
async function tryWriting(container: ContainerClient, signal: AbortSignal): Promise<void> {
  try {
    const options = { conditions: { ifMatch: '"0x0"' }, abortSignal: signal };
    await container.getBlockBlobClient('hubscore-doctor').upload('', 0, options);
  } catch (thrown) {
    if (statusOf(thrown) !== 412) throw thrown;
  }
}

async function checkQueues(settings: Settings, signal: AbortSignal): Promise<Finding[]> {
  let connection: Connection;
  try {
    connection = hostQueuesConnection(settings);
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) return []; // the check of the host's storage says so
    throw thrown;
  }
  try {
    const waiting = await messagesIn(await connectQueue(connection, CHUNKS_QUEUE), signal);
    const poisoned = await messagesIn(await connectQueue(connection, `${CHUNKS_QUEUE}-poison`), signal);
    await trySending(await connectQueue(connection, 'hubscore-doctor-nowhere'), signal);
    const count = waiting === undefined ? 'the first job makes it' : `${waiting} chunks wait in it`;
    const queue = ok(`queue ${CHUNKS_QUEUE} can be read and sent to: ${count}`);
    if (!poisoned) return [queue];
    const says = `queue ${CHUNKS_QUEUE}-poison holds ${poisoned} chunks that nobody has failed yet`;
    return [queue, warn(says, 'Does the app run? Its function fail-chunks takes them; docs/batch.md says what to do.')];
  } catch (thrown) {
    const found = failure(`queue ${CHUNKS_QUEUE} cannot be used`, thrown);
    return [statusOf(thrown) === 403 ? { ...found, fix: SENDER } : found];
  }
}

/** Undefined where the queue is not there. */
async function messagesIn(queue: QueueClient, signal: AbortSignal): Promise<number | undefined> {
  try {
    return (await queue.getProperties({ abortSignal: signal })).approximateMessagesCount ?? 0;
  } catch (thrown) {
    if (statusOf(thrown) === 404) return undefined;
    throw thrown;
  }
}

/** To a queue that is not there: who may send is told that. */
async function trySending(queue: QueueClient, signal: AbortSignal): Promise<void> {
  try {
    await queue.sendMessage('', { abortSignal: signal });
  } catch (thrown) {
    if (statusOf(thrown) !== 404) throw thrown;
  }
}

/** Inputs and outputs lie wherever templates say, and the roles there are given by whoever owns them. */
async function checkTemplates(
  settings: Settings,
  storage: Connection,
  jobs: ContainerClient,
  signal: AbortSignal,
): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const { name } of jobs.listBlobsFlat({ prefix: 'jobs/templates/', abortSignal: signal })) {
    const title = `template ${name.slice('jobs/templates/'.length).replace(/\.json$/, '')}`;
    try {
      const text = (await jobs.getBlobClient(name).downloadToBuffer(0, undefined, { abortSignal: signal })).toString();
      const template: Readonly<Record<string, unknown>> = JSON.parse(text);
      found.push(...(await checkPlaces(title, template, settings, storage, signal)));
    } catch (thrown) {
      found.push(failure(`${title} cannot be read`, thrown));
    }
  }
  return found;
}

async function checkPlaces(
  title: string,
  template: Readonly<Record<string, unknown>>,
  settings: Settings,
  storage: Connection,
  signal: AbortSignal,
): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const member of ['input', 'output', 'archive']) {
    const text = template[member];
    if (text === undefined && member === 'archive') continue;
    const place = typeof text === 'string' ? parsePlace(text) : undefined;
    const writes = member !== 'input';
    if (!place || (writes && place.container === settings.MODELS_CONTAINER)) {
      const says = `${title}: ${member} ${JSON.stringify(text)} is no place where a job ${writes ? 'may write' : 'reads'}`;
      found.push(fail(says, 'A blob is expected, as container/path, in another container than that of the models.'));
      continue;
    }
    try {
      const container = await connectContainer(storage, place.container);
      if (writes) await tryWriting(container, signal);
      else await container.listBlobsFlat({ abortSignal: signal }).byPage({ maxPageSize: 1 }).next();
    } catch (thrown) {
      // A container for an output is made where that is allowed.
      if (writes && statusOf(thrown) === 404 && storage.kind === 'connection-string') continue;
      const fault = failure(`${title}: container ${place.container} of its ${member}`, thrown);
      found.push(statusOf(thrown) === 403 ? { ...fault, fix: writes ? WRITER : READER } : fault);
    }
  }
  return found.length > 0 ? found : [ok(`${title}: its input can be read, its output written`)];
}

const statusOf = (thrown: unknown) => (thrown as { readonly statusCode?: unknown }).statusCode;
