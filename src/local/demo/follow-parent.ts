/**
 * Loaded into every part of the local stack before its own code (`node --import`): ends the process when the one that
 * started it is gone, however that came about, so that even `kill -9` of `npm start` leaves nothing behind.
 */
const GIVE_UP_MS = 15_000;

process.once('disconnect', () => {
  setTimeout(() => process.exit(1), GIVE_UP_MS).unref();
  process.kill(process.pid, 'SIGTERM');
});
process.channel?.unref(); // watching the parent is no reason to stay alive
