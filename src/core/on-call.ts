/** The page for whoever is on call; every dead-letter code, alert and kind of log message has its anchor there. */
const PAGE = 'docs/operate.md';

/** Address of what is to be done at it, within the repository: dead letters bear it as `error.see`, log messages at their end. */
export function seeOf(anchor: string): string {
  return `${PAGE}#${anchor}`;
}
