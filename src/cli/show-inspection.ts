import type { BackendStatus } from '../core/backend.ts';
import type { Feature } from '../core/model.ts';
import type { Signature } from '../core/tensor.ts';
import type { Inspection } from '../models/publish.ts';
import { duration } from './duration.ts';
import { printable } from './printable.ts';
import type { Paint } from './terminal.ts';

/** What a model file was found to be, in a few lines for people. */
export function showInspection(inspection: Inspection, paint: Paint): string[] {
  const { card, info, status, bytes, producer, opsets, sha256, unknownFields } = inspection;
  const remarks = [...unknownFields, ...inspection.remarks];
  const line = (name: string, text: string) => `  ${paint('dim', name.padEnd(9))} ${printable(text)}`;
  const opset = [...opsets].map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`).join(', ');
  const speed = `${info.maxBatchSize} at once in ${duration(info.warmUpMs)}`;
  const place = { 'in-line': 'in-line', worker: 'in a worker process', remote: 'at a server' }[info.placement];
  const provider = info.provider === undefined ? '' : ` on ${info.provider}`;
  const memory = info.memoryBytes === 0 ? '' : `, about ${size(info.memoryBytes)} of memory`;
  return [
    line(
      { onnx: 'file', ensemble: 'ensemble', backends: 'backends' }[status.kind] ?? 'server',
      [bytes === 0 || status.kind !== 'onnx' ? '' : size(bytes), producer, opset && `opsets ${opset}`]
        .filter(Boolean)
        .join(', '),
    ),
    ...(status.kind === 'onnx'
      ? []
      : showStatus(status).map(words => line(status.kind === 'ensemble' ? 'member' : 'backend', words))),
    line('sha256', sha256),
    ...(card.task ? [line('task', card.task)] : []),
    line('takes', takes(card.features, info.signature)),
    line('gives', gives(inspection)),
    line('speed', `${speed}, ${place}${provider}${memory}`),
    ...remarks.map(remark => line(paint('yellow', 'note     '), remark)),
  ];
}

/** `churn 1.0.0: open-inference at models.example.com, away: no answer`, a line each. */
function showStatus(status: BackendStatus): string[] {
  return (status.parts ?? [{ ...status, title: '' }]).map(({ title, kind, at, state, reason }) => {
    const who = `${title === '' ? '' : `${title}: `}${kind}${at === '' ? '' : ` at ${at}`}`.replace(
      'onnx at ',
      'onnx ',
    );
    return `${who}, ${state}${reason === undefined ? '' : `: ${reason}`}`;
  });
}

function takes(features: readonly Feature[], signature: Signature): string {
  const one = features.length === 1 ? features[0] : undefined;
  if (one?.type === 'tensor') {
    const dims = signature.inputs.find(({ name }) => name === one.input)?.dims.slice(1) ?? [];
    return `${one.name}: an array of ${dims.map(dim => dim ?? 'any').join(' × ')}`;
  }
  if (one) return `${one.name}: one ${one.type}`;
  const kinds = (['number', 'string', 'tensor'] as const)
    .map(type => ({ type, count: features.filter(feature => feature.type === type).length }))
    .filter(({ count }) => count > 0)
    .map(({ type, count }) => `${count} ${type === 'tensor' ? 'array' : type}${count === 1 ? '' : 's'}`);
  const names = features.slice(0, 6).map(({ name }) => name);
  const more = features.length > 6 ? `, … ${features.length - 6} more` : '';
  return `${features.length} features (${kinds.join(', ')}): ${names.join(', ')}${more}`;
}

function gives({ card }: Inspection): string {
  const { label, probabilities, scores, value, classes, extra, threshold, multilabel } = card.outputs;
  const among = classes
    ? ` of ${classes.slice(0, 8).join(', ')}${classes.length > 8 ? `, … ${classes.length - 8} more` : ''}`
    : '';
  const parts = [
    multilabel ? 'a flag a label' : (label ?? scores) ? `a class${probabilities ? '' : among}` : undefined,
    probabilities ? `probabilities${among}` : undefined,
    threshold === undefined ? undefined : `threshold ${threshold}`,
    value ? 'a value' : undefined,
    ...extra,
  ].filter(part => part !== undefined);
  return parts.join('; ') || 'raw output';
}

function size(bytes: number): string {
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
