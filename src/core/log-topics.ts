/**
 * What the log can say, by the anchor in docs/operate.md that tells what to do; `…` stands for what varies. A test holds the list against every call of a log in
 * the code, and the page against the list.
 */
export const LOG_TOPICS: Readonly<Record<string, readonly string[]>> = {
  'wrong-settings': ['settings: …', 'the start failed: …', 'closing: …'],
  'http-failed': ['http: …'],
  'circuit-open': [
    'circuit breaker of the … is open: it failed …; next try in … s; at last: …',
    'circuit breaker of the … is …',
  ],
  unexpected: ['… failed unexpectedly: …', '… more requests failed unexpectedly meanwhile'],
  'append-failed': ['partition …: … of … endings appended, then …: …'],
  'holes-filled': [
    '…: … to … were passed over by the host; reading and scoring them now',
    '…: … to … are settled',
    '…: … to … came again and are settled already',
    'looking for holes in partition …: …',
  ],
  'requests-expired': [
    '…: … to … expired before they were scored: they cannot be read any more',
    '…: all its results have expired, the last of …; going on at …, the first request since then. Keep results at least as long as requests',
  ],
  'hub-made-anew': [
    '…: the requests hub was made anew since the last results; what they say of its predecessor is left aside',
    '…: results say it is settled through …, but it ends at …: its sequence numbers started again, so its events are taken as new',
    '…: no results yet; beginning at …, the first event there is (INITIAL_POSITION)',
  ],
  'dead-letters-replayed': ['replay: … of … dead letters sent back; left: …'],
  'process-died': [
    'a process died with … in flight: that is scored apart, and so is everything else for … s',
    '… ends as inference_failed: …',
    'nothing can be scored apart: …; for … s all is scored in this process',
    'no process died of late: what comes is scored in this one again',
    '…; another takes its place',
    '…: a process ended while it opened this file; it is tried apart once more',
  ],
  'marks-not-kept': [
    '…: …; what is in flight is not marked, so that a death says nothing of it',
    '…: …; what is in flight is not marked any more',
    '…: …; a file that ends this process will be opened again',
    '…: …; models are tried on this machine',
    '…/…: no mark of what was passed over can be read: …',
    '…/…: no mark of what was passed over can be written: …',
  ],
  'storage-away': [
    '…; going on with what is loaded',
    '…; models are looked for again on first use',
    '…; going by what was seen before',
    'looking for a newer version: …',
    '…; going on from byte … of …',
    'model storage is back',
  ],
  'backend-missing': [
    '…: member … is missing: …; the others answer without it',
    '…: … is missing: …; the other backends answer',
    '…: provider … is not on this machine: …; passed over',
  ],
  'version-not-served': ['…; this version does not serve', 'fallback of … …: …', 'listing models: …'],
  'card-fields-unread': ['…; it serves without'],
  'deployment-json': [
    '…; not taken over: …',
    '…: alias … names …, which is not there',
    '…: not kept for the next start: …',
    '…: in force again',
  ],
  'model-changed': [
    '… … loaded in … ms: …, … ms a slice of …, about … MB',
    '…: … takes over from …',
    '…: tried in a process of its own in … ms',
    '… … unloaded: nothing asks for it any more',
  ],
  'models-crowded': [
    '… … unloaded to make room for … …',
    'models in use take about … MB, more than MODEL_MEMORY_MB allows (… MB)',
    'unloading …: …',
    'model cache …: the disk is full; … MB that nothing uses were removed',
  ],
  'rollout-followed': [
    '…/deployment.json could not be read for … s: …',
    '…/deployment.json can be read again, and its rollout is followed',
    '…: following its rollout: …',
    '…; rollouts of … are judged by what it said before',
    '…; going by what it said before',
  ],
  'rollout-decided': [
    '… …: … (rollout …): …',
    '…: no … of rollout …: …',
    '…: … of rollout … failed: …',
    '…: where rollout … fails was not searched: …',
  ],
  'audit-waits': ['…: the audit record waits to be written: …', '…: … audit records wait to be written: …'],
  drift: ['drift: … …, …: …'],
  'drift-stuck': ['drift is not watched: …', 'a profile or card is not read: …'],
  'shadow-waits': ['shadow of … … waits: …', "the shadow process runs at the stream's priority: …"],
  'sweep-stuck': [
    'nothing is counted: …',
    'labels are not read: …',
    'labels are not joined: …',
    'old windows stay for now: …',
  ],
  'batch-jobs': [
    'job … was submitted by its template',
    'job …: … files of … bytes are unpacked',
    'job … succeeded: … rows scored, … rejected, in …',
    'job … is cancelled',
    'job …: attempt …',
    'job … failed: …',
    'template … made no job for …: …',
  ],
  'batch-goes-on': [
    'job … is queued and starts within a minute: its messages could not be sent (…)',
    'job … stands still: messages of … chunks are sent again',
    'job …: … of … chunks are done again, from where the one before ended',
    'job …: many chunks begin inside quotes; the quotes of all are counted',
    'job …: chunk … failed and is tried again in … s: …',
    'job …: …; it is tried again',
    'job … is …: due …, expected …',
    "the batch process runs at the stream's priority: …",
  ],
  'batch-messages': [
    'a message in the queue of chunks names no chunk of a job: it is dropped',
    'a poison message names no chunk of a job: it is dropped',
    'a message for a job that is not there: …',
  ],
  'batch-webhook': ['BATCH_WEBHOOK answered …', 'BATCH_WEBHOOK did not answer: …'],
  'cache-away': [
    'result cache: REDIS_URL is no Redis URL, so instances share nothing; it takes …',
    'result cache: Redis is away, inferring without it: …',
    'result cache: Redis is back',
  ],
  'telemetry-away': [
    'telemetry is not exported to Application Insights: …',
    'telemetry to Application Insights: …',
    'Live Metrics, exceptions and dependencies are not exported: …',
    'metrics: …',
  ],
  'dead-letters': ['…: … of … requests are dead letters (…): …', 'more dead letters meanwhile: …'],
};

interface Known {
  readonly anchor: string;
  readonly pattern: RegExp;
  /** Letters that do not vary: of two that match the one with more is meant. */
  readonly weight: number;
}

let known: readonly Known[] | undefined;

/** The anchor of a message; undefined where none says it so. */
export function logTopicOf(said: string): string | undefined {
  known ??= Object.entries(LOG_TOPICS)
    .flatMap(([anchor, texts]) => texts.map(text => ({ anchor, pattern: patternOf(text), weight: text.length })))
    .sort((one, other) => other.weight - one.weight);
  return known.find(({ pattern }) => pattern.test(said))?.anchor;
}

function patternOf(text: string): RegExp {
  const parts = text.split('…').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
