import semver from 'semver';

/** What is known of a model's versions. */
export interface KnownVersions {
  /** Semantic versions, any order. */
  readonly versions: readonly string[];
  /** Alias in lower case → version. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Versions that answer only who asks for them by number; absent: none. */
  readonly quarantined?: ReadonlySet<string> | undefined;
}

export interface ResolvedVersion {
  /** Best first: where one is broken the next stands in. Empty where nothing fits. */
  readonly candidates: readonly string[];
  /** Build suffix that the answering version's label must bear. */
  readonly build: string | undefined;
  /** The version asked for is not there; production stands in. */
  readonly fallback: boolean;
}

/**
 * Which versions may answer what a request asks for: `1.1.0`, `1.1.0+a1b2c3d4`, `v1` or `1` (newest 1.x), `v1.1`, or an alias in any letter
 * case; absent: production. Pre-releases are chosen only by their full name, or where there is nothing else.
 */
export function resolveVersion(known: KnownVersions, asked: string | undefined): ResolvedVersion {
  if (asksForProduction(asked)) return found(production(known));
  const wanted = asked!.trim().toLowerCase();
  const exact = semver.parse(wanted.replace(/^v/, ''));
  if (exact) {
    const build = exact.build.join('.') || undefined;
    return known.versions.includes(exact.version) ? found([exact.version], build) : missing(known);
  }
  const range = /^v?(\d+)(?:\.(\d+))?$/.exec(wanted);
  if (range) {
    const [, major, minor] = range;
    const inRange = trusted(known).filter(version => {
      const parsed = semver.parse(version)!;
      return parsed.major === Number(major) && (minor === undefined || parsed.minor === Number(minor));
    });
    return inRange.length > 0 ? found(newestFirst(inRange)) : missing(known);
  }
  const target = known.aliases.get(wanted);
  return target === undefined ? missing(known) : found(orOlder(known, target));
}

export function asksForProduction(asked: string | undefined): boolean {
  const wanted = (asked ?? '').trim().toLowerCase();
  return wanted === '' || wanted === 'production';
}

/** The version that production names: the alias, else the highest. */
export function productionVersion(known: KnownVersions): string | undefined {
  return production(known)[0];
}

/** Newest first, pre-releases after all releases. */
export function newestFirst(versions: readonly string[]): string[] {
  const isPre = (version: string) => (semver.prerelease(version) ? 1 : 0);
  return [...versions].sort((a, b) => isPre(a) - isPre(b) || semver.rcompare(a, b));
}

/** Whether a text could be taken for a version, and so cannot be an alias. */
export function looksLikeVersion(text: string): boolean {
  return /^v?\d+(\.\d+)?$/i.test(text) || semver.parse(text.replace(/^v/i, '')) !== null;
}

function production(known: KnownVersions): string[] {
  const target = known.aliases.get('production');
  return target === undefined ? newestFirst(trusted(known)) : orOlder(known, target);
}

/** The version, then those older than it: what stands in while it is broken. */
function orOlder(known: KnownVersions, target: string): string[] {
  const older = trusted(known).filter(version => semver.lt(version, target));
  return [target, ...newestFirst(older)];
}

function trusted({ versions, quarantined }: KnownVersions): readonly string[] {
  return quarantined?.size ? versions.filter(version => !quarantined.has(version)) : versions;
}

function found(candidates: readonly string[], build?: string): ResolvedVersion {
  return { candidates, build, fallback: false };
}

function missing(known: KnownVersions): ResolvedVersion {
  return { candidates: production(known), build: undefined, fallback: true };
}
