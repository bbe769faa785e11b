/** A provider that a card asks for and this machine lacks. */
export interface Lacking {
  readonly provider: string;
  readonly reason: string;
}

/** Where the nodes of a graph run. */
export interface Provided {
  /** The first that is here; it leaves to the others what it cannot do. */
  readonly provider: string;
  readonly lacking: readonly Lacking[];
}

/**
 * Opens with the first provider that this machine has: what is not among those that the runtime knows, or cannot be loaded, is passed over.
 * @param wanted in the order of preference; undefined: the runtime's own, which is the processor
 * @param known by the runtime, be they here or not
 * @throws Error as the runtime words it, where the last one fails too; Error where none is left.
 */
export async function withProviders<T>(
  wanted: readonly string[] | undefined,
  known: readonly string[],
  open: (providers: readonly string[] | undefined) => Promise<T>,
): Promise<{ readonly opened: T; readonly provided: Provided | undefined }> {
  if (wanted === undefined) return { opened: await open(undefined), provided: undefined };
  const lacking: Lacking[] = [];
  let left = wanted.filter(provider => {
    if (known.includes(provider)) return true;
    lacking.push({ provider, reason: 'ONNX Runtime has none here' });
    return false;
  });
  for (;;) {
    const [provider, ...others] = left;
    if (provider === undefined) throw new Error(`none of its providers is on this machine: ${wordsOf(lacking)}`);
    try {
      return { opened: await open(left), provided: { provider, lacking } };
    } catch (thrown) {
      // The file itself may be what is wrong: only one that opens without it has shown that the provider is.
      if (provider === 'cpu') throw thrown;
      lacking.push({ provider, reason: firstLine(thrown) });
      left = others;
    }
  }
}

function wordsOf(lacking: readonly Lacking[]): string {
  return lacking.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ');
}

const LONGEST = 160;

/** Without the path of the runtime's source, which says nothing to anybody here. */
function firstLine(thrown: unknown): string {
  const [line = ''] = String(thrown instanceof Error ? thrown.message : thrown).split('\n');
  return line.replace(/^\/\S+(:\d+)? /, '').slice(0, LONGEST);
}
