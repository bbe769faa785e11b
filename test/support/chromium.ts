import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** A browser of Chromium's kind on this machine; where there is none and Debian's package can be had without asking anybody, that. @returns its file, or why there is none */
export function haveChromium(): { readonly file: string } | { readonly missing: string } {
  const found = findChromium();
  if (found !== undefined) return { file: found };
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return {
      missing: `none of ${NAMES.join(', ')} is in PATH: install one (Debian: apt-get install chromium), or name its file in CHROMIUM`,
    };
  }
  try {
    for (const words of [
      ['update', '-qq'],
      ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
    ])
      execFileSync('apt-get', words, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 240_000 });
  } catch (thrown) {
    return { missing: `apt-get install chromium failed: ${thrown}` };
  }
  const installed = findChromium();
  return installed === undefined ? { missing: 'apt-get brought no chromium' } : { file: installed };
}

function findChromium(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env;
  const files = PATH.split(delimiter).flatMap(folder => NAMES.map(name => join(folder, name)));
  return [...(CHROMIUM ? [CHROMIUM] : []), ...files, MAC].find(file => existsSync(file));
}
