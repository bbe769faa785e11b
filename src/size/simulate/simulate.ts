import { eventCpuMs } from '../costs.ts';
import { Agenda } from './agenda.ts';
import { Backlog } from './backlog.ts';
import { claimsOf } from './ownership.ts';
import { createRandom } from './random.ts';
import { createRecorder } from './recorder.ts';
import { createRemoteRuns, type RemoteRuns } from './remote-runs.ts';
import { desiredInstances } from './scale-rule.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { retried, Throttle } from './throttle.ts';

interface Instance {
  /** When each of its cores is free. */
  readonly freeAt: number[];
  readonly remote: RemoteRuns;
  state: 'starting' | 'working' | 'left' | 'killed';
}

interface Partition {
  readonly index: number;
  readonly backlog: Backlog;
  owner: Instance | undefined;
  /** Its events come from then on. */
  openAt: number;
  filling: boolean;
  /** Under way, on which instance; one batch at a time. */
  batch: { readonly events: [number, number][]; readonly count: number; readonly on: Instance } | undefined;
}

/** Who shares what the hub takes in. */
const [SENDERS, RESULTS] = [0, 1];
/** Service times differ by so much to either side. */
const SPREAD = 0.1;

/**
 * What comes of a load on one namespace: events go through the hub's limits into partitions; every partition's instance fills a batch, works on it when a core is
 * free, waits for a remote model and for the results hub, and takes the next; instances come and go and share partitions by their rules. The same scenario
 * has the same outcome, its seed included.
 */
export function simulate(scenario: Scenario): Outcome {
  const { costs, hub, ownership, scale } = scenario;
  const agenda = new Agenda();
  const random = createRandom(scenario.seed);
  const recorder = createRecorder(scenario);
  const eventMs = eventCpuMs(costs, scenario.rows);
  const partitions = Array.from({ length: scenario.partitions }, (_, index): Partition => {
    return { index, backlog: new Backlog(), owner: undefined, openAt: 0, filling: false, batch: undefined };
  });
  let instances: Instance[] = [];
  let now = 0;
  let next = 0;
  let lastSentAt = 0;
  let addedAt = Number.NEGATIVE_INFINITY;

  const after = (ms: number, run: () => void) => agenda.note(now + ms, run);
  const intake = new Throttle({ events: hub.inEvents, bytes: hub.inBytes }, () => now, after);
  const outlet = new Throttle({ events: hub.outEvents, bytes: hub.outBytes }, () => now, after);

  function send(): void {
    const count = random.poisson((scenario.rateAt(now) * scenario.stepMs) / 1000);
    if (count > 0) {
      const at = now;
      lastSentAt = now;
      recorder.sent(at, count);
      intake.ask(SENDERS, count, count * scenario.requestBytes, () => enqueue(at, count));
    }
    if (now + scenario.stepMs <= scenario.sendUntilMs) after(scenario.stepMs, send);
  }

  function enqueue(at: number, count: number): void {
    recorder.enqueued(count);
    const each = Math.floor(count / partitions.length);
    const more = count % partitions.length;
    for (const partition of partitions) {
      const own = each + ((partition.index - next + partitions.length) % partitions.length < more ? 1 : 0);
      if (own === 0) continue;
      partition.backlog.add(at, own);
      look(partition);
    }
    next = (next + more) % partitions.length;
  }

  /** Begins a batch where one can begin. */
  function look(partition: Partition): void {
    const { owner, backlog } = partition;
    if (owner?.state !== 'working' || partition.batch || backlog.count === 0 || now < partition.openAt) return;
    const isFull = costs.fillMs === 0 || backlog.count >= costs.mostEvents;
    if (isFull) begin(partition, owner);
    if (isFull || partition.filling) return;
    partition.filling = true;
    after(costs.fillMs, () => {
      partition.filling = false;
      const still = partition.owner;
      if (still?.state === 'working' && !partition.batch && backlog.count > 0 && now >= partition.openAt)
        begin(partition, still);
    });
  }

  function begin(partition: Partition, on: Instance): void {
    const events = partition.backlog.take(costs.mostEvents);
    const count = events.reduce((sum, [, some]) => sum + some, 0);
    const batch = { events, count, on };
    partition.batch = batch;
    /** What is left of a batch whose instance was killed comes to nothing. */
    const ifAlive = (run: () => void) => () => partition.batch === batch && run();
    const compute = () => {
      const core = on.freeAt.indexOf(Math.min(...on.freeAt));
      const takes = (costs.batchMs + count * eventMs) * (1 + SPREAD * (2 * random.next() - 1));
      const ends = Math.max(now, on.freeAt[core] as number) + takes;
      on.freeAt[core] = ends;
      const answer = () => on.remote.ask(count * scenario.rows, ifAlive(publish));
      agenda.note(ends, ifAlive(costs.waitMs === 0 ? publish : answer));
    };
    const publish = () => {
      intake.ask(RESULTS, count, count * scenario.resultBytes, refusedMs => {
        const { waitMs, retries } = retried(refusedMs, scenario.retry);
        recorder.retried(retries);
        after(waitMs - refusedMs + costs.confirmMs, ifAlive(done));
      });
    };
    const done = () => {
      partition.batch = undefined;
      recorder.answered(now, events, count);
      look(partition);
    };
    const bytes = scenario.requestBytes + scenario.readers * scenario.resultBytes;
    outlet.ask(0, count * (1 + scenario.readers), count * bytes, ifAlive(compute));
  }

  function balance(instance: Instance): void {
    if (instance.state !== 'working') return;
    const owners = partitions.map(({ owner }) => owner);
    for (const index of claimsOf(instance, owners)) {
      const partition = partitions[index] as Partition;
      partition.owner = instance;
      partition.openAt = now + ownership.openMs;
      agenda.note(partition.openAt, () => look(partition));
    }
    after(ownership.balanceMs, () => balance(instance));
  }

  const create = (state: Instance['state']): Instance => ({
    freeAt: Array.from({ length: scenario.cores }, () => 0),
    remote: createRemoteRuns(costs, after),
    state,
  });

  function add(startMs: number): void {
    const instance = create('starting');
    instances.push(instance);
    after(startMs, () => {
      if (instance.state !== 'starting') return;
      instance.state = 'working';
      balance(instance);
    });
  }

  /** Ends what it does, and gives its partitions up. */
  function leave(instance: Instance): void {
    instance.state = 'left';
    instances = instances.filter(each => each !== instance);
    for (const partition of partitions) if (partition.owner === instance) partition.owner = undefined;
  }

  function kill(): void {
    const instance = instances.find(({ state }) => state === 'working');
    if (instance === undefined) return;
    instance.state = 'killed';
    instances = instances.filter(each => each !== instance);
    for (const partition of partitions) {
      if (partition.batch?.on === instance) {
        partition.backlog.giveBack(partition.batch.events);
        recorder.cameAgain(partition.batch.count);
        partition.batch = undefined;
        // Another owner's partition already: it goes on there.
        if (partition.owner !== instance) look(partition);
      }
      if (partition.owner === instance) {
        after(ownership.expiryMs, () => {
          if (partition.owner === instance) partition.owner = undefined;
        });
      }
    }
  }

  function decide(rule: NonNullable<Scenario['scale']>): void {
    const quiet = now - lastSentAt >= rule.keepMs;
    const asked = Math.max(quiet ? 0 : 1, desiredInstances(recorder.waiting, partitions.length, rule));
    const wanted = Math.min(scenario.mostInstances, Math.max(scenario.leastInstances, asked));
    if (wanted > instances.length) {
      addedAt = now;
      const more = Math.min(rule.atOnce, wanted - instances.length);
      for (let i = 0; i < more; i++) add(costs.coldStartMs);
    } else if (now - addedAt >= rule.keepMs) for (const instance of instances.slice(wanted)) leave(instance);
    after(rule.everyMs, () => decide(rule));
  }

  for (let i = 0; i < scenario.instances; i++) {
    const instance = create('working');
    instances.push(instance);
    after(random.next() * ownership.balanceMs, () => balance(instance));
  }
  for (const partition of partitions) partition.owner = instances[partition.index % Math.max(1, instances.length)];
  after(scenario.stepMs, send);
  if (scale) after(random.next() * scale.everyMs, () => decide(scale));
  for (const { atMs } of scenario.kills) agenda.note(atMs, kill);
  const sampleMs = (scenario.endMs - scenario.warmUpMs) / scenario.samples;
  agenda.note(scenario.warmUpMs, recorder.begin);
  for (let i = 1; i <= scenario.samples; i++) {
    agenda.note(scenario.warmUpMs + i * sampleMs, () => recorder.sample(now, sampleMs, instances.length));
  }
  while (agenda.nextAt <= scenario.endMs) {
    const { at, run } = agenda.take();
    now = at;
    run();
  }
  return recorder.outcome();
}
