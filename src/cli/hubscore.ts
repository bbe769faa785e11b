import { run } from './program.ts';

const stop = new AbortController();
let askedAtMs = Number.POSITIVE_INFINITY;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // npx passes on what the terminal sent already, so one Ctrl-C comes twice; a later one means it.
    if (performance.now() - askedAtMs > 500) process.exit(130);
    askedAtMs = Math.min(askedAtMs, performance.now());
    stop.abort();
  });
}
// `hubscore tail | head` closes the pipe: that is an end, not a failure.
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  folder: process.cwd(),
  signal: stop.signal,
});
