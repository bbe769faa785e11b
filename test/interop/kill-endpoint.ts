import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { EventHubs } from '../support/event-hubs.ts';

const KILLS = 4;

/**
 * Kills the endpoint (SIGKILL) each time the program has written that more events were acknowledged, and starts it again on the same
 * data; after the last one it closes the program's input, which tells it to stop sending and to look.
 */
export async function killEndpoint(child: ChildProcess, eventHubs: EventHubs): Promise<void> {
  let kills = 0;
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (!line.startsWith('acknowledged')) console.log(line);
    else if (kills < KILLS) {
      kills++;
      await eventHubs.kill();
      await eventHubs.restart();
      if (kills === KILLS) child.stdin?.end();
    }
  }
}
