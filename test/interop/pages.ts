/**
 * Runs code of other languages as pages show it, in a folder of its own: `node pages.ts LANGUAGE PAGE`. What a program of docs/clients.md prints must have an answer; training code must leave its model.
 * Environment: EVENTHUBS_CONNECTION, FUNCTIONS_URL, PYTHON. Exit code 0: all well.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readPages } from '../support/pages/pages.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM_MS = 150_000;
/** A class, as each of the programs prints it, alone or in the result. */
const ANSWER = /^[01](?:\s|$)|"prediction":[01]\b|^\[\[0\./m;

/** Where a program's text goes, and what runs it there. */
const RUN: Readonly<Record<string, (folder: string, text: string) => readonly string[]>> = {
  js(folder, text) {
    writeFileSync(join(folder, 'score.mjs'), text);
    return [process.execPath, 'score.mjs'];
  },
  python(folder, text) {
    writeFileSync(join(folder, 'program.py'), text);
    return [process.env.PYTHON ?? 'python3', 'program.py'];
  },
  go(folder, text) {
    for (const file of ['go.mod', 'go.sum']) cpSync(join(ROOT, 'test/interop/go', file), join(folder, file));
    writeFileSync(join(folder, 'main.go'), text);
    return ['go', 'run', '.'];
  },
  java(folder, text) {
    cpSync(join(ROOT, 'test/interop/java/pom.xml'), join(folder, 'pom.xml'));
    mkdirSync(join(folder, 'src/main/java'), { recursive: true });
    writeFileSync(join(folder, 'src/main/java/Score.java'), text);
    return ['mvn', '--batch-mode', '--quiet', 'compile', 'exec:java', '-Dexec.mainClass=Score'];
  },
};

const [language = '', name = ''] = process.argv.slice(2);
const page = readPages(ROOT).find(each => each.name === name);
const blocks = page?.blocks.filter(block => block.language === language && block.mark === undefined) ?? [];
if (blocks.length === 0) throw new Error(`${name} shows no ${language}`);
mkdirSync(join(ROOT, '.local'), { recursive: true });
const functions = new URL(process.env.FUNCTIONS_URL ?? 'http://localhost:7071').host;
for (const { text: written, line } of blocks) {
  const text = written.replaceAll('localhost:7071', functions);
  const folder = mkdtempSync(join(ROOT, '.local/page-')); // within, so that packages are found
  try {
    const [command = '', ...args] = RUN[language]?.(folder, text) ?? [];
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, timeout: PROGRAM_MS, encoding: 'utf8' });
    const isTraining = text.startsWith('# train.py');
    const isWell = status === 0 && (isTraining ? existsSync(join(folder, 'iris.onnx')) : ANSWER.test(stdout));
    console.log(
      `${isWell ? 'ok     ' : 'FAILED '} ${name}:${line} (${language}): ${isWell ? stdout.trim() : `${status} ${stdout}${stderr}`}`,
    );
    if (!isWell) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
