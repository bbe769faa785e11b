/** Parts behind a library's public interface by what they have to be, each as a path: `session.on_flow`. `property`: it is there, be it undefined. */
export type PrivateParts = Readonly<Partial<Record<Kind, readonly string[]>>>;

type Kind = 'function' | 'number' | 'boolean' | 'object' | 'property';

export interface PinnedLibrary {
  readonly name: string;
  /** The version whose private parts were read; package.json pins it. */
  readonly pinned: string;
  readonly installed: string;
  readonly parts: PrivateParts;
  /** Makes what the paths begin with. */
  sample(): object;
}

/** What is amiss where a library is another one than its users were written for: what was found, what expected, and what to do. */
export function faultOf({ name, pinned, installed, parts, sample }: PinnedLibrary): string | undefined {
  const root = sampleOf(sample);
  const wrong = Object.entries(parts).flatMap(([kind, paths]) =>
    paths.filter(path => !isKind(root, path, kind as Kind)),
  );
  if (installed === pinned && wrong.length === 0) return undefined;
  const lacks = wrong.length > 0 ? ` and lacks, or has otherwise, ${wrong.join(', ')}` : '';
  return (
    `${name} ${installed} is installed${lacks}: the local stack reaches behind its public interface and was written ` +
    `for ${name} ${pinned}. Run \`npm ci\`, which installs what package-lock.json names.`
  );
}

/** A library so different that no sample can be made of it lacks everything. */
function sampleOf(sample: () => object): object {
  try {
    return sample();
  } catch {
    return {};
  }
}

function isKind(root: object, path: string, kind: Kind): boolean {
  const steps = path.split('.');
  const last = steps.pop() as string;
  const holder = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], root);
  if (holder === undefined || holder === null || !(last in Object(holder))) return false;
  const found = (holder as Record<string, unknown>)[last];
  return kind === 'property' || (found !== null && typeof found === kind);
}
