import { time } from './format.js';
import { html } from './html.js';

/** @param size class of its place in the grid */
export function Section({ id, title, size = '', children }) {
  const titleId = `${id}-title`;
  return html`<section id=${id} class=${size} aria-labelledby=${titleId}>
    <h2 id=${titleId}>${title}</h2>
    ${children}
  </section>`;
}

export const Time = ({ at }) => html`<time datetime=${at} title=${at}>${time(at)}</time>`;

/** Scrolls by itself where it is large, with the keyboard too. @param numbers places of columns that hold numbers @param names of those that hold what somebody named */
export function Table({ label, heads, rows, numbers = [], names = [0] }) {
  const kind = i => (numbers.includes(i) ? 'number' : names.includes(i) ? 'name' : '');
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
    <table>
      <thead><tr>${heads.map((head, i) => html`<th scope="col" class=${kind(i)}>${head}</th>`)}</tr></thead>
      <tbody>${rows.map(({ key, cells }) => html`<tr key=${key}>${cells.map((cell, i) => html`<td class=${kind(i)}>${cell}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;
}
