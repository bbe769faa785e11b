import type { ShippedPackage } from './shipped-packages.ts';

const RULE = '─'.repeat(100);

/** For packages that name this licence and bring no text. */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN
THE SOFTWARE.`;

/** Whose code the package holds, and under what terms. @throws Error where a licence asks for a text that nobody has. */
export function thirdPartyNotices(packages: readonly ShippedPackage[]): string {
  const onnxRuntime = packages.find(({ name }) => name === 'onnxruntime-node')?.version;
  const head = [
    'hubscore contains code of the packages below, under the terms that follow each.',
    ...(onnxRuntime
      ? [
          "What ONNX Runtime's library holds of others is listed in",
          `https://github.com/microsoft/onnxruntime/blob/v${onnxRuntime}/ThirdPartyNotices.txt`,
        ]
      : []),
  ];
  return `${[head.join('\n'), ...packages.map(notice)].join(`\n\n${RULE}\n\n`)}\n`;
}

function notice({ name, version, license, author, texts }: ShippedPackage): string {
  const title = `${name} ${version} (${license})`;
  if (texts.length > 0) return [title, ...texts].join('\n\n');
  if (license !== 'MIT') throw new Error(`${title} brings no licence text: it cannot be shipped`);
  return [title, `Copyright (c) ${author ?? `the authors of ${name}`}`, MIT].join('\n\n');
}
